"""Tells from the audio that left, not from the processes, whether a station is well. Knows nothing about HTTP."""

from __future__ import annotations

import numpy as np

from engine import SAMPLE_RATE_HZ, FloatArray
from radio.clock import Clock
from radio.metrics import Metrics

SILENCE_DBFS = -50.0
"""Quieter than this is silence: our vinyl alone lies above it."""
PATIENCE_S = 2.0
SOFT_LUFS = -36.0
"""Our music stands at -16 and never falls so low; the noise that fills a gap does."""
SOFT_PATIENCE_S = 60.0
LAG_PERIOD_S = 0.25


class Health:
    """Watches one station's sound go out."""

    def __init__(self, clock: Clock) -> None:
        self.silence_s = 0.0
        """Length of the silence that is on air right now."""
        self.soft_s = 0.0
        """For how long the meter has shown less than music."""
        self.faults: dict[str, str] = {}
        """What is wrong with a format that goes out, as listeners decode it; `radio.ear` finds it."""
        self._clock = clock
        self._last_audio_s: float | None = None

    def hear(self, samples: FloatArray) -> None:
        """Note a block that has just gone on air."""
        self._last_audio_s = self._clock.now_s()
        power = float(np.dot(samples.ravel(), samples.ravel())) / max(1, samples.size)
        silent = not power >= 10 ** (SILENCE_DBFS / 10)  # not a number is no sound either
        self.silence_s = self.silence_s + len(samples) / SAMPLE_RATE_HZ if silent else 0.0

    def weigh(self, loudness_lufs: float, seconds: float) -> None:
        """Note what the meter shows of the last 3 s, so many seconds after the last time."""
        self.soft_s = 0.0 if loudness_lufs >= SOFT_LUFS else self.soft_s + seconds

    def healthy(self) -> tuple[bool, str]:
        """Say whether sound advanced and was not silent in the last 2 s, and why."""
        if self._last_audio_s is None:
            return False, "no sound yet: the engine is starting"
        stalled_s = self._clock.now_s() - self._last_audio_s
        if stalled_s > PATIENCE_S:
            return False, f"no sound has gone out for {stalled_s:.1f} s"
        if self.silence_s > PATIENCE_S:
            return False, f"silence for {self.silence_s:.1f} s"
        if self.soft_s > SOFT_PATIENCE_S:
            return False, f"softer than music for {self.soft_s:.0f} s: the engine gives none"
        for fault in self.faults.values():
            return False, fault
        return True, "sound advances"


async def watch_lag(clock: Clock, metrics: Metrics) -> None:
    """Measure for ever how late the event loop comes back to who waits."""
    while True:
        due_s = clock.now_s() + LAG_PERIOD_S
        await clock.sleep_until(due_s)
        metrics.event_loop_lag_seconds.observe(max(0.0, clock.now_s() - due_s))
