"""An exported model on our own step (native/step.c): one call a token, weights mapped from the file, states in place.

Used where the step was built at set-up, which takes a C compiler; where not, onnxruntime plays the same file. Knows
nothing about music or sampling.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.compiled import compiled
from engine.errors import ModelError
from engine.onnx_file import Stored, stored_arrays
from engine.recurrence_states import HEAD_CHANNELS, RecurrentState, StateBatch
from engine.types import FloatArray

_BLOCK = 32
_LANES = 16
_BEST_KIND = 2
_MIXES = 5
KINDS = ("portable", "AVX2", "AVX-512 VNNI")


class _Product(ctypes.Structure):
    _fields_ = (
        ("inputs", ctypes.c_int32), ("outputs", ctypes.c_int32), ("bits", ctypes.c_int32), ("unused", ctypes.c_int32),
        ("values", ctypes.c_void_p), ("scales", ctypes.c_void_p),
    )  # fmt: skip


_VECTORS = (
    "ln1.weight", "ln1.bias", "ln2.weight", "ln2.bias", "att.time_maa_x", "att.time_maa", "att.time_decay",
    "att.time_faaaa", "att.ln_x.weight", "att.ln_x.bias", "ffn.time_maa",
)  # fmt: skip
_PRODUCTS = (
    "att.time_maa_w1", "att.time_maa_w2", "att.time_decay_w1", "att.time_decay_w2", "att.receptance.weight",
    "att.key.weight", "att.value.weight", "att.gate.weight", "att.output.weight", "ffn.key.weight",
    "ffn.receptance.weight", "ffn.value.weight",
)  # fmt: skip
"""In the order of native/step.h."""


class _Layer(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in _VECTORS) + tuple(
        (name, _Product * _MIXES if name == "att.time_maa_w2" else _Product) for name in _PRODUCTS
    )


class _Model(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in ("layers", "width", "hidden", "vocabulary", "mix_rank", "decay_rank")),
        *((name, ctypes.c_void_p) for name in ("embedding", "out_weight", "out_bias")),
        ("head", _Product),
        ("layer", ctypes.POINTER(_Layer)),
    )


def best_kind() -> str:
    """Name the instruction set that the step would use here; empty where it was not built."""
    library = compiled()
    return "" if library is None else KINDS[library.step_kind(_BEST_KIND)]


class NativeRecurrence:
    """An exported model on our own step, one core."""

    def __init__(self, path: Path, name: str, kind: int = _BEST_KIND) -> None:
        library = compiled()
        if library is None:
            raise ModelError("the native step is not built. Set up again with a C compiler, or use the onnx back end.")
        self._step = library.step
        try:
            self._arrays = stored_arrays(path)
            self._weights = _Weights(self._arrays)
            self._model = self._describe(self._weights)
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"{path}: the native step cannot read it ({error!r}). Export it again with training.export."
            ) from error
        self._kind = library.step_kind(kind)
        self._library = library
        self._scratch: dict[int, Any] = {}
        self.vocabulary_size: int = self._model.vocabulary
        self.layers, self.width = int(self._model.layers), int(self._model.width)
        self.name = f"{name} {self.layers}x{self.width}"

    @property
    def kind(self) -> str:
        """Which instructions it uses; the numbers are the same with any."""
        return KINDS[self._kind]

    @property
    def copies(self) -> Sequence[Stored]:
        """What had to be copied from the mapped file."""
        return self._weights.copies

    def initial_state(self) -> RecurrentState:
        """Return the state before the first token."""
        return RecurrentState.zero(self.layers, self.width)

    def step(self, token: int, state: RecurrentState) -> tuple[FloatArray, RecurrentState]:
        """Return the logits, float32 [vocabulary], after one more token, and the state there."""
        batch = StateBatch.repeat(state, 1)
        logits = self.advance([token], batch)
        return logits[0], RecurrentState(batch.shift[:, :, 0], batch.wkv[:, 0])

    def step_batch(self, batch_tokens: Sequence[int], states: StateBatch) -> tuple[FloatArray, StateBatch]:
        """Return the logits, float32 [streams, vocabulary], after one more token in each stream, and the states."""
        after = StateBatch(states.shift.copy(), states.wkv.copy())
        return self.advance(batch_tokens, after), after

    def advance(self, batch_tokens: Sequence[int], states: StateBatch) -> FloatArray:
        """Take one more token in each stream, changing the states; return the logits, float32 [streams, vocabulary]."""
        ids = np.asarray(batch_tokens, np.int64)
        streams = len(ids)
        if ids.min() < 0 or ids.max() >= self.vocabulary_size:
            raise IndexError(f"a token of {ids.tolist()} is not in the vocabulary of {self.vocabulary_size}")
        shift, wkv = states.shift, states.wkv
        heads = self.width // HEAD_CHANNELS
        fits = shift.shape == (self.layers, 2, streams, self.width) and wkv.shape[:3] == (self.layers, streams, heads)
        if not fits or not all(_writable(array) for array in (shift, wkv)):
            raise ValueError(f"states of {shift.shape} and {wkv.shape} for {streams} streams of {self.name}")
        logits = np.empty((streams, self.vocabulary_size), np.float32)
        self._step(
            self._address, self._kind, streams, ids.ctypes.data, shift.ctypes.data, wkv.ctypes.data,
            logits.ctypes.data, self._scratch_of(streams),
        )  # fmt: skip
        return logits

    def _scratch_of(self, streams: int) -> int:
        if streams not in self._scratch:
            size = self._library.step_scratch_bytes(self._address, streams)
            self._scratch[streams] = np.empty(size, np.uint8)
        return int(self._scratch[streams].ctypes.data)

    @property
    def _address(self) -> int:
        return ctypes.addressof(self._model)

    def _describe(self, weights: _Weights) -> _Model:
        """Fill in where everything lies."""
        embedding = self._arrays["embedding"]
        vocabulary, width = embedding.shape
        count = sum(name.endswith(".ln1.weight") for name in self._arrays)
        low, mix = weights.product("blocks.0.att.time_decay_w1"), weights.product("blocks.0.att.time_maa_w1")
        hidden = weights.product("blocks.0.ffn.key.weight").outputs
        odd = width % HEAD_CHANNELS or hidden % _BLOCK or low.outputs % _BLOCK or vocabulary % _LANES
        if odd or mix.outputs != _MIXES * _BLOCK:
            raise ValueError(f"{width} channels, {hidden} hidden: not a size that the step knows")
        self._layers = (_Layer * count)()
        for number, layer in enumerate(self._layers):
            for name in _VECTORS:
                setattr(layer, name, weights.vector(f"blocks.{number}.{name}"))
            for name in _PRODUCTS:
                full = f"blocks.{number}.{name}"
                setattr(layer, name, weights.mixes(full, width) if name == "att.time_maa_w2" else weights.product(full))
        return _Model(
            count, width, hidden, vocabulary, mix.outputs // _MIXES, low.outputs, weights.vector("embedding"),
            weights.vector("ln_out.weight"), weights.vector("ln_out.bias"), weights.product("head.weight"),
            ctypes.cast(self._layers, ctypes.POINTER(_Layer)),
        )  # fmt: skip


def _writable(array: FloatArray) -> bool:
    return array.dtype == np.float32 and array.flags.c_contiguous and array.flags.writeable


class _Weights:
    """The stored arrays as addresses; keeps alive what had to be copied."""

    def __init__(self, arrays: Mapping[str, Stored]) -> None:
        self._arrays = arrays
        self.copies: list[Stored] = []

    def vector(self, name: str) -> int:
        """Return where float32 numbers lie; whatever does not lie on four bytes is copied."""
        array = self._arrays[name]
        if array.dtype != np.float32:
            raise ValueError(f"{name} is {array.dtype}, not float32")
        return self._place(array)

    def product(self, name: str) -> _Product:
        """Return a matrix, in few bits or in float32."""
        if name in self._arrays:
            inputs, outputs = self._arrays[name].shape
            return _Product(inputs, outputs, 32, 0, self.vector(name), None)
        values = self._arrays[f"{name}:values"]
        outputs, blocks, stored = values.shape
        bits = {_BLOCK: 8, _BLOCK // 2: 4}[stored]
        return _Product(blocks * _BLOCK, outputs, bits, 0, values.ctypes.data, self.vector(f"{name}:scales"))

    def mixes(self, name: str, width: int) -> ctypes.Array[_Product]:
        """Return the five blocks on the diagonal of a matrix; the rest of it is nothing."""
        whole = self._arrays.get(name)
        products = (_Product * _MIXES)()
        for place in range(_MIXES):
            columns = slice(place * width, (place + 1) * width)
            if whole is not None:
                block = np.ascontiguousarray(whole[place * _BLOCK : (place + 1) * _BLOCK, columns])
                products[place] = _Product(_BLOCK, width, 32, 0, self._keep(block), None)
                continue
            values = np.ascontiguousarray(self._arrays[f"{name}:values"][columns, place])
            scales = self._arrays[f"{name}:scales"].reshape(-1, _MIXES)[columns, place].astype(np.float32)
            products[place] = _Product(_BLOCK, width, 8, 0, self._keep(values), self._keep(scales))
        return products

    def _place(self, array: Stored) -> int:
        return int(array.ctypes.data) if array.flags.aligned else self._keep(array.copy())

    def _keep(self, array: Stored) -> int:
        self.copies.append(array)
        return int(array.ctypes.data)
