"""The recurrences: one token in, the chances of the next out, a state of constant size carried for ever.

The state is a value that can be copied, saved and shared by candidates. Knows nothing about music or sampling.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, cast

import numpy as np

from engine import tokens
from engine.errors import ModelError
from engine.types import FloatArray, Tree

# From 1.32 on onnxruntime reports its use to its maker, and keeps an id of the machine, unless told not to before it
# is imported. A station needs no network and tells nobody.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime
import onnxruntime.capi.onnxruntime_pybind11_state as ort

HEAD_CHANNELS = 64
_FORMATS = ("rwkv-x060", "rwkv-x070")
"""Generations that step with one token, shift and wkv; a card of another one is refused before its file is read."""
_REMEDY = "Restore it with `git checkout -- models` or export it again with `make train`."


@dataclass(frozen=True, slots=True, eq=False)
class RecurrentState:
    """The memory of one stream; constant size, never changed in place."""

    shift: FloatArray
    """float32 [layers, 2, width]: the previous inputs of attention and of the feed-forward net."""
    wkv: FloatArray
    """float32 [layers, heads, 64, 64]: key index, then value index."""

    @classmethod
    def zero(cls, layers: int, width: int) -> Self:
        """Return the state before the first token."""
        heads = width // HEAD_CHANNELS
        return cls(
            np.zeros((layers, 2, width), np.float32),
            np.zeros((layers, heads, HEAD_CHANNELS, HEAD_CHANNELS), np.float32),
        )

    def snapshot(self) -> Tree:
        """Return the state as a tree of arrays."""
        return {"shift": self.shift, "wkv": self.wkv}

    @classmethod
    def restore(cls, tree: Tree) -> Self:
        """Return the state that a tree holds."""
        return cls(cast(FloatArray, tree["shift"]), cast(FloatArray, tree["wkv"]))


@dataclass(frozen=True, slots=True, eq=False)
class StateBatch:
    """The memories of several streams side by side, so that they step as one."""

    shift: FloatArray
    """float32 [layers, 2, streams, width]"""
    wkv: FloatArray
    """float32 [layers, streams, heads, 64, 64]"""

    @classmethod
    def repeat(cls, state: RecurrentState, streams: int) -> Self:
        """Return the same memory for several streams."""
        return cls(
            np.repeat(state.shift[:, :, np.newaxis], streams, axis=2),
            np.repeat(state.wkv[:, np.newaxis], streams, axis=1),
        )

    def row(self, stream: int) -> RecurrentState:
        """Return one stream's memory, a copy."""
        return RecurrentState(self.shift[:, :, stream].copy(), self.wkv[:, stream].copy())

    def keep(self, streams: Sequence[int]) -> StateBatch:
        """Return the batch of the named streams alone."""
        rows = list(streams)
        return StateBatch(np.ascontiguousarray(self.shift[:, :, rows]), np.ascontiguousarray(self.wkv[:, rows]))


