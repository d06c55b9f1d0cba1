"""The hand on one part's fader: hears a bar before it plays it, and moves slowly. Knows nothing about other parts.

A part that plays three notes in a minute has to be right from the first of them: the hand knows the loudness of the
bar at hand before anybody hears it, and its memory is of sound, not of time: silence teaches it nothing.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from engine.fader import Fader
from engine.loudness import STEP_FRAMES, KWeighting, lufs, power_of
from engine.types import SAMPLE_RATE_HZ, FloatArray, Tree

_STEP_S = STEP_FRAMES / SAMPLE_RATE_HZ
_BLOCK_STEPS = 4
"""Loudness is that of blocks of 400 ms, as in BS.1770."""
_HEARD_S = 3.0
"""Memory of the reading: that of a short-term meter."""
FIRST_MEMORY_S = 1.0
"""What is expected of an instrument (`balance.py`) weighs as much as so much sound of it."""
GATE_LU, FAINT_LU, FAINT_WEIGHT = 15.0, 25.0, 0.1
"""Softer than the mean by more than the gate counts a tenth (the ends of notes), by more than FAINT_LU not at all."""
STEP_DB = 3.0
"""The most that the gain changes from one bar to the next."""
RANGE_DB = 12.0


class Leveller:
    """Keeps a part at its loudness over its last seconds of sound; each call is a whole bar."""

    def __init__(self, target_lufs: float, memory_s: float) -> None:
        self._target_lufs, self._memory_s = target_lufs, memory_s
        self._weighting = KWeighting()
        self._recent = np.zeros(_BLOCK_STEPS - 1)
        self._power = power_of(target_lufs)
        self._age_s = FIRST_MEMORY_S
        self._fader = Fader()
        self._heard = power_of(target_lufs)

    @property
    def gain_db(self) -> float:
        """Where the fader stands."""
        return self._fader.gain_db

    @property
    def loudness_lufs(self) -> float:
        """Loudness of what came out, the last 3 s counting most."""
        return lufs(self._heard)

    def process(self, bar: FloatArray) -> FloatArray:
        """Play a bar, float32 [2, frames], at its level."""
        powers = self._weighting.powers(bar)
        self._learn(powers)
        wanted_db = min(max(self._target_lufs - lufs(self._power), -RANGE_DB), RANGE_DB)
        if self._fader.moved:
            before_db = self._fader.gain_db
            wanted_db = min(max(wanted_db, before_db - STEP_DB), before_db + STEP_DB)
        out = self._fader.move(bar, wanted_db)
        for power in powers:
            self._heard += (float(power) * 10.0 ** (wanted_db / 10.0) - self._heard) * _STEP_S / _HEARD_S
        return out

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "weighting": self._weighting.snapshot(),
            "recent": self._recent.copy(),
            "power": self._power,
            "age_s": self._age_s,
            "fader": self._fader.snapshot(),
            "heard": self._heard,
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._weighting.restore(state["weighting"])
        self._recent = state["recent"].copy()
        self._power, self._age_s, self._heard = state["power"], state["age_s"], state["heard"]
        self._fader.restore(state["fader"])

    def _learn(self, powers: np.ndarray) -> None:
        """Take in the steps of a bar."""
        line = np.concatenate([self._recent, powers])
        self._recent = line[len(line) - _BLOCK_STEPS + 1 :]
        if len(line) < _BLOCK_STEPS:
            return
        blocks = np.convolve(line, np.full(_BLOCK_STEPS, 1 / _BLOCK_STEPS), "valid")
        below_lu = 10.0 * np.log10(self._power / np.maximum(blocks, 1e-12))
        weights = np.where(below_lu < GATE_LU, 1.0, np.where(below_lu < FAINT_LU, FAINT_WEIGHT, 0.0))
        sounding_s = float(weights.sum()) * _STEP_S
        if sounding_s:
            self._age_s = min(self._age_s + sounding_s, self._memory_s)
            mean = float(blocks @ weights / weights.sum())
            self._power += (mean - self._power) * min(sounding_s / self._age_s, 1.0)
