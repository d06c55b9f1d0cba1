"""How far moods are apart, measured on the bars that they compose. Knows nothing about sound."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from itertools import combinations

import numpy as np

from engine.fallback import compose_rules
from engine.mood import Mood
from engine.types import BEATS_PER_BAR, Bar, Part

APART = 3.0
"""Two moods differ when they are so many times further apart than two hours of either."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """An hour of music in four numbers."""

    bpm: float
    density: float
    """Onsets of keys and drums a bar."""
    brightness: float
    """Octaves above 1 kHz to which the keys reach, with the treble that the mood asks for."""
    minor: float
    """Share of the time in minor keys."""


UNITS = Portrait(bpm=4.0, density=2.0, brightness=0.4, minor=0.2)
"""Steps that are plainly heard: each counts the same in a distance."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Moods, their portraits of two hours each, and how far they are apart."""

    names: tuple[str, ...]
    hours: tuple[tuple[Portrait, Portrait], ...]

    def inside(self, one: int) -> float:
        """Return the distance between the two hours of a mood."""
        return distance(*self.hours[one])

    def between(self, one: int, other: int) -> float:
        """Return the distance between two moods: of their nearest hours."""
        return min(distance(a, b) for a in self.hours[one] for b in self.hours[other])

    def ratio(self, one: int, other: int) -> float:
        """Return how many times further apart two moods are than two hours of either."""
        return self.between(one, other) / max(self.inside(one), self.inside(other), 1e-9)

    def alike(self) -> list[tuple[str, str, float]]:
        """Return the pairs that are nearer than `APART`, with their ratio."""
        pairs = combinations(range(len(self.names)), 2)
        found = [(self.names[one], self.names[other], self.ratio(one, other)) for one, other in pairs]
        return [pair for pair in found if pair[2] < APART]


def portrait(mood: Mood, bars: Sequence[Bar]) -> Portrait:
    """Return the numbers of a stretch of music; brightness is what the mood asks of the desk."""
    seconds = [BEATS_PER_BAR * 60 / bar.bpm for bar in bars]
    onsets = [sum(note.part in (Part.KEYS, Part.DRUMS) for note in bar.events) for bar in bars]
    return Portrait(
        bpm=float(np.average([bar.bpm for bar in bars], weights=seconds)),
        density=float(np.mean(onsets)),
        brightness=math.log2(mood.keys_lowpass_hz / 1000) + mood.brightness_db / 6,
        minor=float(np.average([bar.piece.minor for bar in bars], weights=seconds)),
    )


def distance(one: Portrait, other: Portrait) -> float:
    """Return how far two portraits are apart, in plainly heard steps."""
    steps = zip(astuple(one), astuple(other), astuple(UNITS), strict=True)
    return math.sqrt(sum(((a - b) / unit) ** 2 for a, b, unit in steps))


def compare(moods: Iterable[Mood], hours: float = 1.0) -> Likeness:
    """Have the rules compose two stretches of each mood and say how they differ; about 2 s a mood and hour."""
    chosen = tuple(moods)
    portraits = []
    for mood in chosen:
        first, second = (portrait(mood, _composed(mood, seed, hours * 3600)) for seed in (1, 2))
        portraits.append((first, second))
    return Likeness(tuple(mood.name for mood in chosen), tuple(portraits))


def _composed(mood: Mood, seed: int, seconds: float) -> list[Bar]:
    bars: list[Bar] = []
    played_s = 0.0
    composer = compose_rules(mood, seed)
    while played_s < seconds:
        bars.append(next(composer))
        played_s += BEATS_PER_BAR * 60 / bars[-1].bpm
    return bars
