"""Places: rain, a café, a night, a shore. Knows nothing about files or levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loops.sounds import RATE_HZ, Sound, breath, darken, frames_of, hump, in_room, noise, ring, scatter, wide


def rain(rng: np.random.Generator) -> Sound:
    """Steady rain behind a window: a wide soft hiss, near drops, and gusts."""
    seconds = 24.0
    frames = round(seconds * RATE_HZ)
    shared = noise(rng, seconds, 300, 4200, -2.5)
    sound = np.stack([0.55 * shared + 0.8 * noise(rng, seconds, 300, 4200, -2.5) for _ in range(2)])
    turn = np.arange(frames) / frames * 2 * np.pi
    sound *= 1 + 0.12 * np.sin(3 * turn + 0.4) + 0.08 * np.sin(7 * turn)
    for _ in range(round(70 * seconds)):
        size = min(rng.lognormal(-0.4, 0.7), 3.0)
        grain = size * ring(rng, rng.uniform(700, 4000), rng.uniform(0.0006, 0.004))
        scatter(sound, rng.integers(frames), 1.6 * grain, rng.random())
    return sound


_VOWELS_HZ = ((730, 1090, 2440), (530, 1840, 2480), (390, 1990, 2550), (570, 840, 2410), (440, 1020, 2240))
"""First three formants of a spoken a, e, i, o, u (Peterson and Barney 1952, men)."""


def _syllable(rng: np.random.Generator, pitch_hz: float, reach: float) -> Sound:
    """Speak one syllable: harmonics of a gliding voice under a vowel's formants; `reach` scales the mouth."""
    seconds = rng.uniform(0.09, 0.26)
    time_s = np.arange(frames_of(seconds)) / RATE_HZ
    glide = pitch_hz * (1 + rng.uniform(-0.12, 0.06) * time_s / seconds)
    phase = 2 * np.pi * np.cumsum(glide) / RATE_HZ
    formants = np.array(_VOWELS_HZ[rng.integers(len(_VOWELS_HZ))]) * reach
    sound = np.zeros(len(time_s))
    for number in range(1, int(3600 / pitch_hz)):
        level = sum(
            strength / (1 + ((number * pitch_hz - hz) / (60 + 0.06 * hz)) ** 2)
            for hz, strength in zip(formants, (1.0, 0.5, 0.2), strict=True)
        )
        sound += (0.02 + level) / number**0.4 * np.sin(number * phase + rng.random() * 6.28)
    sound *= np.sin(np.pi * np.minimum(time_s / seconds, 1)) ** 0.7
    consonant = frames_of(rng.uniform(0.02, 0.05))
    sound[:consonant] += 0.25 * rng.standard_normal(consonant) * np.hanning(consonant)
    return sound * rng.uniform(0.6, 1.0)


def cafe(rng: np.random.Generator) -> Sound:
    """People at the other tables: a murmur of fifteen voices nobody understands, cups, a room of wood."""
    seconds = 26.0
    frames = frames_of(seconds)
    sound = np.zeros((2, frames))
    for _ in range(15):
        pitch_hz, pan, level = (
            rng.choice([rng.uniform(90, 140), rng.uniform(170, 235)]),
            rng.random(),
            rng.uniform(0.3, 1),
        )
        reach = 1.0 if pitch_hz < 150 else 1.17
        at_s, left = rng.uniform(0, 3), 0
        while at_s < seconds:
            if left == 0:  # a phrase is over: listen for a while
                at_s += rng.exponential(1.6)
                left = int(rng.integers(4, 16))
            tone_hz = pitch_hz * 2 ** (rng.normal(0, 2) / 12)
            scatter(sound, frames_of(at_s), level * _syllable(rng, tone_hz, reach), pan)
            at_s += rng.uniform(0.14, 0.24)
            left -= 1
    sound = darken(in_room(rng, darken(sound, 1500, 1.0), 0.16, 0.75), 3200)
    level = float(sound.std())
    for _ in range(13):  # a cup is put on its saucer
        first, pan, size = rng.integers(frames), rng.random(), rng.uniform(0.5, 1.6)
        for partial_hz in rng.uniform(2100, 5200, 4):
            scatter(sound, first, level * size * ring(rng, partial_hz, rng.uniform(0.01, 0.05)), pan)
    return in_room(rng, sound, 0.22, 0.35) + 0.15 * level * wide(rng, seconds, (60, 900, -5.0))


