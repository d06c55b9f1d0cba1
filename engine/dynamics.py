"""The master: a slow hand on the fader and a true-peak limiter. Knows nothing about parts, moods or files.

Both take float32 [2, frames] of any length and give the same sound for any way of cutting it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from engine.filters import db_to_gain
from engine.loudness import STEP_FRAMES, KWeighting, PeakDetector, lufs, power_of
from engine.types import SAMPLE_RATE_HZ, FloatArray, Tree


@dataclass(frozen=True, slots=True)
class Hand:
    """How a hand moves a fader."""

    memory_s: float = 7.0
    first_memory_s: float = 2.0
    gate_lu: float = 15.0
    """What is softer than the mean by more than this does not count."""
    rise_db_per_s: float = 0.9
    fall_db_per_s: float = 2.0
    range_db: float = 15.0


_HEARD_S = 3.0
"""Memory of a rider's own reading: that of a short-term meter."""
_GATE_EDGE_LU = 4.0
"""A rider's gate opens over so much, centred on the gate itself."""


class Rider:
    """Keeps a sound at its loudness over tens of seconds, as a hand on the fader would.

    It remembers the power of the last seconds (a leaky mean, first filled with the loudness that is expected), and
    moves the fader in 100 ms ramps. Stretches far under the mean do not move it, so it never pulls up a gap.
    """

    def __init__(self, target_lufs: float, expected_lufs: float, hand: Hand = Hand()) -> None:
        self._target_lufs, self._hand = target_lufs, hand
        self._weighting = KWeighting()
        self._power = power_of(expected_lufs)
        self._age_s = hand.first_memory_s
        self._from_db = self._to_db = target_lufs - expected_lufs
        self._heard = power_of(target_lufs)
        self._at = 0
        self.gains: FloatArray = np.zeros(0, np.float32)
        """Where the fader stood at each of the last frames."""

    @property
    def gain_db(self) -> float:
        """Where the fader is going."""
        return self._to_db

    @property
    def loudness_lufs(self) -> float:
        """Loudness of what came out, the last 3 s counting most."""
        return lufs(self._heard)

    def process(self, samples: FloatArray) -> FloatArray:
        """Ride float32 [2, frames]."""
        gains = np.empty(samples.shape[1], np.float32)
        done = 0
        while done < len(gains):
            frames = min(STEP_FRAMES - self._at, len(gains) - done)
            share = np.arange(self._at, self._at + frames) / STEP_FRAMES
            low, high = db_to_gain(self._from_db), db_to_gain(self._to_db)
            gains[done : done + frames] = low + (high - low) * share
            self._at += frames
            if self._at == STEP_FRAMES:
                (power,) = self._weighting.powers(samples[:, done : done + frames])
                self._move(float(power))
                self._at = 0
            else:
                self._weighting.powers(samples[:, done : done + frames])
            done += frames
        self.gains = gains
        return samples * gains

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "weighting": self._weighting.snapshot(),
            "power": self._power,
            "age_s": self._age_s,
            "from_db": self._from_db,
            "to_db": self._to_db,
            "heard": self._heard,
            "at": self._at,
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._weighting.restore(state["weighting"])
        self._power, self._age_s, self._at = state["power"], state["age_s"], state["at"]
        self._from_db, self._to_db, self._heard = state["from_db"], state["to_db"], state["heard"]

    def _move(self, power: float) -> None:
        """Learn one step and set the next ramp."""
        step_s = STEP_FRAMES / SAMPLE_RATE_HZ
        self._heard += (power * db_to_gain(self._to_db) ** 2 - self._heard) * step_s / _HEARD_S
        # no sharp edge: a replay may hear what has all but faded away a little differently, and shall ride alike
        over_lu = lufs(power) - (lufs(self._power) - self._hand.gate_lu)
        share = min(max(over_lu / _GATE_EDGE_LU + 0.5, 0.0), 1.0)
        if share > 0.0:
            self._age_s = min(self._age_s + share * step_s, self._hand.memory_s)
            self._power += (power - self._power) * share * step_s / self._age_s
        wanted_db = self._target_lufs - lufs(self._power)
        wanted_db = min(max(wanted_db, -self._hand.range_db), self._hand.range_db)
        low = self._to_db - self._hand.fall_db_per_s * step_s
        high = self._to_db + self._hand.rise_db_per_s * step_s
        self._from_db, self._to_db = self._to_db, min(max(wanted_db, low), high)


