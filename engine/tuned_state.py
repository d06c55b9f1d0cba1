"""Tuned states: what a piano model holds before its first token, trained from a handful of pieces (training/states.py).

A file is an npz archive with RWKV-LM's names, `blocks.N.att.time_state` [heads, 64 value, 64 key], and the hash of the
weights it was trained for: with any others it would be noise. Knows nothing about moods or music.
"""

from __future__ import annotations

import logging
import zipfile
from pathlib import Path

import numpy as np

from engine.assets import Asset, file_sha256
from engine.errors import ModelError
from engine.recurrence import Recurrence, RecurrentState

logger = logging.getLogger(__name__)

_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, NotImplementedError)
_LARGEST_BYTES = 64_000_000


class StateShelf:
    """The tuned states that moods name, each read once; one that cannot be used is told of and left out."""

    def __init__(self, recurrence: Recurrence, model: Path) -> None:
        self._blank = recurrence.initial_state()
        weights = model if model.suffix == ".pth" else model / "model.pth"
        self._weights_sha256 = file_sha256(weights) if weights.is_file() else None
        self._states: dict[str, RecurrentState | None] = {}
        self._troubles: dict[str, str] = {}

    def get(self, name: str | None) -> RecurrentState | None:
        """Return the state of a file, or None when there is none to use."""
        if name is None:
            return None
        if name not in self._states:
            try:
                self._states[name] = read_tuned_state(Path(name), self._blank, self._weights_sha256)
            except ModelError as error:
                trouble = f"{error} Until then the piano begins without it."
                logger.warning("%s", trouble)
                self._states[name], self._troubles[name] = None, trouble
        return self._states[name]

    def asset(self, name: str | None) -> Asset | None:
        """Describe the file of a state in use; None when there is none."""
        return (
            None if name is None or self.get(name) is None else Asset(f"state {name}", file_sha256(Path(name)), "own")
        )

    def trouble(self, name: str | None) -> str | None:
        """Return why a file cannot be used, with the remedy; None when it can."""
        self.get(name)
        return None if name is None else self._troubles.get(name)


def read_tuned_state(path: Path, blank: RecurrentState, weights_sha256: str | None) -> RecurrentState:
    """Read a tuned state for a model with a given blank state.

    Raises:
        ModelError: the file is missing, damaged, or was tuned for other weights or another size.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ModelError(
                f"{path}: {path.stat().st_size} bytes, a tuned state has a few million. Name another file."
            )
        with np.load(path, allow_pickle=False) as archive:
            tuned_for = str(archive["weights_sha256"])
            layers = sum(name.endswith(".att.time_state") for name in archive.files)
            stored = [archive[f"blocks.{layer}.att.time_state"] for layer in range(layers)]
            shapes = {tensor.shape for tensor in stored}
            values = np.stack(stored).astype(np.float32) if len(shapes) == 1 else np.zeros(0, np.float32)
    except _DAMAGED as error:
        raise ModelError(
            f"{path}: not a readable tuned state ({error or type(error).__name__}). "
            "Make it with `python -m training.train piano --states-only`."
        ) from error
    if values.shape != blank.wkv.shape or not np.isfinite(values).all():
        raise ModelError(f"{path}: a state of shape {values.shape}, the piano has {blank.wkv.shape}. Tune it again.")
    if weights_sha256 is not None and tuned_for != weights_sha256:
        raise ModelError(
            f"{path}: tuned for the weights {tuned_for[:12]}…, the piano has {weights_sha256[:12]}…. Tune it again."
        )
    return RecurrentState(blank.shift, np.ascontiguousarray(values.swapaxes(2, 3)))