def insects(rng: np.random.Generator) -> Sound:
    """A warm night: crickets near and far, each with its own beat, a thin trill behind them, still air."""
    seconds = 24.0
    frames = frames_of(seconds)
    sound = 0.18 * wide(rng, seconds, (80, 700, -5.0))
    for near in (1.0, 0.7, 0.4, 0.3, 0.22, 0.16, 0.12):
        hz, pan = rng.uniform(3300, 4300), rng.random()
        chirps, pulses = int(rng.integers(34, 58)), int(rng.integers(3, 5))
        for chirp in range(chirps):
            if rng.random() < 0.06:
                continue
            first = chirp * frames / chirps + rng.normal(0, 250)
            for pulse in range(pulses):
                time_s = np.arange(frames_of(0.019)) / RATE_HZ
                shape = np.sin(np.pi * time_s / 0.019) ** 2 * (0.5 + 0.5 * (pulse + 1) / pulses)
                grain = shape * np.sin(2 * np.pi * hz * (1 - 0.9 * time_s) * time_s)
                scatter(sound, round(first + pulse * 0.031 * RATE_HZ), 1.5 * near * grain, pan)
    trill = wide(rng, seconds, (4300, 4700, 0.0), shared=0.2)
    beat = np.arange(frames) / frames * round(38 * seconds) * 2 * np.pi
    sound += 0.05 * trill * (1 + 0.8 * np.sin(beat)) * np.exp(0.3 * breath(rng, seconds, 5.0))
    return in_room(rng, darken(sound, 6500), 0.09, 0.25)


def sea(rng: np.random.Generator) -> Sound:
    """A shore of sand: waves come in, break and run back, four in 26 seconds, none like another."""
    seconds = 26.0
    frames = frames_of(seconds)
    sound = np.zeros((2, frames))
    deep = wide(rng, seconds, (45, 260, -3.0), shared=0.7)
    bands = [
        wide(rng, seconds, band, shared=0.25) for band in ((150, 900, -4.0), (500, 2600, -3.0), (1400, 6000, -2.5))
    ]
    sound += 0.5 * deep * (1 + 0.3 * breath(rng, seconds, 3.0))
    for wave in range(4):
        centre = (wave + rng.uniform(-0.13, 0.13)) * frames / 4
        size, lean = rng.uniform(0.6, 1.1), rng.uniform(-0.35, 0.35)
        sides = np.array([[1 - lean], [1 + lean]]) * size
        for band, (late_s, rise_s, fall_s, level) in zip(
            bands, ((-0.2, 2.2, 2.6, 0.9), (0.0, 1.3, 2.4, 0.75), (0.9, 1.2, 3.4, 0.35)), strict=True
        ):
            sound += sides * level * band * hump(frames, centre + late_s * RATE_HZ, rise_s * RATE_HZ, fall_s * RATE_HZ)
    return sound + 0.10 * bands[1] + 0.04 * bands[2]


def fire(rng: np.random.Generator) -> Sound:
    """A fireplace: the flames' low flutter, a soft hiss, crackling in bursts, now and then a log that cracks."""
    seconds = 25.0
    frames = frames_of(seconds)
    sound = 0.7 * wide(rng, seconds, (50, 240, -4.0), shared=0.6) * np.exp(0.35 * breath(rng, seconds, 0.25))
    sound += 0.16 * wide(rng, seconds, (900, 5000, -3.0), shared=0.3) * np.exp(0.35 * breath(rng, seconds, 1.0))
    bursts = np.exp(1.3 * breath(rng, seconds, 0.8))
    for place in rng.choice(frames, round(26 * seconds), p=bursts / bursts.sum()):
        size = min(rng.lognormal(-0.2, 0.9), 6.0)
        grain = size * ring(rng, rng.uniform(900, 4200), rng.uniform(0.0004, 0.002))
        scatter(sound, int(place), 1.7 * grain, rng.uniform(0.25, 0.75))
    for _ in range(9):
        first, pan = rng.integers(frames), rng.uniform(0.3, 0.7)
        scatter(sound, first, rng.uniform(4, 9) * ring(rng, rng.uniform(300, 700), 0.006), pan)
        for _ in range(int(rng.integers(4, 12))):
            place = first + round(rng.exponential(0.05) * RATE_HZ)
            scatter(sound, place, rng.uniform(2, 5) * ring(rng, rng.uniform(1200, 3800), 0.0009), pan)
    return in_room(rng, sound, 0.07, 0.2)


