"""Measures of a sound: loudness, peaks, clicks, silences, spectrum, stereo. Knows nothing about the engine's insides.

Loudness is pyloudnorm's K-weighting and gating by our own steps of 100 ms, so that hours need no memory; the engine's
meter is another implementation of the same rule, and both are compared in the tests. Sound is float32 [frames, 2].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
import pyloudnorm
from scipy import signal

from radio.encoders import AAC_OPTIONS

RATE_HZ = 48_000
Sound = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
SILENCE_DBFS = -50.0
SILENCE_S = 0.5
_STEP_FRAMES = RATE_HZ // 10


def step_powers(sound: Sound) -> Numbers:
    """K-weighted mean squares of whole steps of 100 ms, both channels added."""
    stages = pyloudnorm.Meter(RATE_HZ)._filters.values()
    sections = np.array([[*stage.b, *stage.a] for stage in stages])
    steps = len(sound) // _STEP_FRAMES
    powers = np.zeros(steps)
    for side in range(2):
        weighted = signal.sosfilt(sections, sound[: steps * _STEP_FRAMES, side].astype(np.float64))
        powers += np.square(weighted).reshape(steps, -1).mean(axis=1)
    return powers


def windows_lufs(powers: Numbers, steps: int) -> Numbers:
    """Loudness of every window of so many steps: 4 are momentary, 30 short-term."""
    if len(powers) < steps:
        return np.zeros(0)
    return -0.691 + 10 * np.log10(np.maximum(np.convolve(powers, np.ones(steps) / steps, "valid"), 1e-12))


def integrated_lufs(powers: Numbers) -> float:
    """Gated loudness of steps, by BS.1770."""
    blocks = windows_lufs(powers, 4)
    loud = blocks[blocks > -70]
    if not len(loud):
        return -120.0
    loud = loud[loud > _mean_lufs(loud) - 10]
    return _mean_lufs(loud)


def _mean_lufs(loudness: Numbers) -> float:
    return float(-0.691 + 10 * np.log10(np.mean(10 ** ((loudness + 0.691) / 10))))


def true_peak_dbtp(sound: Sound) -> float:
    """Highest level between the samples, 4 times oversampled."""
    block = 4096
    blocks = np.abs(sound[: len(sound) // block * block].reshape(-1, block * 2)).max(axis=1, initial=0.0)
    highest = float(np.abs(sound).max(initial=1e-6))
    # no sound of ours rises by 5 dB between two samples: only the blocks near the highest can hold the true peak
    for place in np.flatnonzero(blocks > 0.56 * highest):
        margin = min(place * block, 64)
        piece = signal.resample_poly(sound[place * block - margin : (place + 1) * block + 64], 4, 1, axis=0)
        highest = max(highest, float(np.abs(piece[4 * margin : 4 * (margin + block)]).max()))
    return 20 * float(np.log10(highest))


def decoded(sound: Sound, codec: str, bitrate_kbps: int = 128) -> Sound:
    """Send a sound through an encoder (`mp3` or `aac`) and its decoder."""
    name = {"mp3": "libmp3lame", "aac": "aac"}[codec]
    encoder = cast(Any, av.CodecContext.create(name, "w"))
    encoder.sample_rate, encoder.layout, encoder.format = RATE_HZ, "stereo", "fltp"
    encoder.bit_rate = bitrate_kbps * 1000
    encoder.options = dict(AAC_OPTIONS) if codec == "aac" else {"reservoir": "0"}  # as the radio has them
    encoder.open()
    decoder = cast(Any, av.CodecContext.create(codec if codec == "aac" else "mp3float", "r"))
    decoder.extradata = encoder.extradata
    pieces: list[Any] = []
    size = encoder.frame_size
    for start in range(0, len(sound) - size + 1, size):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[start : start + size].T), "fltp", "stereo")
        frame.sample_rate, frame.pts = RATE_HZ, start
        for packet in encoder.encode(frame):
            pieces += [out.to_ndarray() for out in decoder.decode(packet)]
    for packet in encoder.encode(None):
        pieces += [out.to_ndarray() for out in decoder.decode(packet)]
    return np.concatenate(pieces, axis=1).T.astype(np.float32)


def silences(sound: Sound) -> list[tuple[float, float]]:
    """(start, length) in seconds of every stretch of half a second or more under -50 dBFS."""
    step = RATE_HZ // 50
    steps = len(sound) // step
    quiet = np.sqrt((sound[: steps * step].reshape(steps, -1) ** 2).mean(axis=1)) < 10 ** (SILENCE_DBFS / 20)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(int), [0]])))
    lengths = [(a / 50, (b - a) / 50) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [(float(start), float(length)) for start, length in lengths if length >= SILENCE_S]


def clicks(sound: Sound) -> list[int]:
    """Frames of isolated jumps: a second difference that stands 12 times over all within 5 ms before and after it.

    A drum's attack is no click: its high frequencies go on after the onset.
    """
    bend = np.abs(np.diff(sound.mean(axis=1), 2))
    guard, span = 8, 240
    peaks, _ = signal.find_peaks(bend, height=0.02, distance=span)
    found = []
    for at in peaks[(peaks > span) & (peaks < len(bend) - span)]:
        around = max(bend[at - span : at - guard].max(), bend[at + guard : at + span].max())
        if bend[at] > 12 * around:
            found.append(int(at))
    return found


def seam(sound: Sound, frame: int, reach_s: float = 2.0) -> float:
    """How much a seam sticks out: the largest second difference there over the largest within `reach_s` around it."""
    reach = round(reach_s * RATE_HZ)
    bend = np.abs(np.diff(sound[max(frame - reach, 0) : frame + reach].mean(axis=1), 2))
    middle = min(frame, reach)
    inner = bend[max(middle - 48, 0) : middle + 48].max()
    around = np.concatenate([bend[: max(middle - 96, 0)], bend[middle + 96 :]]).max()
    return float(inner / max(around, 1e-9))


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Where the energy lies."""

    below_95_hz: float
    """95 % of the energy lies below it."""
    above_12k_db: float
    """Share of the energy above 12 kHz."""
    hz: Numbers
    density: Numbers


def spectrum(sound: Sound) -> Spectrum:
    """Take the spectrum of both channels' sum."""
    hz, density = signal.welch(sound.mean(axis=1), RATE_HZ, nperseg=8192)
    share = np.cumsum(density) / density.sum()
    above_db = 10 * float(np.log10(density[hz >= 12_000].sum() / density.sum() + 1e-12))
    return Spectrum(float(hz[np.searchsorted(share, 0.95)]), above_db, hz, density)


def stereo(sound: Sound) -> tuple[float, float]:
    """Correlation of the sides, and dB that the mono sum loses."""
    correlation = float(np.corrcoef(sound[:, 0], sound[:, 1])[0, 1])
    mono = np.square(sound.mean(axis=1)).mean()
    return correlation, 10 * float(np.log10(np.square(sound).mean() / max(mono, 1e-12)))
