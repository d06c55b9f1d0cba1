"""The last rung: a quiet bed of vinyl-like noise for when there is no music at all. Needs no file and cannot fail."""

from __future__ import annotations

import numpy as np

from engine import SAMPLE_RATE_HZ, FloatArray

BED_DBFS = -42.0
"""Loud enough that nobody takes it for silence (alarms begin at -50), quiet enough not to startle."""
_SECONDS = 12
_SEED = 7


class Bed:
    """An endless loop of noise, made once; its end meets its start without a seam."""

    def __init__(self) -> None:
        self._samples = _noise(np.random.default_rng(_SEED), _SECONDS * SAMPLE_RATE_HZ)
        self._position_frames = 0

    def take(self, frames: int) -> FloatArray:
        """Give the next frames: float32 [frames, 2]."""
        index = (self._position_frames + np.arange(frames)) % len(self._samples)
        self._position_frames = int(index[-1] + 1) if frames else self._position_frames
        return self._samples[index]


def _noise(rng: np.random.Generator, frames: int) -> FloatArray:
    # made in the frequency domain, so it is periodic: falls off by 6 dB an octave above 300 Hz, nothing below 30 Hz
    frequency_hz = np.fft.rfftfreq(frames, 1 / SAMPLE_RATE_HZ)
    shape = (frequency_hz > 30) / np.sqrt(1 + (frequency_hz / 300) ** 2)
    spectrum = shape[:, None] * (rng.standard_normal((len(shape), 2)) + 1j * rng.standard_normal((len(shape), 2)))
    noise = np.fft.irfft(spectrum, frames, axis=0)
    noise *= 10 ** (BED_DBFS / 20) / np.sqrt(np.mean(noise**2))
    return noise.astype(np.float32)
