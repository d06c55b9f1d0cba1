"""A slow hand on the treble: keeps the share of energy above 2 kHz where a mood wants it. Knows nothing about parts.

Sound banks, kits and players differ in brightness by more than 10 dB; lo-fi wants 95 % of its energy below 2-6 kHz.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

from engine.filters import Filter, db_to_gain, shelf
from engine.loudness import STEP_FRAMES
from engine.sections import butterworth
from engine.types import SAMPLE_RATE_HZ, FloatArray, Tree


class Treble:
    """A shelf that opens and closes by at most RANGE_DB, as the share of the last seconds asks for."""

    SPLIT_HZ = 2000.0
    RANGE_DB = 12.0
    MEMORY_S = 10.0
    FIRST_MEMORY_S = 3.0
    PATIENCE = 2.0
    """The hand takes so many memories to make up for what is missing: with less it would swing to and fro."""
    GATE_DB = 15.0
    """Steps so far under the mean do not count."""
    _SHELF_DB = 12.0

    def __init__(self, share_db: float) -> None:
        self._target_db = share_db
        self._shelf = self.new_shelf()
        self._split = Filter(butterworth(4, self.SPLIT_HZ, "highpass"), channels=1)
        self._powers = np.zeros(2)
        self._age_s = 0.0
        self._from_db = self._to_db = 0.0
        self._held: npt.NDArray[np.float64] = np.zeros((2, 0))
        self.amounts: FloatArray = np.zeros(0, np.float32)
        """How much of the shelf's gain was on each of the last frames."""

    @property
    def share_db(self) -> float:
        """Share of energy above 2 kHz in what came out of late."""
        return 10.0 * float(np.log10(max(self._powers[1], 1e-12) / max(self._powers[0], 1e-12)))

    @property
    def gain_db(self) -> float:
        """Where the hand is going."""
        return self._to_db

    def aim(self, share_db: float) -> None:
        """Take another share for the goal."""
        self._target_db = share_db

    def process(self, samples: FloatArray) -> FloatArray:
        """Brighten or darken float32 [2, frames]."""
        bright = self._shelf.process(samples) - samples
        out = np.empty_like(samples)
        amounts = np.empty(samples.shape[1], np.float32)
        done, frames = 0, samples.shape[1]
        while done < frames:
            at = self._held.shape[1]
            span = slice(done, done + min(STEP_FRAMES - at, frames - done))
            share = np.arange(at, at + span.stop - span.start) / STEP_FRAMES
            low, high = _amount(self._from_db, self._SHELF_DB), _amount(self._to_db, self._SHELF_DB)
            amounts[span] = low + (high - low) * share
            out[:, span] = samples[:, span] + bright[:, span] * amounts[span]
            self._learn(out[:, span])
            done = span.stop
        self.amounts = amounts
        return out

    @classmethod
    def new_shelf(cls) -> Filter:
        """Return a shelf of the kind that it moves."""
        return Filter(shelf(1600.0, cls._SHELF_DB, high=True))

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "target_db": self._target_db,
            "shelf": self._shelf.snapshot(),
            "split": self._split.snapshot(),
            "powers": self._powers.copy(),
            "age_s": self._age_s,
            "from_db": self._from_db,
            "to_db": self._to_db,
            "held": self._held.copy(),
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._shelf.restore(state["shelf"])
        self._split.restore(state["split"])
        self._powers, self._held = state["powers"].copy(), state["held"].copy()
        self._target_db, self._age_s = state["target_db"], state["age_s"]
        self._from_db, self._to_db = state["from_db"], state["to_db"]

    def _learn(self, heard: FloatArray) -> None:
        """Take in what went out; set the next ramp when a step of 100 ms is whole."""
        middle = heard.mean(axis=0, keepdims=True)
        squares = np.concatenate([np.square(middle), np.square(self._split.process(middle))]).astype(np.float64)
        self._held = np.concatenate([self._held, squares], axis=1)
        if self._held.shape[1] < STEP_FRAMES:
            return
        powers, self._held = self._held.mean(axis=1), np.zeros((2, 0))
        step_s = STEP_FRAMES / SAMPLE_RATE_HZ
        self._from_db = self._to_db
        if powers[0] < max(self._powers[0] * 10 ** (-self.GATE_DB / 10), 1e-9):
            return
        self._age_s = min(self._age_s + step_s, self.MEMORY_S)
        self._powers += (powers - self._powers) * min(step_s / self._age_s, 1.0)
        if self._age_s >= self.FIRST_MEMORY_S:
            missing_db = self._target_db - self.share_db
            moved_db = self._to_db + missing_db * step_s / (self.PATIENCE * self._age_s)
            self._to_db = min(max(moved_db, -self.RANGE_DB), self.RANGE_DB)


def _amount(gain_db: float, shelf_db: float) -> float:
    """How much of what a shelf adds gives a gain above it."""
    return (db_to_gain(gain_db) - 1.0) / (db_to_gain(shelf_db) - 1.0)
