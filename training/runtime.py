"""Runs exported models and the reference package token by token, for comparison. Knows nothing about training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from io import StringIO
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # see engine/recurrence.py

import onnxruntime
import onnxruntime.capi.onnxruntime_pybind11_state as ort

from engine.errors import ModelError

FloatArray = npt.NDArray[np.float32]


class OnnxStep:
    """An exported step model."""

    def __init__(self, model: bytes | Path) -> None:
        """Load it.

        Raises:
            ModelError: it is missing, damaged or no step of a network.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        source = str(model) if isinstance(model, Path) else model
        name = model if isinstance(model, Path) else "a model just made"
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except (ort.NoSuchFile, ort.Fail, ort.InvalidArgument, ort.InvalidGraph, ort.InvalidProtobuf) as error:
            raise ModelError(
                f"{name}: onnxruntime cannot load it ({error}). Name a model.onnx of an export."
            ) from error
        shapes = {value.name: value.shape for value in self._session.get_inputs()}
        match shapes:
            case {"shift": [int(layers), _, _, int(width)], "wkv": [_, _, int(heads), _, _]}:
                self._layers, self._width, self._heads = layers, width, heads
            case _:
                raise ModelError(
                    f"{name}: its inputs are {shapes}, not token, shift and wkv. Name a model.onnx of an export."
                )

    def initial_state(self, batch: int = 1) -> tuple[FloatArray, FloatArray]:
        """Return the state before the first token."""
        shift = np.zeros((self._layers, 2, batch, self._width), np.float32)
        return shift, np.zeros((self._layers, batch, self._heads, 64, 64), np.float32)

    def step(
        self, ids: npt.NDArray[np.int64], state: tuple[FloatArray, FloatArray]
    ) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
        """Return (logits [B, V], state) after one token per row."""
        feeds = {"token": ids, "shift": state[0], "wkv": state[1]}
        logits, shift, wkv = self._session.run(["logits", "shift_out", "wkv_out"], feeds)
        return logits, (shift, wkv)

    def logits(self, ids: Sequence[int]) -> FloatArray:
        """Return the logits [T, V] after each token of a sequence."""
        state = self.initial_state()
        rows = []
        for token in ids:
            row, state = self.step(np.array([token], np.int64), state)
            rows.append(row[0])
        return np.stack(rows)


def package_logits(weights: Path, ids: Sequence[int]) -> FloatArray:
    """Return the logits [T, V] that the `rwkv` package computes, on the CPU in float32."""
    with redirect_stdout(StringIO()):  # it prints what it loads
        package = _package("blocks.0.att.r_k" in torch.load(weights, weights_only=True, mmap=True))
        model = package.RWKV(model=str(weights.with_suffix("")), strategy="cpu fp32")
    state: list[Tensor] | None = None
    rows = []
    for token in ids:
        row, state = model.forward([int(token)], state)
        rows.append(row.float().numpy().copy())
    return np.stack(rows)


@cache
def _package(newer: bool) -> ModuleType:
    """Return the package's module for RWKV-7 or RWKV-6; it decides by the environment, once, when it is imported."""
    os.environ.update(RWKV_JIT_ON="0", RWKV_CUDA_ON="0", RWKV_V7_ON=str(int(newer)), RWKV_RESCALE_LAYER="999")
    found = find_spec("rwkv.model")
    assert found is not None
    assert found.origin is not None
    spec = spec_from_file_location(f"rwkv.model_reference{6 + newer}", found.origin)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def divergence(reference: FloatArray, other: FloatArray) -> float:
    """Return the mean KL divergence of two sets of logits [T, V], nats a token."""
    p, q = _log_softmax(reference), _log_softmax(other)
    return float((np.exp(p) * (p - q)).sum(-1).mean())


def _log_softmax(logits: FloatArray) -> npt.NDArray[np.float64]:
    centred = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    normal: npt.NDArray[np.float64] = centred - np.log(np.exp(centred).sum(-1, keepdims=True))
    return normal
