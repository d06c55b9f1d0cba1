"""Any RWKV-6 (x060) or RWKV-7 (x070) `.pth` on the `rwkv` package, fp32 on the CPU.

The only module of the engine that touches torch.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import pickle
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from engine import tokens
from engine.errors import ModelError
from engine.recurrence import RecurrentState, StateBatch
from engine.types import FloatArray

_VOCABULARIES = {tokens.MIDICOMPACT_SIZE: "MIDICompact", tokens.VOCABULARY_SIZE: "lofi"}
_TENSORS_PER_LAYER = 3
_LOAD_ERRORS = (
    RuntimeError, KeyError, ValueError, TypeError, AttributeError, AssertionError, IndexError, OSError, EOFError,
    pickle.UnpicklingError,
)  # fmt: skip
"""What the package's parsing stumbles over when a file is not a model."""


class RwkvRecurrence:
    """A model on the `rwkv` package; slower than onnxruntime, and the oracle of its tests."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ModelError(f"{path}: no such file. Name an RWKV-6 or RWKV-7 .pth, or use the onnx back end.")
        self._torch = _import_torch()
        try:
            mapped = zipfile.is_zipfile(path)  # torch cannot map files of its oldest format
            names = self._torch.load(path, map_location="cpu", weights_only=True, mmap=mapped).keys()
            # RWKV-7 keeps its state with the value index first, RWKV-6 and we with the key index first.
            self._value_first = "blocks.0.att.r_k" in names
            package = _package_of(self._value_first)
            with contextlib.redirect_stdout(io.StringIO()):  # it prints what it loads
                model: Any = package.RWKV(model=str(path.with_suffix("")), strategy="cpu fp32")
            self._model = model
            self._weights = model.z if self._value_first else model.w
            rows, width = self._weights["emb.weight"].shape
            layers = int(model.args.n_layer)
        except _LOAD_ERRORS as error:
            raise ModelError(
                f"{path}: not an RWKV-6 (x060) or RWKV-7 (x070) model ({error!r}). Download or export it again."
            ) from error
        known_generation = self._value_first or "blocks.0.att.time_maa_x" in self._weights
        if rows not in _VOCABULARIES or not known_generation:
            known = ", ".join(f"{size} ({name})" for size, name in _VOCABULARIES.items())
            raise ModelError(f"{path}: {rows} tokens of another format. We play RWKV-6 and 7 with {known} tokens.")
        self._layers, self._width = layers, int(width)
        self.vocabulary_size = int(rows)
        self.name = f"{path.parent.name}/{path.name} {layers}x{width}"

    def initial_state(self) -> RecurrentState:
        """Return the state before the first token, state-tuned if the file says so."""
        state = RecurrentState.zero(self._layers, self._width)
        tuned = [self._weights.get(f"blocks.{layer}.att.time_state") for layer in range(self._layers)]
        if any(tensor is None for tensor in tuned):
            return state
        # files of both generations store it value index first, and the package squeezes a single head away
        heads = np.stack([tensor.float().numpy() for tensor in tuned]).reshape(state.wkv.shape)
        return RecurrentState(state.shift, np.ascontiguousarray(heads.swapaxes(2, 3)))

    def step(self, token: int, state: RecurrentState) -> tuple[FloatArray, RecurrentState]:
        """Return the logits, float32 [vocabulary], after one more token, and the state there."""
        logits, tensors = self._model.forward([token], self._to_tensors(state))
        return logits.numpy(), self._to_value(tensors)

    def step_batch(self, batch_tokens: Sequence[int], states: StateBatch) -> tuple[FloatArray, StateBatch]:
        """Return the logits, float32 [streams, vocabulary], after one more token in each stream, and the states."""
        results = [self.step(token, states.row(stream)) for stream, token in enumerate(batch_tokens)]
        return np.stack([logits for logits, _ in results]), StateBatch(
            np.stack([state.shift for _, state in results], axis=2),
            np.stack([state.wkv for _, state in results], axis=1),
        )

    def advance(self, batch_tokens: Sequence[int], states: StateBatch) -> FloatArray:
        """Take one more token in each stream, changing the states; return the logits, float32 [streams, vocabulary]."""
        logits, after = self.step_batch(batch_tokens, states)
        states.shift[:], states.wkv[:] = after.shift, after.wkv
        return logits

    def _to_tensors(self, state: RecurrentState) -> list[Any]:
        wrap = self._torch.from_numpy
        tensors = []
        for layer in range(self._layers):
            shift = state.shift[layer].copy()
            wkv = state.wkv[layer].swapaxes(1, 2) if self._value_first else state.wkv[layer]
            tensors += [wrap(shift[0]), wrap(wkv.copy()), wrap(shift[1])]
        return tensors

    def _to_value(self, tensors: list[Any]) -> RecurrentState:
        arrays = [tensor.float().numpy() for tensor in tensors]
        attention, wkv, feed_forward = (arrays[place::_TENSORS_PER_LAYER] for place in range(_TENSORS_PER_LAYER))
        shift = np.stack([np.stack(attention), np.stack(feed_forward)], axis=1)
        heads = np.stack(wkv)
        return RecurrentState(shift, np.ascontiguousarray(heads.swapaxes(2, 3)) if self._value_first else heads)


def _import_torch() -> Any:  # noqa: ANN401 - an optional package
    try:
        import torch
    except ImportError as error:
        raise _missing(error) from error
    torch.set_num_threads(1)  # one token is too little work to share: two threads took 16-57 ms, one takes 1-2
    return torch


def _package_of(newer: bool) -> ModuleType:
    """Return rwkv.model for a generation; the package decides it when it is imported, so there is one copy for each."""
    name = "rwkv.model_x070" if newer else "rwkv.model_x060"
    if name not in sys.modules:
        os.environ.update(RWKV_JIT_ON="0", RWKV_CUDA_ON="0", RWKV_V7_ON=str(int(newer)), RWKV_RESCALE_LAYER="0")
        try:
            spec = importlib.util.find_spec("rwkv.model")
        except ImportError as error:
            raise _missing(error) from error
        if spec is None or spec.origin is None:
            raise _missing(ImportError("No module named 'rwkv.model'"))
        spec = importlib.util.spec_from_file_location(name, spec.origin)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with contextlib.redirect_stdout(io.StringIO()):
            spec.loader.exec_module(module)
        sys.modules[name] = module
    return sys.modules[name]


def _missing(error: ImportError) -> ModelError:
    return ModelError(f"the rwkv back end needs torch and rwkv ({error}). pip install lofi-radio[rwkv]")
