"""Notes as sums of partials that loop without a seam. Knows nothing about any one instrument or about files.

A note's phases run on for ever while its *age*, which shapes every decay, comes to rest where the loop begins. All
frequencies are whole cycles of the loop, so the loop repeats exactly; the sound bank's volume envelope goes on with
the decay from there. The sample holds the note with that envelope taken out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import signal

from engine.loudness import KWeighting, lufs
from soundfonts.maker.sf2 import Generator, Sample, Sound, Zone, timecents

MARGIN_FRAMES = 64
"""Frames kept after the loop's end, for interpolation and for filters' edges."""
NATURE_LUFS = -20.0
"""Loudest 0.4 s of every note of every instrument, before an instrument's own level."""
_TOP = 0.45
"""Highest partial, as a share of the rate."""
_EASE = 0.35
"""Share of the body over which the age comes to rest."""
_DECAY_RANGE_DB = 100.0
"""What the format's decay time spans."""


def hz_of(key: float) -> float:
    """Return the frequency of a MIDI key, A4 = 440 Hz."""
    return float(440.0 * 2.0 ** ((key - 69) / 12))


@dataclass(frozen=True, slots=True)
class Take:
    """The plan of one note: when its loop begins and how long it is."""

    key: int
    rate_hz: int
    hz: float
    """The key's frequency, off by at most half a frame in the loop: under 0.1 cents."""
    body_frames: int
    loop_frames: int
    oversampling: int = 1

    @classmethod
    def plan(cls, key: int, rate_hz: int, body_s: float, loop_s: float, oversampling: int = 1) -> Take:
        """Plan a note with a loop of about `loop_s` that holds whole cycles of the key."""
        wanted = hz_of(key)
        cycles = np.arange(max(round(loop_s * wanted * 0.85), 1), max(round(loop_s * wanted * 1.15), 1) + 2)
        frames = np.round(cycles * rate_hz / wanted)
        best = int(np.argmin(np.abs(cycles * rate_hz / frames / wanted - 1)))
        hz = float(cycles[best] * rate_hz / frames[best])
        return cls(key, rate_hz, hz, round(body_s * rate_hz), int(frames[best]), oversampling)

    @property
    def frames(self) -> int:
        """Length of the sample."""
        return self.body_frames + self.loop_frames + MARGIN_FRAMES

    def time_s(self) -> Sound:
        """Return the time of each frame, oversampled, and twice the margin at the end."""
        rate_hz = self.rate_hz * self.oversampling
        return np.arange((self.frames + MARGIN_FRAMES) * self.oversampling) / rate_hz

    def age_s(self) -> Sound:
        """Return the time that shapes decays: it slows down and rests from the loop's start on."""
        body_s = self.body_frames / self.rate_hz
        ease_s = _EASE * body_s
        late = np.clip(self.time_s() - (body_s - ease_s), 0.0, ease_s)
        return np.minimum(self.time_s(), body_s - ease_s) + late - late**2 / (2 * ease_s)

    def near(self, hz: float) -> float:
        """Return the nearest frequency that the loop holds a whole number of cycles of."""
        step = self.rate_hz / self.loop_frames
        return round(hz / step) * step

    def noise_gate(self) -> Sound:
        """Return a gain that is 1 for most of the body and 0 from shortly before the loop on: noise does not repeat."""
        place = self.time_s() * self.rate_hz / self.body_frames
        return np.clip((0.95 - place) / 0.3, 0.0, 1.0) ** 2


def partials(take: Take, modes: list[tuple[float, float, float]], rise_s: float = 0.001) -> Sound:
    """Sum decaying sines, each (Hz, amplitude, decay in s to 1/e); those the rate cannot hold are left out."""
    time_s, age_s = take.time_s(), take.age_s()
    sound = np.zeros(len(time_s))
    for hz, amplitude, decay_s in modes:
        if hz < _TOP * take.rate_hz and amplitude:
            sound += amplitude * np.exp(-age_s / decay_s) * np.sin(2 * np.pi * take.near(hz) * time_s)
    return sound * (1.0 - np.exp(-time_s / rise_s))


def band_noise(rng: np.random.Generator, frames: int, rate_hz: float, low_hz: float, high_hz: float) -> Sound:
    """Make noise of unit power in a band with soft edges."""
    hz = np.fft.rfftfreq(frames, 1 / rate_hz)
    hz[0] = hz[1]
    shape = 1.0 / np.sqrt((1 + (low_hz / hz) ** 4) * (1 + (hz / high_hz) ** 4))
    sound = np.fft.irfft(shape * np.exp(2j * np.pi * rng.random(len(hz))), frames)
    return sound / sound.std()


def low_pass(sound: Sound, hz: float, rate_hz: float, order: int = 1) -> Sound:
    """Darken a sound."""
    return signal.sosfilt(signal.butter(order, min(hz, 0.49 * rate_hz), "low", fs=rate_hz, output="sos"), sound)


