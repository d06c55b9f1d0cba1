"""Validation: the negative log likelihood of a token stream, in total and by kind of token.

Knows nothing about optimisers or files.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from engine import tokens
from training.corpus import Ids
from training.network import Network
from training.size import State
from training.windows import lanes_of

Forward = Callable[[Tensor, State], tuple[Tensor, State]]

KINDS = {
    "wait": (tokens.END + 1, tokens.NOTE_BASE),
    "note": (tokens.NOTE_BASE, tokens.MIDICOMPACT_SIZE),
    "bar": (tokens.BAR, tokens.BAR + 1),
    "chord": (tokens.CHORD_BASE, tokens.NO_CHORD + 1),
    "density": (tokens.DENSITY_BASE, tokens.BEAT),
    "position": (tokens.POSITION_BASE, tokens.VOCABULARY_SIZE),
}


def exact(forward: Forward) -> Forward:
    """Return the same computed in float32, whatever surrounds it."""

    def computed(ids: Tensor, state: State) -> tuple[Tensor, State]:
        with torch.autocast(ids.device.type, enabled=False):
            return forward(ids, state)

    return computed


@torch.no_grad()
def validate(network: Network, forward: Forward, ids: Ids, lanes: int = 8, window: int = 256) -> dict[str, float]:
    """Return NLL per token, per bar and per kind, nats; computed in bfloat16 where autocast would.

    Args:
        network: where the state's shape and the device come from.
        forward: how it is computed: the network itself, its compiled twin, or `exact` of one of them.
        ids: the stream, cut into lanes that carry their state; the last windows are dropped.
        lanes: rows computed side by side.
        window: tokens of a row computed at once.
    """
    was_training = network.training
    network.eval()
    device = network.emb.weight.device
    inputs, targets = lanes_of(ids, lanes)
    state = network.initial_state(lanes)
    sums = np.zeros(network.size.vocabulary)
    counts = np.zeros(network.size.vocabulary, np.int64)
    for start in range(0, inputs.shape[1] - window + 1, window):
        with torch.autocast(device.type, torch.bfloat16):
            logits, state = forward(inputs[:, start : start + window].contiguous().to(device), state)
        target = targets[:, start : start + window].reshape(-1)
        losses = functional.cross_entropy(
            logits.float().view(-1, logits.shape[-1]), target.to(device), reduction="none"
        )
        sums += np.bincount(target.numpy(), losses.double().cpu().numpy(), len(sums))
        counts += np.bincount(target.numpy(), minlength=len(counts))
    network.train(was_training)
    return _summary(sums, counts)


def _summary(sums: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]) -> dict[str, float]:
    total, seen = float(sums.sum()), int(counts.sum())
    report = {"nll_per_token": total / max(seen, 1), "tokens": seen}
    if len(counts) > tokens.BAR:  # MIDICompact has no bars
        bars = max(int(counts[tokens.BAR]), 1)
        report |= {"nll_per_bar": total / bars, "tokens_per_bar": seen / bars}
    for kind, (low, high) in KINDS.items():
        if counts[low:high].any():
            report[f"nll_{kind}"] = float(sums[low:high].sum() / counts[low:high].sum())
    return {name: round(value, 4) for name, value in report.items()}
