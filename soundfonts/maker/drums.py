"""Skins and wood: kicks, snares, rims, claps, toms. Knows nothing about kits, velocities or files.

Every maker takes its own generator and a force 0-1 and returns mono sound at `RATE_HZ`; two calls never give the same
stroke, so neighbouring velocity layers differ as two strokes of a drummer do.
"""

from __future__ import annotations

import numpy as np

from soundfonts.maker.sf2 import Sound
from soundfonts.maker.tone import band_noise, high_pass, low_pass

RATE_HZ = 52_080
"""Twice the rate of the sampler whose sound the dusty kit is after."""
_SKIN_MODES = ((1.0, 1.0, 1.0), (1.593, 0.45, 0.6), (2.136, 0.3, 0.45), (2.296, 0.2, 0.4), (2.653, 0.15, 0.3))
"""Modes of a round skin: ratio, amplitude, decay against the first."""
_WOOD = ((415, 0.5, 0.022), (1040, 0.55, 0.016), (1730, 1.0, 0.013), (2720, 0.5, 0.008), (4300, 0.25, 0.005))
"""Modes of a rim and a stick: Hz, amplitude, decay in s."""


def clock(seconds: float) -> Sound:
    """Return the time of each frame."""
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def burst(rng: np.random.Generator, time_s: Sound, band_hz: tuple[float, float], decay_s: float) -> Sound:
    """Make decaying noise of unit power at its beginning."""
    return band_noise(rng, len(time_s), RATE_HZ, *band_hz) * np.exp(-time_s / decay_s)


def glide(time_s: Sound, low_hz: float, high_hz: float, fall_s: float) -> Sound:
    """Make a sine that falls from one frequency to another."""
    cycles = low_hz * time_s + (high_hz - low_hz) * fall_s * (1 - np.exp(-time_s / fall_s))
    return np.sin(2 * np.pi * cycles)


def room(rng: np.random.Generator, sound: Sound, level: float, decay_s: float, top_hz: float) -> Sound:
    """Add the answer of a small dead room."""
    time_s = clock(min(5 * decay_s, 0.3))
    answer = (
        band_noise(rng, len(time_s), RATE_HZ, 180, top_hz) * np.exp(-time_s / decay_s) * np.clip(time_s / 0.004, 0, 1)
    )
    size = len(sound) + len(answer)
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(answer, size), size)[: len(sound)]
    return sound + level * wet / max(np.abs(wet).max(), 1e-9) * np.abs(sound).max()


def kick(rng: np.random.Generator, force: float) -> Sound:
    """Hit a damped bass drum: a low note that falls, a beater, air from the shell."""
    time_s = clock(0.42)
    body = glide(time_s, 53 + rng.normal(0, 0.5), 125 + 70 * force, 0.024) * np.exp(-time_s / 0.12)
    knock = glide(time_s, 110, 420, 0.006) * np.exp(-time_s / 0.022)
    shell = burst(rng, time_s, (80, 420), 0.05)
    beater = burst(rng, time_s, (1400, 4800), 0.0045)
    sound = body + (0.30 + 0.30 * force) * knock + 0.045 * shell + (0.06 + 0.14 * force) * beater
    return room(rng, np.tanh(1.7 * sound) * np.clip(time_s / 0.0006, 0, 1), 0.07, 0.035, 1800)


def soft_kick(rng: np.random.Generator, force: float) -> Sound:
    """Hit a bass drum with a felt beater and little force."""
    time_s = clock(0.45)
    body = glide(time_s, 57 + rng.normal(0, 0.5), 98 + 20 * force, 0.02) * np.exp(-time_s / 0.10)
    thud = burst(rng, time_s, (120, 520), 0.02)
    puff = burst(rng, time_s, (700, 2600), 0.006)
    return np.tanh(1.2 * (body + 0.16 * thud + (0.03 + 0.05 * force) * puff)) * np.clip(time_s / 0.0015, 0, 1)


def snare(rng: np.random.Generator, force: float) -> Sound:
    """Hit a dead, rather low snare drum: skin, wires, stick, and a short room."""
    time_s = clock(0.34)
    tune_hz = 186 + rng.normal(0, 2)
    skin = np.zeros(len(time_s))
    for ratio, amplitude, share in _SKIN_MODES:
        rise = glide(time_s, ratio * tune_hz, ratio * tune_hz * (1.06 + 0.12 * force), 0.012)
        skin += amplitude * rise * np.exp(-time_s / (0.062 * share))
    wires = burst(rng, time_s, (1100, 6500), 0.055 + 0.03 * force)
    wires += 0.55 * burst(rng, time_s, (3500, 9500), 0.10 + 0.03 * force)
    rattle = 1 + 0.35 * np.sin(2 * np.pi * (95 + rng.normal(0, 4)) * time_s + rng.uniform(0, 6))
    stick = burst(rng, time_s, (1800, 7500), 0.004)
    sound = 0.75 * skin + (0.16 + 0.10 * force) * wires * rattle + (0.10 + 0.26 * force) * stick
    return room(rng, np.tanh((1.2 + 0.8 * force) * sound) * np.clip(time_s / 0.0004, 0, 1), 0.22, 0.05, 5200)


