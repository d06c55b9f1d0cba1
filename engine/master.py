"""The end of the chain: loudness rider, limiter, last guard. Knows nothing about parts, moods or files."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from engine.dynamics import Hand, Limiter, Rider
from engine.filters import Filter, high_pass, low_pass, shelf
from engine.types import SAMPLE_RATE_HZ, FloatArray, Tree

CEILING_DBTP = -3.5
"""2.5 dB under what may leave: 128 kb/s overshoot when decoded, AAC by up to 1.5 dB, MP3 once by 2."""
TILT = shelf(1800.0, 2.5, high=True)
"""Air that the master adds."""
TILT_LU = 0.7
"""What it adds to the loudness of our music."""
_FADE_IN_FRAMES = SAMPLE_RATE_HZ // 20
# The bars come at one loudness (`evener.py`): what is left are the band's colour, the loops and what the limiter takes.
_HAND = Hand(memory_s=40.0, first_memory_s=10.0, gate_lu=16.0, rise_db_per_s=0.3, fall_db_per_s=0.3)


class Master:
    """Brings the mix to its loudness and under its ceiling."""

    LATENCY_FRAMES = Limiter.DELAY_FRAMES

    def __init__(self, target_lufs: float, mix_lufs: float) -> None:
        self._band = self.new_band()
        self._rider = Rider(target_lufs, mix_lufs + TILT_LU, _HAND)
        self._limiter = Limiter(CEILING_DBTP)
        self._frame = 0
        self.ride: FloatArray = np.zeros(0, np.float32)
        """Gain of the loudness rider at each frame that last went in."""
        self.fall: FloatArray = np.zeros(0, np.float32)
        """Gain of limiter and first fade at each frame that last came out."""

    @property
    def gain_db(self) -> float:
        """Where the loudness rider stands."""
        return self._rider.gain_db

    @property
    def loudness_lufs(self) -> float:
        """Loudness of what came out, the last 3 s counting most (before the limiter, which takes tenths)."""
        return self._rider.loudness_lufs

    def take_peak_dbtp(self) -> float:
        """Return the highest true peak that came out since the last call."""
        return self._limiter.take_peak_dbtp()

    def process(self, mix: FloatArray) -> FloatArray:
        """Master float32 [2, frames]; the sound comes LATENCY_FRAMES later."""
        out = self._limiter.process(self._rider.process(self._band.process(mix)))
        fall = self._limiter.gains if self._limiter.gains is not None else np.ones(out.shape[1], np.float32)
        if self._frame < _FADE_IN_FRAMES:
            rise = np.minimum((self._frame + np.arange(out.shape[1])) / _FADE_IN_FRAMES, 1.0).astype(np.float32)
            out, fall = out * rise, fall * rise
        self._frame += out.shape[1]
        self.ride, self.fall = self._rider.gains, fall
        return np.clip(out, -1.0, 1.0)

    @staticmethod
    def new_band() -> Filter:
        """Return the filter that every sound goes through."""
        return Filter(high_pass(28.0), TILT, low_pass(9500.0, order=4))

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "band": self._band.snapshot(),
            "rider": self._rider.snapshot(),
            "limiter": self._limiter.snapshot(),
            "frame": self._frame,
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._band.restore(state["band"])
        self._rider.restore(state["rider"])
        self._limiter.restore(state["limiter"])
        self._frame = state["frame"]
