"""An exported model on onnxruntime: weights in few bits, one thread, no torch. For where our own step was not built."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import ModelError
from engine.recurrence_states import RecurrentState, StateBatch
from engine.types import FloatArray

# From 1.32 on onnxruntime reports its use to its maker, and keeps an id of the machine, unless told not to before it
# is imported. A station needs no network and tells nobody.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime
import onnxruntime.capi.onnxruntime_pybind11_state as ort

_REMEDY = "Restore it with `git checkout -- models` or export it again with `make train`."


class OnnxRecurrence:
    """An exported model on onnxruntime."""

    def __init__(self, path: Path, name: str) -> None:
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
        self.vocabulary_size = _vocabulary_of(self._session, path)
        self.name = f"{name} {self._layers}x{self._width}"

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

    def advance(self, batch_tokens: Sequence[int], states: StateBatch) -> FloatArray:
        """Take one more token in each stream, changing the states; return the logits, float32 [streams, vocabulary]."""
        logits, after = self.step_batch(batch_tokens, states)
        states.shift[:], states.wkv[:] = after.shift, after.wkv
        return logits


def _vocabulary_of(session: Any, path: Path) -> int:  # noqa: ANN401 - onnxruntime has no types
    shapes = {value.name: value.shape for value in session.get_outputs()}
    match shapes.get("logits"):
        case [_, int(size)]:
            return size
    raise ModelError(f"{path}: its outputs are {shapes}, without logits of one size. {_REMEDY}")