def brush_snare(rng: np.random.Generator, force: float) -> Sound:
    """Tap a snare drum with a brush: a spread of wires, hardly any stick."""
    time_s = clock(0.36)
    spray = np.zeros(len(time_s))
    for _ in range(60):
        at = min(round(abs(rng.normal(0.006, 0.007)) * RATE_HZ), len(time_s) // 2)
        tick = burst(rng, time_s[: round(0.012 * RATE_HZ)], (1500, 9000), 0.0022)
        spray[at : at + len(tick)] += rng.uniform(0.3, 1.0) * tick
    spray /= spray.std() * 4
    wires = burst(rng, time_s, (1200, 7500), 0.09 + 0.03 * force)
    skin = glide(time_s, 196, 214, 0.015) * np.exp(-time_s / 0.06)
    sound = 0.55 * spray * np.exp(-time_s / 0.03) + 0.11 * wires + (0.10 + 0.12 * force) * skin
    return room(rng, sound * np.clip(time_s / 0.0012, 0, 1), 0.12, 0.06, 6000)


def brush_sweep(rng: np.random.Generator, force: float) -> Sound:
    """Draw a brush over the skin: a breath of noise that swells and falls."""
    time_s = clock(0.5)
    swell = (time_s / 0.07) * np.exp(1 - time_s / 0.07) * (1 + 0.2 * np.sin(2 * np.pi * 23 * time_s))
    return band_noise(rng, len(time_s), RATE_HZ, 900, 5200 + 2500 * force) * swell


def rim(rng: np.random.Generator, force: float) -> Sound:
    """Lay the stick across and strike the rim: two woods and the drum below."""
    time_s = clock(0.22)
    sound = np.zeros(len(time_s))
    for hz, amplitude, decay_s in _WOOD:
        sound += amplitude * np.sin(2 * np.pi * hz * (1 + rng.normal(0, 0.004)) * time_s) * np.exp(-time_s / decay_s)
    sound += (0.2 + 0.3 * force) * burst(rng, time_s, (1500, 6500), 0.003)
    return room(rng, np.tanh(sound) * np.clip(time_s / 0.0004, 0, 1), 0.10, 0.04, 5000)


def clap(rng: np.random.Generator, force: float) -> Sound:
    """Clap with several hands that are not quite together."""
    time_s = clock(0.32)
    sound = 0.35 * burst(rng, time_s, (800, 4200), 0.075)
    for at_s in (0.0, 0.009 + rng.normal(0, 0.001), 0.019, 0.028):
        at = max(round(at_s * RATE_HZ), 0)
        sound[at:] += burst(rng, time_s[: len(time_s) - at], (750, 3800 + 1500 * force), 0.006)
    return room(rng, np.tanh(0.8 * sound), 0.2, 0.07, 5000)


def tom(rng: np.random.Generator, force: float, tune_hz: float) -> Sound:
    """Hit a tom with a soft stick."""
    time_s = clock(0.62)
    skin = np.zeros(len(time_s))
    for ratio, amplitude, share in _SKIN_MODES:
        wave = glide(time_s, ratio * tune_hz, ratio * tune_hz * (1.05 + 0.15 * force), 0.03)
        skin += amplitude * wave * np.exp(-time_s / (0.16 * share * (110 / tune_hz) ** 0.4))
    stick = burst(rng, time_s, (1200, 5000), 0.004)
    sound = skin + (0.06 + 0.14 * force) * stick + 0.03 * burst(rng, time_s, (150, 900), 0.06)
    return room(rng, np.tanh(1.2 * sound) * np.clip(time_s / 0.0008, 0, 1), 0.1, 0.05, 2500)


def machine_kick(rng: np.random.Generator, force: float) -> Sound:
    """Let a drum machine's bass drum ring: a long low sine with a soft click."""
    time_s = clock(0.62)
    body = glide(time_s, 49, 130 + 50 * force, 0.016) * np.exp(-time_s / 0.20)
    return np.tanh(1.35 * body) + (0.05 + 0.08 * force) * burst(rng, time_s, (1500, 4500), 0.003)


def machine_snare(rng: np.random.Generator, force: float) -> Sound:
    """Let a drum machine's snare answer: two tones and bright noise."""
    time_s = clock(0.30)
    tones = np.sin(2 * np.pi * 178 * time_s) * np.exp(-time_s / 0.05)
    tones += 0.7 * np.sin(2 * np.pi * 331 * time_s) * np.exp(-time_s / 0.035)
    noise = burst(rng, time_s, (1000, 8500), 0.075)
    return room(rng, np.tanh(0.9 * tones + (0.25 + 0.12 * force) * noise), 0.16, 0.06, 6500)


def machine_rim(rng: np.random.Generator, force: float) -> Sound:
    """Let a drum machine's rim shot snap."""
    time_s = clock(0.12)
    tones = np.sin(2 * np.pi * 1667 * time_s) + 0.8 * np.sin(2 * np.pi * 455 * time_s)
    return high_pass(np.tanh(1.5 * tones * np.exp(-time_s / 0.011)), 300, RATE_HZ) + 0.1 * force * burst(
        rng, time_s, (2000, 7000), 0.003
    )


def worn(sound: Sound, top_hz: float, bits: int) -> Sound:
    """Play a drum from a worn sampler: darker, and with few bits; scaled to a peak of 1."""
    dark = low_pass(sound, top_hz, RATE_HZ, order=2)
    dark = np.tanh(1.15 * dark / np.abs(dark).max())
    dark /= np.abs(dark).max()
    steps = 2.0 ** (bits - 1)
    return np.round(dark * steps) / steps
