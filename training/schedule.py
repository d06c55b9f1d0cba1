"""Learning rate, parameter groups and progress of a run. Knows nothing about data or files."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

DECAY_RATE_FACTOR = 2.0
"""The recurrence's base decays learn twice as fast, as in the reference recipe."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Warm-up, then a cosine from `first` to `final`; the run ends at the first budget that is used up."""

    first: float
    final: float
    warmup_steps: int
    tokens: int
    """Budget, training tokens."""
    minutes: float | None = None
    """Budget, minutes of run time (None = no limit); the cosine follows whichever budget is nearer its end."""

    def progress(self, tokens_seen: int, elapsed_s: float) -> float:
        """Return how much of the run is done, 0-1."""
        by_tokens = tokens_seen / self.tokens
        by_time = elapsed_s / (60 * self.minutes) if self.minutes else 0.0
        return min(max(by_tokens, by_time), 1.0)

    def rate(self, step: int, progress: float) -> float:
        """Return the learning rate of a step."""
        warm = min(1.0, 0.01 + 0.99 * step / self.warmup_steps) if self.warmup_steps else 1.0
        low = self.final / self.first
        return self.first * warm * ((0.5 + low / 2) + (0.5 - low / 2) * math.cos(math.pi * progress))


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Return AdamW groups: matrices with decay, base decays (of RWKV-6 or 7) at twice the rate, the rest plain."""
    matrices, decays, rest = [], [], []
    for name, parameter in network.named_parameters():
        if name.endswith(("time_decay", "att.w0")):
            decays.append(parameter)
        elif parameter.dim() == 2 and name.endswith(".weight"):
            matrices.append(parameter)
        else:
            rest.append(parameter)
    return [
        {"params": matrices, "weight_decay": weight_decay, "factor": 1.0},
        {"params": decays, "weight_decay": 0.0, "factor": DECAY_RATE_FACTOR},
        {"params": rest, "weight_decay": 0.0, "factor": 1.0},
    ]


def make_optimiser(network: nn.Module, weight_decay: float) -> torch.optim.AdamW:
    """Return the optimiser; its rate is set before every step."""
    return torch.optim.AdamW(parameter_groups(network, weight_decay), lr=1e-3, betas=(0.9, 0.99), eps=1e-8)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give every group its share of a learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["factor"]