class Limiter:
    """No true peak above the ceiling: looks ahead, turns down before the peak and back up slowly after it."""

    AHEAD_FRAMES = 192
    RELEASE_DB_PER_S = 60.0
    DELAY_FRAMES = PeakDetector.DELAY_FRAMES + AHEAD_FRAMES
    # The reduction is held while the peak passes through the look-ahead, and averaged twice over half of it: it is at
    # full depth when the peak comes out, and has no corners.
    _BOX_FRAMES = AHEAD_FRAMES // 2 + 1

    def __init__(self, ceiling_dbtp: float) -> None:
        self._ceiling = np.float32(db_to_gain(ceiling_dbtp))
        self._detector = PeakDetector()
        self._past = np.zeros((2, self.DELAY_FRAMES), np.float32)
        self._wanted_db = np.zeros(self.AHEAD_FRAMES)
        self._boxes = [np.zeros(self._BOX_FRAMES - 1), np.zeros(self._BOX_FRAMES - 1)]
        self._held_db = 0.0
        self._peaks = np.zeros(self.AHEAD_FRAMES, np.float32)
        self._highest = 0.0
        self.gains: FloatArray | None = None
        """How far down each of the last frames was turned; None: not at all."""

    def take_peak_dbtp(self) -> float:
        """Return the highest true peak that came out since the last call."""
        highest, self._highest = self._highest, 0.0
        return 20.0 * float(np.log10(max(highest, 1e-6)))

    def process(self, samples: FloatArray) -> FloatArray:
        """Limit float32 [2, frames]; the sound comes DELAY_FRAMES later."""
        frames = samples.shape[1]
        if frames == 0:
            return samples
        line = np.concatenate([self._past, samples], axis=1)
        self._past = line[:, frames:].copy()
        peaks = self._detector.process(samples)
        passing = np.concatenate([self._peaks, peaks])
        self._peaks = passing[frames:].copy()
        reduction_db = self._reduction_db(peaks)
        if not reduction_db.any():
            self._highest = max(self._highest, float(passing[:frames].max()))
            self.gains = None
            return line[:, :frames]
        gains = np.power(10.0, reduction_db / -20.0).astype(np.float32)
        self._highest = max(self._highest, float((passing[:frames] * gains).max()))
        self.gains = gains
        return line[:, :frames] * gains

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "detector": self._detector.snapshot(),
            "past": self._past.copy(),
            "wanted_db": self._wanted_db.copy(),
            "boxes": [box.copy() for box in self._boxes],
            "held_db": self._held_db,
            "peaks": self._peaks.copy(),
            "highest": self._highest,
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._detector.restore(state["detector"])
        self._past, self._wanted_db = state["past"].copy(), state["wanted_db"].copy()
        self._boxes = [box.copy() for box in state["boxes"]]
        self._held_db, self._peaks, self._highest = state["held_db"], state["peaks"].copy(), state["highest"]

    def _reduction_db(self, peaks: FloatArray) -> npt.NDArray[np.float64]:
        """Reduction of each frame that comes out, dB."""
        frames = len(peaks)
        wanted = 20.0 * np.log10(np.maximum(peaks / self._ceiling, 1.0).astype(np.float64))
        line = np.concatenate([self._wanted_db, wanted])
        self._wanted_db = line[frames:].copy()
        window = self.AHEAD_FRAMES + 1
        held = running_maximum(line, window)[:frames]
        # a fall of so many dB a frame after each peak: the running maximum of what rises on a tilted floor
        tilt = np.arange(1, frames + 1) * (self.RELEASE_DB_PER_S / SAMPLE_RATE_HZ)
        falling = np.maximum(np.maximum.accumulate(held + tilt), self._held_db) - tilt
        falling = np.maximum(falling, 0.0)
        self._held_db = float(falling[-1])
        for i, past in enumerate(self._boxes):
            line = np.concatenate([past, falling])
            self._boxes[i] = line[frames:].copy()
            sums = np.cumsum(np.concatenate([[0.0], line]))
            falling = (sums[self._BOX_FRAMES :] - sums[: -self._BOX_FRAMES]) / self._BOX_FRAMES
        return cast(npt.NDArray[np.float64], falling)


def running_maximum(line: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """Return the largest of each run of so many values: [n - window + 1].

    After van Herk: of blocks as long as the window, the largest so far from either side; every run is an end of one
    block and a beginning of the next.
    """
    short = -len(line) % window
    blocks = np.concatenate([line, np.full(short, -np.inf)]).reshape(-1, window)
    forwards = np.maximum.accumulate(blocks, axis=1).ravel()
    backwards = np.maximum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    return np.maximum(backwards[: len(line) - window + 1], forwards[window - 1 : len(line)])
