"""Metal: hats, ride, crash, shaker, tambourine. Knows nothing about kits, velocities or files.

A cymbal is a thicket of modes with no ratio between them; strong strokes move energy upwards a little later.
"""

from __future__ import annotations

import numpy as np

from soundfonts.maker.drums import RATE_HZ, burst, clock
from soundfonts.maker.sf2 import Sound
from soundfonts.maker.tone import band_noise, high_pass

_SQUARES_HZ = (205.3, 304.4, 369.6, 522.7, 540.0, 800.0)
"""The six oscillators of a famous drum machine's metal."""
_PING = ((2870, 0.5, 0.16), (3610, 1.0, 0.22), (5230, 0.7, 0.12), (7450, 0.45, 0.06), (915, 0.2, 0.3))
"""Modes that stand out of a ride's wash: Hz, amplitude, decay in s."""
_BELL = ((842, 0.5, 0.4), (1510, 0.8, 0.35), (2430, 1.0, 0.3), (3890, 0.6, 0.2), (5760, 0.3, 0.12))


def _thicket(
    rng: np.random.Generator, seconds: float, span_hz: tuple[float, float], tilt: float, decay_s: float
) -> Sound:
    """Sum 160 modes spread over a span; those above 3 kHz die away faster; `tilt` is the power of Hz in amplitude."""
    time_s = clock(seconds)
    sound = np.zeros(len(time_s))
    low_hz, high_hz = span_hz
    for hz in np.exp(rng.uniform(np.log(low_hz), np.log(high_hz), 160)):
        amplitude = (hz / 5000) ** tilt * rng.uniform(0.3, 1.0)
        ring_s = decay_s * rng.uniform(0.6, 1.3) / (1 + (hz / 9000) ** 2)
        sound += amplitude * np.exp(-time_s / ring_s) * np.sin(2 * np.pi * hz * time_s + rng.uniform(0, 6.28))
    return sound / np.abs(sound).max()


def closed_hat(rng: np.random.Generator, force: float) -> Sound:
    """Strike closed hats."""
    sound = _thicket(rng, 0.16, (2300, 12_500), 0.35, 0.028 + 0.012 * force)
    time_s = clock(0.16)
    sound += 0.25 * burst(rng, time_s, (4500, 11_000), 0.016)
    sound += (0.15 + 0.25 * force) * burst(rng, time_s, (2500, 9000), 0.002)
    return high_pass(sound, 1900, RATE_HZ, order=2)


def pedal_hat(rng: np.random.Generator, force: float) -> Sound:
    """Close the hats with the foot."""
    time_s = clock(0.2)
    sound = _thicket(rng, 0.2, (1700, 9500), 0.1, 0.034) * np.clip(time_s / 0.004, 0, 1)
    sound += 0.3 * burst(rng, time_s, (1500, 6000), 0.006 + 0.004 * force)
    return high_pass(sound, 1300, RATE_HZ, order=2)


def open_hat(rng: np.random.Generator, force: float) -> Sound:
    """Strike half-open hats that sizzle."""
    time_s = clock(0.75)
    sound = _thicket(rng, 0.75, (2100, 12_500), 0.3, 0.30)
    sizzle = band_noise(rng, len(time_s), RATE_HZ, 4000, 11_000) * np.exp(-time_s / 0.2)
    sound += (0.12 + 0.08 * force) * sizzle * (1 + 0.4 * np.sin(2 * np.pi * 31 * time_s))
    sound += (0.1 + 0.2 * force) * burst(rng, time_s, (2500, 9000), 0.002)
    return high_pass(sound, 1700, RATE_HZ, order=2) * np.clip((0.75 - time_s) / 0.15, 0, 1)


def ride(rng: np.random.Generator, force: float) -> Sound:
    """Strike a dry ride with the tip: a ping above a quiet wash."""
    seconds = 1.5
    time_s = clock(seconds)
    wash = _thicket(rng, seconds, (420, 9500), -0.15, 0.75) * (1 - 0.6 * np.exp(-time_s / 0.03))
    ping = np.zeros(len(time_s))
    for hz, amplitude, decay_s in _PING:
        ping += amplitude * np.exp(-time_s / decay_s) * np.sin(2 * np.pi * hz * time_s)
    stick = burst(rng, time_s, (3000, 10_000), 0.003)
    sound = 0.9 * wash + (0.20 + 0.08 * force) * ping + (0.2 + 0.2 * force) * stick
    return high_pass(sound, 350, RATE_HZ, order=2) * np.clip((seconds - time_s) / 0.5, 0, 1) ** 2


def bell(rng: np.random.Generator, force: float) -> Sound:
    """Strike the ride's bell."""
    time_s = clock(1.0)
    sound = 0.2 * _thicket(rng, 1.0, (700, 8000), -0.2, 0.5)
    for hz, amplitude, decay_s in _BELL:
        sound += 0.35 * amplitude * np.exp(-time_s / decay_s) * np.sin(2 * np.pi * hz * time_s)
    sound += 0.2 * force * burst(rng, time_s, (3000, 9000), 0.003)
    return sound * np.clip((1.0 - time_s) / 0.3, 0, 1)


def crash(rng: np.random.Generator, force: float) -> Sound:
    """Strike a dark crash: the top opens some milliseconds after the stroke."""
    seconds = 1.9
    time_s = clock(seconds)
    low = _thicket(rng, seconds, (380, 3500), -0.1, 0.7)
    high = _thicket(rng, seconds, (2800, 11_500), 0.1, 0.55 + 0.2 * force) * (1 - np.exp(-time_s / 0.018))
    sound = 0.6 * low + (0.8 + 0.3 * force) * high + 0.15 * burst(rng, time_s, (1500, 8000), 0.004)
    sound += 0.05 * burst(rng, time_s, (2000, 10_000), 0.5)
    return high_pass(sound, 300, RATE_HZ, order=2) * np.clip((seconds - time_s) / 0.7, 0, 1) ** 2


def shaker(rng: np.random.Generator, force: float) -> Sound:
    """Move a shaker once."""
    time_s = clock(0.14)
    swell = (time_s / 0.018) * np.exp(1 - time_s / 0.018)
    return band_noise(rng, len(time_s), RATE_HZ, 3500, 9000 + 2500 * force) * swell


def tambourine(rng: np.random.Generator, force: float) -> Sound:
    """Strike a tambourine."""
    time_s = clock(0.3)
    sound = _thicket(rng, 0.3, (4800, 12_000), 0.2, 0.09) + 0.3 * force * burst(rng, time_s, (3000, 9000), 0.004)
    return high_pass(sound, 2500, RATE_HZ, order=2)


def machine_hat(rng: np.random.Generator, force: float, decay_s: float) -> Sound:
    """Let a drum machine's hat hiss: six squares without a common measure, high-passed."""
    time_s = clock(min(6 * decay_s + 0.05, 0.7))
    metal = sum(np.sign(np.sin(2 * np.pi * 1.35 * hz * time_s + rng.uniform(0, 6.28))) for hz in _SQUARES_HZ)
    sound = high_pass(np.asarray(metal), 5600, RATE_HZ, order=3) * np.exp(-time_s / decay_s)
    return sound + 0.1 * force * burst(rng, time_s, (5000, 10_000), 0.004)
