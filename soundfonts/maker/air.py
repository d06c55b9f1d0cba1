"""Struck metal and held sounds: vibraphone, music box, pads, a soft lead. Knows nothing about files or the station."""

from __future__ import annotations

import numpy as np

from soundfonts.maker.sf2 import Generator, Preset, Sound, timecents
from soundfonts.maker.tone import Family, Take, band_noise, partials, zones

_BAR_MODES = ((1.0, 1.0, 1.0), (3.98, 0.20, 0.22), (9.9, 0.06, 0.06), (18.3, 0.02, 0.03))
"""A vibraphone bar, arched so that its modes are 1 : 4 : 10: ratio, amplitude, decay against the first."""


def _click(take: Take, low_hz: float, high_hz: float, level: float, decay_s: float) -> Sound:
    """Make the mallet's or the pin's noise."""
    time_s = take.time_s()
    noise = band_noise(np.random.default_rng([53, take.key]), len(time_s), take.rate_hz, low_hz, high_hz)
    return level * noise * np.exp(-time_s / decay_s) * take.noise_gate()


def vibraphone_note(key: int, force: float) -> tuple[Take, Sound, float]:
    """Strike a bar with a yarn mallet, motor off."""
    take = Take.plan(key, 24_000, np.interp(key, [53, 89], [0.9, 0.6]), 0.2)
    ring_s = 1.6 * 2 ** ((65 - key) / 30)
    modes = [
        (ratio * take.hz, amplitude * (1 if ratio == 1 else 0.35 + 0.9 * force), max(share * ring_s, 0.012))
        for ratio, amplitude, share in _BAR_MODES
    ]
    modes.append((2 * take.hz, 0.03, 0.4 * ring_s))
    bar = partials(take, modes, rise_s=0.0022 - 0.0012 * force)
    return take, bar + _click(take, 500, 3500, 0.03 + 0.03 * force, 0.005), ring_s


def music_box_note(key: int, force: float) -> tuple[Take, Sound, float]:
    """Pluck a comb's tooth: a clamped bar, and a faint octave of the box."""
    take = Take.plan(key, 24_000, np.interp(key, [60, 96], [0.8, 0.45]), 0.2)
    ring_s = 0.75 * 2 ** ((72 - key) / 26)
    modes = [
        (take.hz, 1.0, ring_s),
        (2 * take.hz, 0.16, 0.5 * ring_s),
        (6.27 * take.hz, 0.10 + 0.10 * force, 0.09),
        (3.01 * take.hz, 0.06, 0.2),
        (17.55 * take.hz, 0.03, 0.02),
    ]
    return take, partials(take, modes) + _click(take, 1500, 7000, 0.04, 0.003), ring_s


def _choir(take: Take, seed: int, top_hz: float, slope: float, cents: float) -> Sound:
    """Sum detuned voices whose phases are drawn once: a loop that moves and yet repeats exactly."""
    rng = np.random.default_rng([seed, take.key])
    time_s = take.time_s()
    step_hz = take.rate_hz / take.loop_frames
    sound = np.zeros(len(time_s))
    for number in range(1, 40):
        hz = number * take.hz
        if hz > 0.45 * take.rate_hz:
            break
        amplitude = number**-slope / (1 + (hz / top_hz) ** 2)
        spread_hz = hz * (2 ** (cents / 1200) - 1)
        away = max(round(spread_hz / step_hz), 1)
        middle, turn = rng.uniform(0, 2 * np.pi, 2)
        sides = 1.0 if number > 1 else 0.45
        for steps, level in ((0, 1.0), (away, 0.55 * sides), (max(away // 2, 1), 0.4 * sides)):
            for side in (-1, 1) if steps else (0,):
                # the lowest partial's sides mirror each other and never outweigh it: it swells but keeps its pitch
                phase = middle + side * turn if number == 1 else rng.uniform(0, 2 * np.pi)
                sound += amplitude * level * np.sin(2 * np.pi * (hz + side * steps * step_hz) * time_s + phase)
    return sound


def pad_note(key: int, force: float) -> tuple[Take, Sound, float]:
    """Hold a warm pad."""
    del force
    take = Take.plan(key, 16_000, 0.05, 2.2)
    return take, _choir(take, 61, 950 * 2 ** ((key - 60) / 30), 1.25, 7.0), 0.0


def strings_note(key: int, force: float) -> tuple[Take, Sound, float]:
    """Hold a small string machine: brighter than the pad, more voices against each other."""
    del force
    take = Take.plan(key, 24_000, 0.05, 1.8)
    return take, _choir(take, 67, 2300 * 2 ** ((key - 60) / 40), 0.95, 10.0), 0.0


def lead_note(key: int, force: float) -> tuple[Take, Sound, float]:
    """Hold a soft synthesiser lead, between a flute and a rounded saw."""
    take = Take.plan(key, 24_000, 0.3, 0.1)
    modes = [(n * take.hz, n**-1.25 / (1 + (n * take.hz / 2600) ** 2), 1e6) for n in range(1, 16)] + [
        (n * take.hz, 0.5 * force * n**-1.0 / (1 + (n * take.hz / 4000) ** 2), 0.07) for n in range(2, 16)
    ]
    return take, partials(take, modes, rise_s=0.012), 0.0


def presets() -> list[Preset]:
    """Make everything that rings or is held."""
    vibraphone = Family("vibes", list(range(53, 94, 5)), [(80, 0.3), (127, 0.9)], release_s=lambda _: 1.1)
    box = Family("box", list(range(60, 96, 5)), [(127, 0.5)], release_s=lambda _: 1.2)
    pad = Family("pad", list(range(36, 97, 5)), [(127, 0.5)], attack_s=0.32, release_s=lambda _: 1.6)
    strings = Family("machine", list(range(36, 97, 6)), [(127, 0.5)], attack_s=0.22, release_s=lambda _: 1.3)
    sway = {Generator.VIBRATO_TO_PITCH: 9, Generator.VIBRATO_DELAY: timecents(0.45), Generator.VIBRATO_RATE: -700}
    lead = Family("lead", list(range(48, 97, 6)), [(127, 0.5)], attack_s=0.015, release_s=lambda _: 0.5, extra=sway)
    held = zones(pad, pad_note)
    return [
        Preset("Music Box", 0, 10, zones(box, music_box_note)),
        Preset("Vibraphone", 0, 11, zones(vibraphone, vibraphone_note)),
        Preset("String Machine", 0, 48, zones(strings, strings_note)),
        Preset("Soft Lead", 0, 81, zones(lead, lead_note)),
        Preset("Warm Pad", 0, 89, held),
    ]
