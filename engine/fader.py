"""A fader that moves at bar lines: down before the down-beat, up more slowly. Knows nothing about loudness or parts."""

from __future__ import annotations

from typing import cast

import numpy as np

from engine.types import SAMPLE_RATE_HZ, FloatArray, Tree

FALL_FRAMES = SAMPLE_RATE_HZ // 5
"""What is too loud is down when its down-beat comes, 200 ms after the bar's first frame (`sequencer.py`)."""
RISE_FRAMES = SAMPLE_RATE_HZ * 3 // 5


class Fader:
    """A gain that goes from one bar's to the next one's in a straight line of decibels."""

    def __init__(self) -> None:
        self._gain_db: float | None = None
        self.gains: FloatArray | np.float32 = np.float32(1.0)
        """Gain of each frame that last went through, or one of all."""

    @property
    def gain_db(self) -> float:
        """Where the fader stands."""
        return self._gain_db or 0.0

    @property
    def moved(self) -> bool:
        """Whether it was ever set."""
        return self._gain_db is not None

    def move(self, samples: FloatArray, to_db: float) -> FloatArray:
        """Play a bar, float32 [2, frames], at its gain; the first one has it from its beginning."""
        from_db = to_db if self._gain_db is None else self._gain_db
        frames = samples.shape[1]
        length = FALL_FRAMES if to_db < from_db else RISE_FRAMES
        share = np.minimum(np.arange(1, frames + 1, dtype=np.float32) / np.float32(length), np.float32(1.0))
        self._gain_db = from_db + (to_db - from_db) * min(frames / length, 1.0)
        if from_db == to_db:
            self.gains = np.float32(10.0 ** (to_db / 20.0))
        else:
            gains_db = from_db + (to_db - from_db) * share
            self.gains = np.exp(gains_db * np.float32(np.log(10.0) / 20.0)).astype(np.float32)
        return samples * self.gains

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"gain_db": self._gain_db}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        self._gain_db = cast(float | None, tree["gain_db"])
