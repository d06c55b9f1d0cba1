"""Plucked strings: upright bass, nylon guitar, jazz guitar, and a sub bass. Knows nothing about files or the station.

A pluck at share p of the string gives partial n the amplitude sin(n pi p) / n^2 in displacement, one power of n more in
what the bridge feels; the finger's width takes the top off, body or pickup colour the rest.
"""

from __future__ import annotations

import numpy as np

from soundfonts.maker.sf2 import Preset, Sound
from soundfonts.maker.tone import Family, Take, band_noise, body_curve, low_pass, partials, zones

_BASS_ROOTS = list(range(28, 65, 4))
_GUITAR_ROOTS = list(range(40, 91, 5))


def _resonance(hz: float, centre_hz: float, width: float, gain: float) -> float:
    """Return 1 plus a bell over frequency, `width` in octaves."""
    return 1.0 + gain * float(np.exp(-((np.log2(hz / centre_hz) / width) ** 2)))


def _touch(take: Take, seed: int, bands: list[tuple[float, float, float, float]]) -> Sound:
    """Make the finger's noise: bands as (low Hz, high Hz, level, decay in s)."""
    rng = np.random.default_rng([seed, take.key])
    time_s = take.time_s()
    sound = np.zeros(len(time_s))
    for low_hz, high_hz, level, decay_s in bands:
        noise = band_noise(rng, len(time_s), take.rate_hz, low_hz, high_hz)
        sound += level * noise * (time_s / decay_s) * np.exp(1 - time_s / decay_s)
    return sound * take.noise_gate()


def upright_note(key: int, force: float) -> tuple[Take, Sound, float]:
    """Play an upright bass with the finger."""
    take = Take.plan(key, 24_000, np.interp(key, [28, 64], [1.1, 0.7]), 0.3)
    wood = body_curve(23, 2.5)
    ring_s = 0.85 * 2 ** ((40 - key) / 30)
    finger_hz = (520 + 900 * force) * 2 ** ((key - 40) / 40)
    modes: list[tuple[float, float, float]] = []
    for number in range(1, 40):
        hz = number * take.hz * np.sqrt(1 + 6e-5 * number**2) / np.sqrt(1 + 6e-5)
        pluck = abs(np.sin(np.pi * number * 0.21)) / number
        colour = (
            _resonance(hz, 105, 0.5, 0.9) * _resonance(hz, 215, 0.4, 0.8) * _resonance(hz, 720, 0.7, 1.2) * wood(hz)
        )
        amplitude = pluck * colour / (1 + (hz / finger_hz) ** 2) ** 0.8 / np.sqrt(1 + (48 / hz) ** 4)
        decay_s = ring_s / (1 + 0.07 * (number - 1) + (hz / 1300) ** 1.2)
        modes.append((hz, amplitude, decay_s))
        if 2 <= number <= 9:  # the string lays itself along the board: the "mwah" swells after the stroke
            modes += [(hz, 0.5 * amplitude, 0.8 * decay_s), (hz, -0.5 * amplitude, 0.09)]
    strings = partials(take, modes, rise_s=0.004)
    noise = _touch(
        take, 31, [(90, 420, 0.09, 0.018), (600, 2600, 0.022 + 0.022 * force, 0.008), (2500, 7000, 0.006, 0.003)]
    )
    return take, strings + noise * np.abs(strings).max(), ring_s


def nylon_note(key: int, force: float) -> tuple[Take, Sound, float]:
    """Play a nylon guitar with the flesh of the finger."""
    take = Take.plan(key, 24_000, np.interp(key, [40, 88], [1.0, 0.5]), 0.25)
    wood = body_curve(29, 3.0)
    ring_s = 0.95 * 2 ** ((52 - key) / 26)
    finger_hz = (1500 + 2200 * force) * 2 ** ((key - 60) / 40)
    modes: list[tuple[float, float, float]] = []
    for number in range(1, 42):
        hz = number * take.hz * np.sqrt(1 + 3e-5 * number**2) / np.sqrt(1 + 3e-5)
        pluck = abs(np.sin(np.pi * number * 0.23)) / number
        colour = (
            _resonance(hz, 104, 0.25, 1.2) * _resonance(hz, 205, 0.3, 1.0) * _resonance(hz, 410, 0.4, 0.5) * wood(hz)
        )
        amplitude = pluck * colour / (1 + (hz / finger_hz) ** 2) ** 0.9 / np.sqrt(1 + (80 / hz) ** 4)
        decay_s = ring_s / (1 + 0.05 * (number - 1) + (hz / 1900) ** 1.1)
        modes += [(hz, 0.6 * amplitude, decay_s), (hz, 0.4 * amplitude, 0.2 * decay_s)]
    strings = partials(take, modes, rise_s=0.0016)
    noise = _touch(take, 37, [(100, 300, 0.05, 0.012), (1500, 6000, 0.02 + 0.02 * force, 0.004)])
    return take, strings + noise * np.abs(strings).max(), ring_s


