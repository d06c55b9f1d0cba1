"""What survives a stopped run: written whole or not at all. Knows nothing about networks or music."""

from __future__ import annotations

import os
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from training.errors import CheckpointError

# What torch raises on files that are cut short or are something else.
_DAMAGED = (OSError, RuntimeError, EOFError, TypeError, ValueError, LookupError, AttributeError, UnpicklingError)


def write_atomically(value: object, path: Path) -> None:
    """Save with torch; a crash leaves the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".tmp")
    torch.save(value, draft)
    os.replace(draft, path)


def read_run(path: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what a run's checkpoint says of it: settings, progress, carried state, generators.

    Raises:
        CheckpointError: it is damaged, or was written by a run with other settings (each named).
    """
    try:
        run: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)["run"]
        found = dict(run["settings"])
    except _DAMAGED as error:
        raise CheckpointError(
            f"{path}: not a usable checkpoint ({_first_sentence(error)}). Delete it to start afresh."
        ) from error
    other = sorted(k for k in settings if found.get(k) != settings[k])
    if other:
        raise CheckpointError(f"{path}: written with other {', '.join(other)}. Use another --out, or delete it.")
    return run


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read a file of public parameters.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
        return {name: value.float() for name, value in weights.items()}
    except _DAMAGED as error:
        reason = _first_sentence(error)
        raise CheckpointError(
            f"{path}: not a readable weights file ({reason}). Export or download it again."
        ) from error


def _first_sentence(error: Exception) -> str:
    """Return what torch says went wrong; it goes on with a page of advice, to trust the file among it."""
    return f"{type(error).__name__}: {error}".partition("\n")[0].partition(". ")[0]
