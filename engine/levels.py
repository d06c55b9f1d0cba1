"""What the engine's meters show at the end of a bar. Knows nothing about who reads them.

They cost next to nothing: the hands on the faders weigh every part's loudness and the limiter looks for peaks anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.types import SAMPLE_RATE_HZ, FloatArray, Part

SILENCE_DBFS = -50.0
_STEP_FRAMES = SAMPLE_RATE_HZ // 50


@dataclass(frozen=True, slots=True)
class Levels:
    """Readings of one bar; they travel with its sound."""

    loudness_lufs: float
    """K-weighted, of what leaves, the last 3 s of the bar counting most."""
    true_peak_dbtp: float
    """Highest peak of the bar."""
    silence_s: float
    """Length of the silence (under -50 dBFS) that the bar ends with, earlier bars included."""
    brightness_db: float
    """Share of the music's energy above 2 kHz over the last half minute."""
    rider_db: float
    """Where the hand on the master's fader is going."""
    treble_db: float
    """Where the hand on the treble is going."""
    parts_lufs: Mapping[Part, float]
    """Loudness of each part behind its strip, before the master."""


def silence_at_end_s(sound: FloatArray, before_s: float) -> float:
    """Length of the silence that float32 [frames, 2] ends with; `before_s` is what came before it ended with."""
    steps = len(sound) // _STEP_FRAMES
    if not steps:
        return before_s
    powers = np.square(sound[len(sound) - steps * _STEP_FRAMES :]).reshape(steps, -1).mean(axis=1)
    loud = np.flatnonzero(powers >= 10 ** (SILENCE_DBFS / 10))
    if not len(loud):
        return before_s + len(sound) / SAMPLE_RATE_HZ
    return float(steps - 1 - loud[-1]) * _STEP_FRAMES / SAMPLE_RATE_HZ
