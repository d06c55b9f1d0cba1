"""Milliseconds a token of every back end, size and batch, beside the `rwkv` package on the same weights.

The large sizes have random weights, which take as long as any; what few bits lose is measured on the shipped models,
on tokens that they write themselves. Knows nothing about music.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.compiled import compiled
from engine.recurrence import Recurrence
from engine.recurrence_native import NativeRecurrence
from engine.recurrence_onnx import OnnxRecurrence
from engine.recurrence_states import StateBatch
from training.network import Network, public_weights
from training.runtime import divergence
from training.size import Size
from training.step_graph import build_step

SIZES = {"12x384": Size(12, 384, 2560), "20x512": Size(20, 512, 2176)}
BATCHES = (1, 8)
ROUNDS = 3
ROUND_S = 0.2
WRITTEN_TOKENS = 400

Weights = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Speed:
    """One back end on one model."""

    model: str
    backend: str
    batch: int
    ms: float
    """Processor time of a step of the whole batch."""
    gigabytes_per_s: float
    """Weights read for it."""
    to_rwkv: float
    """How many times the tokens a second of the `rwkv` package, fp32 on one core, in the same run."""

    @property
    def tokens_per_s(self) -> float:
        """Of all streams together."""
        return self.batch * 1000 / self.ms


@dataclass(frozen=True, slots=True)
class Loss:
    """What few bits cost on a shipped model, nats a token."""

    model: str
    bits: int
    nats: float


def speeds(models: Path, names: tuple[str, ...]) -> Iterator[Speed]:
    """Measure each model, the shipped ones and random ones of the larger sizes."""
    for name in names:
        weights = random_weights(SIZES[name]) if name in SIZES else shipped_weights(models / name)
        with tempfile.TemporaryDirectory() as folder:
            yield from _speeds_of(name, weights, Path(folder))


def losses(models: Path) -> Iterator[Loss]:
    """Measure how far 8 and 4 bits are from the float model."""
    for name in ("piano", "drums"):
        weights = shipped_weights(models / name)
        with tempfile.TemporaryDirectory() as folder:
            exact = load_exported(weights, None, Path(folder))
            tokens, logits = _written(exact)
            for bits in (8, 4):
                yield Loss(name, bits, divergence(logits, _logits(load_exported(weights, bits, Path(folder)), tokens)))


def shipped_weights(folder: Path) -> Weights:
    """Return a shipped model's weights."""
    loaded = torch.load(folder / "model.pth", weights_only=True)
    return {name: value.float() for name, value in loaded.items()}


def random_weights(size: Size) -> Weights:
    """Return weights of a size, none of them zero."""
    torch.manual_seed(0)
    network = Network(size)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return public_weights(network)


def _speeds_of(name: str, weights: Weights, folder: Path) -> Iterator[Speed]:
    torch.save(weights, folder / "model.pth")
    matrices = sum(value.numel() for key, value in weights.items() if key != "emb.weight" and value.dim() >= 2)
    base_ms = _milliseconds(_package_step(folder / "model.pth"))
    yield Speed(name, "rwkv, fp32", 1, base_ms, matrices * 4 / base_ms / 1e6, 1.0)
    for backend, bits in (("onnx", 8), ("native", 8), ("native", 4)):
        if backend == "native" and compiled() is None:
            continue
        recurrence = load_exported(weights, bits, folder, backend)
        for batch in BATCHES:
            states = StateBatch.repeat(recurrence.initial_state(), batch)
            ids = [128 + stream for stream in range(batch)]
            step = recurrence.step_batch if backend == "onnx" else recurrence.advance
            ms = _milliseconds(lambda step=step, ids=ids, states=states: step(ids, states))  # type: ignore[misc]
            read = matrices * (bits / 8 + 4 / 32) / ms / 1e6
            yield Speed(name, f"{backend}, {bits} bit", batch, ms, read, batch * base_ms / ms)


def _package_step(path: Path) -> Callable[[], object]:
    """Return a step of the package itself, with its own state: ours would be copied in and out."""
    from engine.recurrence_rwkv import _package_of

    model = _package_of(newer=False).RWKV(model=str(path.with_suffix("")), strategy="cpu fp32", verbose=False)
    state: list[Any] = [None]

    def step() -> None:
        _, state[0] = model.forward([128], state[0])

    return step


def _milliseconds(step: Callable[[], object]) -> float:
    """Return the processor time of a step: the best round, as others use the machine, too."""
    for _ in range(3):
        step()
    best_s = np.inf
    for _ in range(ROUNDS):
        begun_s, steps = time.process_time(), 0
        while time.process_time() - begun_s < ROUND_S:
            step()
            steps += 1
        best_s = min(best_s, (time.process_time() - begun_s) / steps)
    return float(best_s * 1000)


def load_exported(weights: Weights, bits: int | None, folder: Path, backend: str = "native") -> Recurrence:
    """Export weights in so many bits, or in float32, and load them."""
    path = folder / f"{bits}.onnx"
    path.write_bytes(build_step({name: value.numpy() for name, value in weights.items()}, bits).SerializeToString())
    if backend == "onnx" or compiled() is None:
        return OnnxRecurrence(path, path.stem)
    return NativeRecurrence(path, path.stem)


def _written(recurrence: Recurrence) -> tuple[list[int], np.ndarray[Any, np.dtype[np.float32]]]:
    """Have a model write; return its tokens and the logits after each."""
    rng, state, tokens, rows = np.random.default_rng(0), recurrence.initial_state(), [0], []
    for _ in range(WRITTEN_TOKENS):
        row, state = recurrence.step(tokens[-1], state)
        chances = np.exp(row.astype(np.float64) - row.max())
        rows.append(row)
        tokens.append(int(rng.choice(len(row), p=chances / chances.sum())))
    return tokens[:-1], np.stack(rows)


def _logits(recurrence: Recurrence, tokens: list[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
    state, rows = recurrence.initial_state(), []
    for token in tokens:
        row, state = recurrence.step(token, state)
        rows.append(row)
    return np.stack(rows)
