"""Validation: the negative log likelihood of a token stream, in total and by kind of token.

Knows nothing about optimisers or files.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine import tokens
from training.corpus import Ids
from training.network import Network, State

Forward = Callable[[Tensor, State], tuple[Tensor, State]]

KINDS = {
    "note": (tokens.NOTE_BASE, tokens.MIDICOMPACT_SIZE),
    "bar": (tokens.BAR, tokens.BAR + 1),
    "chord": (tokens.CHORD_BASE, tokens.NO_CHORD + 1),
    "density": (tokens.DENSITY_BASE, tokens.BEAT),
    "position": (tokens.POSITION_BASE, tokens.VOCABULARY_SIZE),
}


def lanes_of(ids: Ids, lanes: int) -> tuple[Tensor, Tensor]:
    """Cut a stream into equal lanes; return (inputs, targets), each [lanes, T]."""
    length = (len(ids) - 1) // lanes
    stream = torch.from_numpy(ids[: length * lanes + 1].astype(np.int64))
    return stream[:-1].view(lanes, length), stream[1:].view(lanes, length)


@torch.no_grad()
def validate(network: Network, forward: Forward, ids: Ids, lanes: int = 8, window: int = 256) -> dict[str, float]:
    """Return NLL per token, per bar and per kind, nats. Lanes carry their state; the last windows are dropped."""
    was_training = network.training
    network.eval()
    inputs, targets = lanes_of(ids, lanes)
    state = network.initial_state(lanes)
    sums = np.zeros(network.size.vocabulary)
    counts = np.zeros(network.size.vocabulary, np.int64)
    for start in range(0, inputs.shape[1] - window + 1, window):
        with torch.autocast("cpu", torch.bfloat16):
            logits, state = forward(inputs[:, start : start + window].contiguous(), state)
        target = targets[:, start : start + window].reshape(-1)
        losses = functional.cross_entropy(logits.float().view(-1, logits.shape[-1]), target, reduction="none")
        sums += np.bincount(target.numpy(), losses.double().numpy(), len(sums))
        counts += np.bincount(target.numpy(), minlength=len(counts))
    network.train(was_training)
    return _summary(sums, counts)


def _summary(sums: np.ndarray, counts: np.ndarray) -> dict[str, float]:
    bars = max(int(counts[tokens.BAR]), 1)
    report = {
        "nll_per_token": float(sums.sum() / max(counts.sum(), 1)),
        "nll_per_bar": float(sums.sum() / bars),
        "tokens_per_bar": float(counts.sum() / bars),
        "tokens": int(counts.sum()),
    }
    for kind, (low, high) in KINDS.items():
        if counts[low:high].any():
            report[f"nll_{kind}"] = float(sums[low:high].sum() / counts[low:high].sum())
    return {name: round(value, 4) for name, value in report.items()}