def high_pass(sound: Sound, hz: float, rate_hz: float, order: int = 1) -> Sound:
    """Thin a sound out."""
    return signal.sosfilt(signal.butter(order, hz, "high", fs=rate_hz, output="sos"), sound)


def body_curve(seed: int, spread_db: float) -> Callable[[float], float]:
    """Return a gain over frequency that wanders as a wooden body's does, the same for every note of an instrument."""
    octaves = np.arange(0.0, 10.0, 0.28)
    gains_db = np.random.default_rng(seed).normal(0.0, spread_db, len(octaves))
    return lambda hz: float(10 ** (np.interp(np.log2(hz / 25.0), octaves, gains_db) / 20))


def loudest_lufs(sound: Sound, rate_hz: int) -> float:
    """Return the K-weighted loudness of the loudest 0.4 s."""
    common = math.gcd(48_000, rate_hz)
    at_48k = signal.resample_poly(sound, 48_000 // common, rate_hz // common)
    padded = np.pad(at_48k, (4_800, 24_000)).astype(np.float32)
    powers = KWeighting().powers(np.stack([padded, padded]))
    return lufs(float(np.convolve(powers, np.ones(4) / 4, "valid").max()))


def record(name: str, take: Take, note: Sound, envelope_s: float, level_db: float = 0.0) -> Sample:
    """Make a sample of a note: take the envelope out, scale to the common loudness.

    `envelope_s` is the decay to 1/e that the bank's envelope will put back (0 for a held sound).
    """
    if take.oversampling > 1:
        note = signal.resample_poly(note, 1, take.oversampling)
    note = note[: take.frames]
    heard_age = take.age_s()[:: take.oversampling][: take.frames]
    time_s = np.arange(take.frames) / take.rate_hz
    flat = note * np.exp(heard_age / envelope_s) if envelope_s else note
    cycles = max(1, int(0.5 * take.rate_hz / take.loop_frames) + 1)
    played = np.concatenate([flat[: take.body_frames], np.tile(flat[take.body_frames :][: take.loop_frames], cycles)])
    if envelope_s:
        played = played * np.exp(-np.arange(len(played)) / take.rate_hz / envelope_s)
    gain = 10 ** ((NATURE_LUFS + level_db - loudest_lufs(played, take.rate_hz)) / 20)
    flat = flat * gain * np.clip(time_s / 0.0004, 0, 1)
    peak = np.abs(flat).max()
    if peak > 1.0:
        raise ValueError(f"{name}: peaks at {peak:.2f} at its loudness. Lower level_db.")
    return Sample(name, flat, take.rate_hz, take.key, (take.body_frames, take.body_frames + take.loop_frames))


def envelope(attack_s: float, decay_s: float, release_s: float) -> dict[Generator, int]:
    """Return the volume envelope: a decay to 1/e of `decay_s` down to silence (0: held), a release to silence."""
    generators = {Generator.RELEASE: timecents(release_s)}
    if attack_s:
        generators[Generator.ATTACK] = timecents(attack_s)
    if decay_s:
        generators[Generator.DECAY] = timecents(decay_s * _DECAY_RANGE_DB / 8.686)
        generators[Generator.SUSTAIN] = 1000
    return generators


def spread(roots: list[int], low: int = 0, high: int = 127) -> list[tuple[int, int]]:
    """Return each root's range of keys: every key goes to the nearest root."""
    edges = [low, *((a + b) // 2 + 1 for a, b in itertools.pairwise(roots)), high + 1]
    return [(first, last - 1) for first, last in itertools.pairwise(edges)]


Layer = Callable[[int, float], tuple[Take, Sound, float]]
"""Plays a key with a force 0-1: the plan, the note, the decay in s that the envelope is to carry."""


@dataclass(frozen=True, slots=True)
class Family:
    """How an instrument's notes are laid over keys and velocities."""

    name: str
    roots: list[int]
    layers: list[tuple[int, float]]
    """Highest velocity of each layer and its force."""
    attack_s: float = 0.0
    level_db: float = 0.0
    release_s: Callable[[int], float] = lambda _: 0.3
    extra: dict[Generator, int] | None = None


def zones(family: Family, play: Layer) -> tuple[Zone, ...]:
    """Record every root in every layer."""
    made: list[Zone] = []
    for root, keys in zip(family.roots, spread(family.roots), strict=True):
        softest = 0
        for number, (hardest, force) in enumerate(family.layers):
            take, note, decay_s = play(root, force)
            sample = record(f"{family.name} {root} {number}", take, note, decay_s, family.level_db)
            generators = envelope(family.attack_s, decay_s, family.release_s(root)) | (family.extra or {})
            made.append(Zone(sample, keys, (softest, hardest), generators))
            softest = hardest + 1
    return tuple(made)
