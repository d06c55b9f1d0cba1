"""What survives a stopped run: written whole or not at all. Knows nothing about networks or music."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from training.errors import CheckpointError

# What torch raises on files that are cut short or are something else.
_DAMAGED = (OSError, RuntimeError, EOFError, TypeError, ValueError, LookupError, AttributeError, UnpicklingError)


@dataclass(slots=True)
class RunState:
    """Where a run stands."""

    settings: dict[str, Any]
    """Everything that decides the run's numbers; a checkpoint of other settings is refused."""
    weights: dict[str, Tensor]
    optimiser: dict[str, Any]
    carried: tuple[Tensor, Tensor]
    rng: Tensor
    epoch: int = 0
    step_in_epoch: int = 0
    step: int = 0
    tokens_seen: int = 0
    elapsed_s: float = 0.0
    best: float = float("inf")
    worse_in_a_row: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def write_atomically(value: object, path: Path) -> None:
    """Save with torch; a crash leaves the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".tmp")
    torch.save(value, draft)
    os.replace(draft, path)


def save_run(state: RunState, path: Path) -> None:
    """Write a checkpoint."""
    write_atomically({name: getattr(state, name) for name in RunState.__slots__}, path)


def load_run(path: Path, settings: dict[str, Any]) -> RunState:
    """Read a checkpoint of the same settings.

    Raises:
        CheckpointError: it is damaged, or was written by a run with other settings (each named).
    """
    try:
        state = RunState(**torch.load(path, weights_only=True))
    except _DAMAGED as error:
        raise CheckpointError(f"{path}: not a usable checkpoint ({error}). Delete it to start afresh.") from error
    other = sorted(k for k in settings if state.settings.get(k) != settings[k])
    if other:
        raise CheckpointError(f"{path}: written with other {', '.join(other)}. Use another --out, or delete it.")
    return state


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read a file of public parameters.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
        return {name: value.float() for name, value in weights.items()}
    except _DAMAGED as error:
        raise CheckpointError(f"{path}: not a readable weights file ({error}). Export or download it again.") from error
