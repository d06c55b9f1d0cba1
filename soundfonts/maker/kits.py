"""Drum kits: which stroke lies on which key, how loud, in how many velocity layers. Knows nothing about files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from scipy import signal

from soundfonts.maker import cymbals, drums
from soundfonts.maker.sf2 import Generator, Preset, Sample, Sound, Zone, timecents
from soundfonts.maker.tone import NATURE_LUFS, loudest_lufs

KIT_RATE_HZ = drums.RATE_HZ // 2
"""26.04 kHz, the rate of the sampler that the style grew up with."""
_HATS = 1
"""Exclusive class: a closed hat cuts an open one off."""
_KIT_LEVEL_DB = 3.0
_END_S = 0.01
Stroke = Callable[[np.random.Generator, float], Sound]


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a kit."""

    name: str
    keys: tuple[int, ...]
    stroke: Stroke
    level_db: float
    """Loudest 0.4 s against the kit's common level, K-weighted."""
    layers: int = 2
    exclusive: int = 0


@dataclass(frozen=True, slots=True)
class Wear:
    """What the kit was sampled with."""

    top_hz: float
    bits: int


def _toms(level_db: float) -> list[Piece]:
    tuned = ((41, 82.0), (43, 96.0), (45, 112.0), (47, 128.0), (48, 148.0), (50, 172.0))
    return [Piece(f"tom {key}", (key,), partial(drums.tom, tune_hz=hz), level_db) for key, hz in tuned]


DUSTY = [
    Piece("kick", (35, 36), drums.kick, 0.0, layers=4),
    Piece("rim", (37,), drums.rim, -4.0, layers=3),
    Piece("snare", (38, 40), drums.snare, 0.0, layers=5),
    Piece("clap", (39,), drums.clap, -2.0),
    Piece("closed", (42,), cymbals.closed_hat, -9.0, layers=5, exclusive=_HATS),
    Piece("pedal", (44,), cymbals.pedal_hat, -10.0, layers=3, exclusive=_HATS),
    Piece("open", (46,), cymbals.open_hat, -8.0, layers=3, exclusive=_HATS),
    Piece("crash", (49, 57), cymbals.crash, -6.0),
    Piece("ride", (51, 59), cymbals.ride, -9.0, layers=3),
    Piece("bell", (53,), cymbals.bell, -8.0),
    Piece("tamb", (54,), cymbals.tambourine, -9.0),
    Piece("shaker", (70, 82), cymbals.shaker, -11.0),
    *_toms(-2.0),
]
BRUSHED = [
    Piece("soft kick", (35, 36), drums.soft_kick, -2.0, layers=3),
    Piece("sweep", (39,), drums.brush_sweep, -6.0, layers=2),
    Piece("brush", (38, 40), drums.brush_snare, -2.0, layers=5),
]
MACHINE = [
    Piece("m kick", (35, 36), drums.machine_kick, 0.0, layers=2),
    Piece("m rim", (37,), drums.machine_rim, -5.0),
    Piece("m snare", (38, 40), drums.machine_snare, -1.0, layers=3),
    Piece("m closed", (42, 44), partial(cymbals.machine_hat, decay_s=0.030), -9.0, layers=3, exclusive=_HATS),
    Piece("m open", (46,), partial(cymbals.machine_hat, decay_s=0.16), -8.0, exclusive=_HATS),
]


def _samples(piece: Piece, wear: Wear, seed: int) -> list[Sample]:
    """Play a piece once for each layer, all equally loud: how hard it was hit is heard in the colour."""
    made = []
    for number in range(piece.layers):
        force = (number + 0.5) / piece.layers
        sound = piece.stroke(np.random.default_rng([2026, seed, number]), force)
        top_hz = wear.top_hz * (0.72 + 0.28 * (number + 1) / piece.layers)
        half = signal.resample_poly(drums.worn(sound, top_hz, wear.bits), 1, drums.RATE_HZ // KIT_RATE_HZ)
        half = half * np.clip((len(half) - np.arange(len(half))) / (0.01 * KIT_RATE_HZ), 0, 1)
        gain_db = NATURE_LUFS + _KIT_LEVEL_DB + piece.level_db - loudest_lufs(half, KIT_RATE_HZ)
        sound = half * 10 ** (gain_db / 20)
        peak = float(np.abs(sound).max())
        if peak > 1.0:
            raise ValueError(f"{piece.name}: peaks at {peak:.2f}. Lower its level or the kit's.")
        made.append(Sample(f"{piece.name} {number}", sound, KIT_RATE_HZ, piece.keys[0], None))
    return made


def _zones(piece: Piece, samples: list[Sample]) -> list[Zone]:
    borders = np.linspace(38, 118, len(samples) + 1).round().astype(int)
    borders[0], borders[-1] = 0, 128
    return [
        Zone(sample, (key, key), (int(low), int(high) - 1), _generators(piece, key, sample))
        for key in piece.keys
        for sample, (low, high) in zip(samples, pairwise(borders), strict=True)
    ]


def _generators(piece: Piece, key: int, sample: Sample) -> dict[Generator, int]:
    """Return how a stroke is played: its envelope ends just before the recording does.

    FluidSynth begins a note with the gain at which the voice it takes over broke off: a voice that ran into the end of
    its recording would be heard, if only for 64 frames, in a synthesiser that was not restored and not in one that was.
    """
    seconds = len(sample.sound) / sample.rate_hz
    generators = {
        Generator.HOLD: timecents(seconds - 2 * _END_S),
        Generator.DECAY: timecents(_END_S),
        Generator.SUSTAIN: 1000,
        Generator.RELEASE: timecents(1.0),
        Generator.ROOT_KEY: key,
    }
    return generators | ({Generator.EXCLUSIVE_CLASS: piece.exclusive} if piece.exclusive else {})


def presets() -> list[Preset]:
    """Make the dusty kit, a brushed one and a drum machine; they share what none has of its own."""
    dusty = {piece: _samples(piece, Wear(11_500, 12), 100 + n) for n, piece in enumerate(DUSTY)}
    brushed = {piece: _samples(piece, Wear(9_500, 14), 200 + n) for n, piece in enumerate(BRUSHED)}
    machine = {piece: _samples(piece, Wear(12_000, 12), 300 + n) for n, piece in enumerate(MACHINE)}
    return [
        Preset("Dusty Kit", 128, 0, _kit(dusty)),
        Preset("Machine Kit", 128, 25, _kit(machine | _rest(dusty, machine))),
        Preset("Brushed Kit", 128, 40, _kit(brushed | _rest(dusty, brushed))),
    ]


def _rest(kit: dict[Piece, list[Sample]], other: dict[Piece, list[Sample]]) -> dict[Piece, list[Sample]]:
    """Return the pieces of a kit whose keys another one leaves free."""
    taken = {key for piece in other for key in piece.keys}
    return {piece: samples for piece, samples in kit.items() if not taken & set(piece.keys)}


def _kit(pieces: dict[Piece, list[Sample]]) -> tuple[Zone, ...]:
    return tuple(zone for piece, samples in pieces.items() for zone in _zones(piece, samples))