class Recurrence(Protocol):
    """A model that steps token by token."""

    @property
    def name(self) -> str:
        """What the model is, for logs and the journal."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """Rows of the token table: 2176 is MIDICompact, 2560 is ours."""
        ...

    def initial_state(self) -> RecurrentState:
        """Return the state before the first token."""
        ...

    def step(self, token: int, state: RecurrentState) -> tuple[FloatArray, RecurrentState]:
        """Return the logits, float32 [vocabulary], after one more token, and the state there."""
        ...

    def step_batch(self, batch_tokens: Sequence[int], states: StateBatch) -> tuple[FloatArray, StateBatch]:
        """Return the logits, float32 [streams, vocabulary], after one more token in each stream, and the states."""
        ...


class OnnxRecurrence:
    """An exported model on onnxruntime: 8-bit weights, one thread, no torch."""

    def __init__(self, folder: Path) -> None:
        card = read_card(folder)
        path = folder / str(card["file"])
        _check_file(path, str(card["sha256"]))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # a station costs a few percent of one core; more threads only fight
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except (ort.Fail, ort.InvalidArgument, ort.InvalidGraph, ort.InvalidProtobuf, ort.NotImplemented) as error:
            raise ModelError(f"{path}: onnxruntime cannot load it ({error}). {_REMEDY}") from error
        shapes = {value.name: value.shape for value in self._session.get_inputs()}
        match shapes:
            case {"token": _, "shift": [int(layers), 2, _, int(width)], "wkv": [_, _, _, _, _]} if len(shapes) == 3:
                self._layers, self._width = layers, width
            case _:
                raise ModelError(f"{path}: its inputs are {shapes}, not token, shift and wkv of one size. {_REMEDY}")
        self.vocabulary_size = _checked_vocabulary(folder, card)
        self.name = f"{folder.name} {self._layers}x{self._width}"

    def initial_state(self) -> RecurrentState:
        """Return the state before the first token."""
        return RecurrentState.zero(self._layers, self._width)

    def step(self, token: int, state: RecurrentState) -> tuple[FloatArray, RecurrentState]:
        """Return the logits, float32 [vocabulary], after one more token, and the state there."""
        batch = StateBatch(state.shift[:, :, np.newaxis], state.wkv[:, np.newaxis])
        logits, after = self.step_batch([token], batch)
        return logits[0], RecurrentState(after.shift[:, :, 0], after.wkv[:, 0])

    def step_batch(self, batch_tokens: Sequence[int], states: StateBatch) -> tuple[FloatArray, StateBatch]:
        """Return the logits, float32 [streams, vocabulary], after one more token in each stream, and the states."""
        logits, shift, wkv = self._session.run(
            ["logits", "shift_out", "wkv_out"],
            {"token": np.asarray(batch_tokens, np.int64), "shift": states.shift, "wkv": states.wkv},
        )
        return logits, StateBatch(shift, wkv)


def load_recurrence(path: Path, backend: str = "onnx") -> Recurrence:
    """Return the model of a folder or of a `.pth` file.

    Args:
        path: a folder with card.json, or any RWKV-6 (x060) or RWKV-7 (x070) `.pth`, which always runs on the `rwkv`
            back end.
        backend: `onnx`, or `rwkv` to run the folder's model.pth through the package of that name.

    Raises:
        ModelError: something is missing, damaged or of another format (with the file and the remedy).
    """
    if backend not in ("onnx", "rwkv"):
        raise ModelError(f"back end {backend!r}: unknown. Choose onnx or rwkv.")
    if path.suffix == ".pth" or backend == "rwkv":
        from engine.recurrence_rwkv import RwkvRecurrence  # torch is optional and slow to import

        return RwkvRecurrence(path if path.suffix == ".pth" else path / "model.pth")
    return OnnxRecurrence(path)


def read_card(folder: Path) -> Tree:
    """Return a model folder's card.

    Raises:
        ModelError: there is no card, it is no JSON or it lacks what we need.
    """
    path = folder / "card.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error.strerror}). Name a folder with card.json. {_REMEDY}"
        ) from error
    except ValueError as error:
        raise ModelError(f"{path}: not JSON ({error}). {_REMEDY}") from error
    kinds = {"file": str, "sha256": str, "vocabulary": dict}
    missing = [key for key, kind in kinds.items() if not isinstance(card, dict) or not isinstance(card.get(key), kind)]
    if missing:
        raise ModelError(f"{path}: lacks {', '.join(missing)}. {_REMEDY}")
    if card.get("format", _FORMATS[0]) not in _FORMATS:  # the first cards named none
        raise ModelError(f"{path}: format {card['format']!r}, we play {' and '.join(_FORMATS)}. {_REMEDY}")
    return cast(Tree, card)


def _check_file(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}). {_REMEDY}") from error
    if found != expected:
        raise ModelError(f"{path}: damaged, its sha256 is {found[:12]}… and the card says {expected[:12]}…. {_REMEDY}")


def _checked_vocabulary(folder: Path, card: Tree) -> int:
    vocabulary = cast(dict[str, object], card["vocabulary"])
    size = vocabulary.get("size")
    known = (tokens.MIDICOMPACT_SIZE, tokens.VOCABULARY_SIZE)
    if not isinstance(size, int) or size not in known or vocabulary.get("sha256") != tokens.vocabulary_sha256(size):
        raise ModelError(
            f"{folder / 'card.json'}: vocabulary {vocabulary.get('name')!r} of {size} tokens is not one we know "
            f"(sizes {known[0]} and {known[1]}, by hash). Train with this version's tokens or use its own release."
        )
    return size
