"""Felt piano, tine piano and reed piano. Knows nothing about files or the station.

Felt piano: stiff strings (Rigaud et al., "A parametric model of piano tuning", 2013, for the inharmonicity) struck by a
soft hammer, with a fast and a slow decay each. Tine piano: a clamped bar (modes 1 : 6.27 : 17.55) before a magnetic
pickup that stands off its centre. Reed piano: a reed inside a capacitor (output 1 / distance), a bark when hit hard.
"""

from __future__ import annotations

import numpy as np

from soundfonts.maker.sf2 import Preset, Sound, Zone
from soundfonts.maker.tone import (
    Family,
    Take,
    band_noise,
    body_curve,
    high_pass,
    low_pass,
    partials,
    zones,
)

_RATE_HZ = 24_000
_ROOTS = list(range(28, 99, 5))
_STRIKE_PLACE = 1 / 7.6
"""Where the hammer meets the string."""
_SOFT_MEDIUM_HARD = [(56, 0.25), (86, 0.55), (127, 1.0)]
_SOFT_HARD = [(66, 0.3), (127, 0.85)]


def _stretch(key: int) -> float:
    """Return the inharmonicity B of a grand's string."""
    return float(np.exp(0.0926 * key - 13.64) + np.exp(-0.0847 * key - 5.82))


def _thump(take: Take, seed: int, bands: list[tuple[float, float, float, float]]) -> Sound:
    """Make the noise of an action: bands as (low Hz, high Hz, level, decay in s)."""
    rng = np.random.default_rng([seed, take.key])
    time_s, rate_hz = take.time_s(), take.rate_hz * take.oversampling
    sound = np.zeros(len(time_s))
    for low_hz, high_hz, level, decay_s in bands:
        noise = band_noise(rng, len(time_s), rate_hz, low_hz, high_hz)
        sound += level * noise * np.exp(-time_s / decay_s) * (1 - np.exp(-time_s / 0.0015))
    return sound * take.noise_gate()


def felt_note(key: int, force: float) -> tuple[Take, Sound, float]:
    """Play a felt piano."""
    take = Take.plan(
        key, _RATE_HZ, np.interp(key, [29, 60, 97], [1.1, 0.85, 0.4]), np.interp(key, [29, 97], [0.75, 0.3])
    )
    board = body_curve(11, 3.5)
    stretch = _stretch(key)
    felt_hz = (520 + 1600 * force) * 2 ** ((key - 60) / 26)
    slow_s = 1.75 * 2 ** ((54 - key) / 21)
    step_hz = take.rate_hz / take.loop_frames
    modes: list[tuple[float, float, float]] = []
    for number in range(1, 48):
        hz = number * take.hz * np.sqrt((1 + stretch * number**2) / (1 + stretch))
        hammer = abs(np.sin(np.pi * number * _STRIKE_PLACE)) / number**0.55
        amplitude = hammer * board(hz) / (1 + (hz / felt_hz) ** 2) ** 1.15 / np.sqrt(1 + (75 / hz) ** 4)
        decay_s = slow_s / (1 + (hz / 1900) ** 1.1 + 0.035 * (number - 1))
        modes.append((hz, 0.72 * amplitude, 0.42 * decay_s))
        modes.append((hz, 0.30 * amplitude, decay_s))
        if number > 1:  # the other strings of the choir; the lowest partial stays alone so that the pitch stands still
            modes.append((hz + step_hz, 0.16 * amplitude, 0.8 * decay_s))
            modes.append((hz - step_hz, -0.12 * amplitude, 0.7 * decay_s))
    strings = partials(take, modes, rise_s=0.0035 - 0.0022 * force)
    knock = 0.05 + 0.06 * (1 - force)
    noise = _thump(
        take,
        3,
        [(60, 240, knock, 0.055), (350, 1400, 0.45 * knock, 0.022), (2200, 6500, (0.10 + 0.1 * force) * knock, 0.012)],
    )
    return take, strings + noise * np.abs(strings).max(), slow_s


