"""What every loop is made of: noise on a circle, grains, rooms. Knows nothing about any one loop.

Sounds are float64 [frames] or [2, frames] at 48 kHz; whatever runs over the end comes in again at the start.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float64]

RATE_HZ = 48_000


def frames_of(seconds: float) -> int:
    """Frames of a length."""
    return round(seconds * RATE_HZ)


def noise(rng: np.random.Generator, seconds: float, low_hz: float, high_hz: float, slope_db: float) -> Sound:
    """Make noise [frames] on a circle: a band with soft edges, falling by `slope_db` an octave."""
    frames = round(seconds * RATE_HZ)
    hz = np.fft.rfftfreq(frames, 1 / RATE_HZ)
    hz[0] = hz[1]
    shape = (hz / 1000.0) ** (slope_db / 6.02) / np.sqrt((1 + (low_hz / hz) ** 6) * (1 + (hz / high_hz) ** 6))
    spectrum = shape * np.exp(2j * np.pi * rng.random(len(hz)))
    spectrum[0] = 0
    sound = np.fft.irfft(spectrum, frames)
    return sound / sound.std()


def wide(rng: np.random.Generator, seconds: float, band: tuple[float, float, float], shared: float = 0.5) -> Sound:
    """Make noise [2, frames] whose sides share so much of their power; `band` is as for `noise`."""
    middle = noise(rng, seconds, *band)
    sides = [noise(rng, seconds, *band) for _ in range(2)]
    return np.stack([np.sqrt(shared) * middle + np.sqrt(1 - shared) * side for side in sides])


def breath(rng: np.random.Generator, seconds: float, slowest_s: float) -> Sound:
    """Make a slow random movement [frames] on a circle, mean 0 and deviation 1, nothing faster than `slowest_s`."""
    frames = frames_of(seconds)
    turns = max(int(seconds / slowest_s), 1)
    spectrum = np.zeros(frames // 2 + 1, complex)
    spectrum[1 : turns + 1] = np.exp(2j * np.pi * rng.random(turns)) / np.sqrt(np.arange(1, turns + 1))
    sound = np.fft.irfft(spectrum, frames)
    return sound / sound.std()


def scatter(sound: Sound, frame: int, grain: Sound, pan: float) -> None:
    """Add a grain [frames] to a sound [2, frames], wrapped round the end; pan 0 is left, 1 right."""
    places = (frame + np.arange(len(grain))) % sound.shape[1]
    sound[0, places] += grain * np.cos(pan * np.pi / 2)
    sound[1, places] += grain * np.sin(pan * np.pi / 2)


def ring(rng: np.random.Generator, hz: float, decay_s: float) -> Sound:
    """Make one drop or tick: a damped sine whose attack takes a fifth of its decay."""
    time_s = np.arange(round(7 * decay_s * RATE_HZ)) / RATE_HZ
    envelope = np.exp(-time_s / decay_s) * (1 - np.exp(-time_s / (0.2 * decay_s)))
    return envelope * np.sin(2 * np.pi * hz * time_s + rng.random() * 6.28)


def hump(frames: int, centre: float, rise: float, fall: float) -> Sound:
    """Make a hump [frames] on a circle: up to 1 at `centre` with one slope, down with another (all in frames)."""
    away = (np.arange(frames) - centre + frames / 2) % frames - frames / 2
    return np.exp(-np.where(away < 0, (away / rise) ** 2, (away / fall) ** 2))


def in_room(rng: np.random.Generator, sound: Sound, decay_s: float, wet: float) -> Sound:
    """Put a sound [2, frames] into a room, round the end."""
    frames = sound.shape[1]
    time_s = np.arange(frames_of(6 * decay_s)) / RATE_HZ
    tail = rng.standard_normal((2, len(time_s))) * np.exp(-time_s / decay_s)
    tail /= np.sqrt((tail**2).sum(axis=1, keepdims=True))
    spectrum = np.fft.rfft(sound, axis=1) * np.fft.rfft(tail, frames, axis=1)
    return sound * (1 - wet) + np.fft.irfft(spectrum, frames, axis=1) * wet


def darken(sound: Sound, hz: float, order: float = 2.0) -> Sound:
    """Take the highs of a sound [2, frames] away, round the end."""
    frames = sound.shape[1]
    shape = 1 / np.sqrt(1 + (np.fft.rfftfreq(frames, 1 / RATE_HZ) / hz) ** (2 * order))
    return np.fft.irfft(np.fft.rfft(sound, axis=1) * shape, frames, axis=1)