def tape_hiss(rng: np.random.Generator) -> Sound:
    """A cassette with nothing on it: hiss, and the slow unevenness of the band on the head."""
    seconds = 20.0
    sound = wide(rng, seconds, (120, 6000, -1.5), shared=0.15)
    return sound * (1 + 0.06 * np.stack([breath(rng, seconds, 0.4) for _ in range(2)]))


def wind(rng: np.random.Generator) -> Sound:
    """Wind round a house in winter: gusts that whistle a little at the corner of the roof."""
    seconds = 28.0
    sound = 0.8 * wide(rng, seconds, (50, 350, -5.0)) * np.exp(0.35 * breath(rng, seconds, 2.5))
    for hz, level in ((260, 0.8), (390, 0.7), (560, 0.5), (760, 0.35), (1050, 0.2)):
        gust = np.exp(0.8 * breath(rng, seconds, 1.8))
        whistle = wide(rng, seconds, (0.88 * hz, 1.12 * hz, 0.0), shared=0.35)
        sound += 0.35 * level * whistle * gust / gust.mean()
    return sound + 0.10 * wide(rng, seconds, (900, 4000, -4.0)) * np.exp(0.5 * breath(rng, seconds, 2.0))


def road(rng: np.random.Generator) -> Sound:
    """A road at night, heard from the car: tyres on wet asphalt, the motor far below, a few cars that pass."""
    seconds = 26.0
    frames = frames_of(seconds)
    sound = wide(rng, seconds, (40, 300, -5.0), shared=0.7) * (1 + 0.1 * breath(rng, seconds, 0.5))
    sound += 0.35 * wide(rng, seconds, (350, 2400, -3.5), shared=0.4) * (1 + 0.12 * breath(rng, seconds, 1.0))
    for number in range(3):
        centre = (number + rng.uniform(0.2, 0.8)) * frames / 3
        body = wide(rng, seconds, (200, 2800, -3.0), shared=0.5)
        left, right = (hump(frames, centre + shift * RATE_HZ, 0.9 * RATE_HZ, 1.3 * RATE_HZ) for shift in (-0.35, 0.35))
        sound += rng.uniform(0.35, 0.7) * body * np.stack([left, right])
    turns = round(41 * seconds)
    motor = sum(np.sin(2 * np.pi * turns * n * np.arange(frames) / frames + n) / n**1.5 for n in (1, 2, 3))
    return sound + 0.25 * motor * (1 + 0.2 * breath(rng, seconds, 2.0))


def _song(rng: np.random.Generator, hz: float, notes: Sequence[tuple[float, float, float]]) -> Sound:
    """Sing a bird's phrase of (length in s, first and last pitch relative to `hz`)."""
    pieces = []
    for seconds, low, high in notes:
        time = np.linspace(0, 1, frames_of(seconds))
        pitch = hz * (low + (high - low) * time + rng.normal(0, 0.01))
        tone = np.sin(2 * np.pi * np.cumsum(pitch) / RATE_HZ)
        pieces += [tone * np.sin(np.pi * time) ** 1.3, np.zeros(frames_of(rng.uniform(0.03, 0.07)))]
    return np.concatenate(pieces)


def birds(rng: np.random.Generator) -> Sound:
    """A garden at seven: five birds that answer each other, leaves in a light air."""
    seconds = 26.0
    sound = 0.2 * wide(rng, seconds, (250, 3000, -4.5)) * np.exp(0.3 * breath(rng, seconds, 2.0))
    for near in (1.0, 0.6, 0.45, 0.3, 0.2):
        hz, pan = rng.uniform(2300, 3800), rng.random()
        own = [
            (rng.uniform(0.05, 0.2), rng.uniform(0.8, 1.2), rng.uniform(0.8, 1.25)) for _ in range(rng.integers(3, 6))
        ]
        at_s = rng.uniform(0, 4)
        while at_s < seconds:
            phrase = own[: rng.integers(2, len(own) + 1)] * int(rng.integers(1, 3))
            scatter(sound, frames_of(at_s), 1.3 * near * rng.uniform(0.7, 1.0) * _song(rng, hz, phrase), pan)
            at_s += rng.uniform(2.2, 6.0)
    return in_room(rng, darken(sound, 5500), 0.12, 0.35)