def tine_note(key: int, force: float) -> tuple[Take, Sound, float]:
    """Play a tine piano."""
    take = Take.plan(key, _RATE_HZ, np.interp(key, [29, 60, 97], [1.2, 0.9, 0.45]), 0.2, oversampling=4)
    ring_s = 1.9 * 2 ** ((60 - key) / 27)
    swing = (0.34 + 0.95 * force) * 2 ** ((60 - key) / 44)
    bell = (0.010 + 0.045 * force) * 2 ** ((60 - key) / 60)
    modes = [
        (take.hz, 0.7, ring_s),
        (take.hz, 0.3, 0.22 * ring_s),  # the tone bar takes its share at first
        (6.27 * take.hz, bell, 0.24 * 2 ** ((60 - key) / 22)),
        (7.05 * take.hz, 0.35 * bell, 0.10 * 2 ** ((60 - key) / 22)),  # the tuning spring's pull
        (17.55 * take.hz, 0.22 * bell, 0.055),
        (34.4 * take.hz, 0.07 * bell, 0.03),
    ]
    tine = swing * partials(take, modes, rise_s=0.0012)
    off_centre = 0.5
    field = 1.0 / (1.0 + (tine - off_centre) ** 2) ** 1.5
    voltage = np.diff(field, prepend=field[0]) * take.rate_hz * take.oversampling / (2 * np.pi * take.hz)
    knock = 0.012 + 0.02 * force
    noise = _thump(
        take, 5, [(70, 260, 1.1 * knock, 0.045), (900, 3200, 0.5 * knock, 0.010), (3500, 8000, 0.25 * knock, 0.006)]
    )
    sound = low_pass(voltage + noise * np.abs(voltage).max() * 2, 6800, take.rate_hz * take.oversampling, order=2)
    return take, sound, ring_s


def reed_note(key: int, force: float) -> tuple[Take, Sound, float]:
    """Play a reed piano."""
    take = Take.plan(key, _RATE_HZ, np.interp(key, [29, 60, 97], [1.0, 0.75, 0.4]), 0.2, oversampling=4)
    ring_s = 0.95 * 2 ** ((60 - key) / 30)
    modes = [
        (take.hz, 0.82, ring_s),
        (take.hz, 0.18, 0.15 * ring_s),
        (6.27 * take.hz, 0.012 + 0.02 * force, 0.09),
        (17.5 * take.hz, 0.003 + 0.006 * force, 0.03),
    ]
    reed = partials(take, modes, rise_s=0.0016)
    closeness = (0.60 + 0.36 * force) * np.interp(key, [29, 60, 97], [1.0, 0.97, 0.72])
    charge = 1.0 / (1.0 - closeness * reed * 0.98)
    rate_hz = take.rate_hz * take.oversampling
    bright = high_pass(charge - charge.mean(), 700, rate_hz)
    sound = low_pass(np.tanh(1.3 * bright), 4600, rate_hz, order=2)
    knock = 0.02 + 0.02 * force
    noise = _thump(take, 7, [(90, 400, knock, 0.03), (1200, 4200, 0.5 * knock, 0.009)])
    return take, sound + noise * np.abs(sound).max() * 2, ring_s


def _felt() -> tuple[Zone, ...]:
    family = Family("felt", _ROOTS, _SOFT_HARD, level_db=-1.0, release_s=lambda key: 0.9 if key < 86 else 1.8)
    return zones(family, felt_note)


def _tine() -> tuple[Zone, ...]:
    return zones(Family("tine", _ROOTS, _SOFT_MEDIUM_HARD, release_s=lambda _: 0.55), tine_note)


def _reed() -> tuple[Zone, ...]:
    return zones(Family("reed", _ROOTS, _SOFT_HARD, release_s=lambda _: 0.4), reed_note)


def presets() -> list[Preset]:
    """Make the three pianos."""
    return [
        Preset("Felt Piano", 0, 0, _felt()),
        Preset("Tine Piano", 0, 4, _tine()),
        Preset("Reed Piano", 0, 5, _reed()),
    ]