def jazz_note(key: int, force: float) -> tuple[Take, Sound, float]:
    """Play a hollow electric guitar with the thumb, tone control down."""
    take = Take.plan(key, 24_000, np.interp(key, [40, 88], [0.9, 0.5]), 0.25)
    ring_s = 1.2 * 2 ** ((52 - key) / 28)
    modes: list[tuple[float, float, float]] = []
    for number in range(1, 30):
        hz = number * take.hz * np.sqrt(1 + 5e-5 * number**2) / np.sqrt(1 + 5e-5)
        pickup = abs(np.sin(np.pi * number * 0.19)) * abs(np.sin(np.pi * number * 0.245))
        amplitude = pickup / number**0.6 / (1 + (hz / (1100 + 1300 * force)) ** 2) * _resonance(hz, 230, 0.5, 0.4)
        decay_s = ring_s / (1 + 0.04 * (number - 1) + (hz / 2000) ** 1.2)
        modes += [(hz, 0.7 * amplitude, decay_s), (hz, 0.3 * amplitude, 0.15 * decay_s)]
    strings = partials(take, modes, rise_s=0.002)
    noise = _touch(take, 41, [(150, 500, 0.04, 0.01), (1200, 4000, 0.02 + 0.01 * force, 0.004)])
    return take, np.tanh(1.1 * strings / np.abs(strings).max()) + noise, ring_s


def sub_note(key: int, force: float) -> tuple[Take, Sound, float]:
    """Play a soft sub bass: a sine bent just enough to be heard on small speakers."""
    take = Take.plan(key, 16_000, 0.9, 0.2)
    ring_s = 2.6
    modes = [(take.hz, 1.0, ring_s), (2 * take.hz, 0.10 + 0.05 * force, 0.5), (3 * take.hz, 0.05 + 0.05 * force, 0.3)]
    wave = partials(take, modes, rise_s=0.005)
    thump = partials(take, [(4 * take.hz, 0.16, 0.03), (7 * take.hz, 0.05, 0.02)])
    return take, low_pass(np.tanh(1.25 * wave) + thump, 900 + 700 * force, take.rate_hz), ring_s


def reese_note(key: int, force: float) -> tuple[Take, Sound, float]:
    """Play a synthesiser's bass: a dark saw through a filter that closes."""
    take = Take.plan(key, 16_000, 0.8, 0.3)
    modes: list[tuple[float, float, float]] = []
    step_hz = take.rate_hz / take.loop_frames
    for number in range(1, 24):
        hz = number * take.hz
        amplitude = 1 / number / (1 + (hz / (260 + 240 * force)) ** 2)
        opening = 0.8 / number / (1 + (hz / (900 + 900 * force)) ** 2)
        modes += [(hz, amplitude, 3.0), (hz, opening, 0.09)]
        if number > 1:
            modes.append((hz + step_hz, 0.25 * amplitude, 3.0))
    return take, partials(take, modes, rise_s=0.004), 3.0


def presets() -> list[Preset]:
    """Make the plucked instruments and the two synthesised basses."""
    two, bass_release = [(84, 0.35), (127, 0.9)], 0.35
    upright = Family("upright", _BASS_ROOTS, two, release_s=lambda _: 0.45, level_db=-1.0)
    nylon = Family("nylon", _GUITAR_ROOTS, two, release_s=lambda _: 0.6)
    jazz = Family("jazz", _GUITAR_ROOTS, [(127, 0.55)], release_s=lambda _: 0.5)
    sub = Family("sub", list(range(26, 63, 6)), [(127, 0.5)], release_s=lambda _: bass_release)
    reese = Family("synth", list(range(26, 63, 6)), [(127, 0.5)], release_s=lambda _: bass_release)
    return [
        Preset("Nylon Guitar", 0, 24, zones(nylon, nylon_note)),
        Preset("Jazz Guitar", 0, 26, zones(jazz, jazz_note)),
        Preset("Upright Bass", 0, 32, zones(upright, upright_note)),
        Preset("Soft Synth Bass", 0, 38, zones(reese, reese_note)),
        Preset("Sub Bass", 0, 39, zones(sub, sub_note)),
    ]
