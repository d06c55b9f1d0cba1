"""Rootless and shell voicings that lead from one to the next by small steps. Knows nothing about rhythm or tokens."""

from __future__ import annotations

from functools import cache

import numpy as np

from engine.harmony import CHORD_TONES
from engine.types import Chord

LOWEST, HIGHEST = 48, 76
CENTRE = 60.0
STEP_SEMITONES = 2
"""A guide tone, a chord's third or seventh, should move no further than this."""

# Semitones above the root: rootless forms (3rd or 7th at the bottom), then shells, then plain ones.
ROOTLESS: dict[str, tuple[tuple[int, ...], ...]] = {
    "maj7": ((4, 7, 11, 14), (11, 14, 16, 19), (4, 9, 14), (4, 11, 14), (11, 14, 16, 21)),
    "maj": ((4, 7, 9, 14), (4, 7, 12), (9, 14, 16, 19), (0, 4, 7)),
    "min7": ((3, 7, 10, 14), (10, 14, 15, 19), (3, 10, 14), (3, 10, 17), (10, 15, 17)),
    "min": ((3, 7, 12), (3, 7, 14), (3, 9, 14), (0, 3, 7)),
    "7": ((4, 10, 14), (4, 9, 10, 14), (10, 14, 16, 21), (10, 14, 16, 19), (4, 10, 15, 20)),
    "dim": ((3, 6, 9), (3, 6, 9, 12)),
    "hdim7": ((3, 6, 10), (10, 12, 15, 18), (3, 10, 12)),
    "sus": ((5, 10, 14), (5, 7, 10, 14), (10, 14, 17, 21)),
    "aug": ((4, 8, 12), (4, 8, 10, 14)),
}
SHELLS: dict[str, tuple[tuple[int, ...], ...]] = {
    "maj7": ((4, 11), (11, 16), (4, 11, 14)),
    "maj": ((4, 9), (4, 7), (7, 12, 16)),
    "min7": ((3, 10), (10, 15), (3, 10, 14)),
    "min": ((3, 7), (7, 15), (3, 7, 12)),
    "7": ((4, 10), (10, 16), (4, 10, 14)),
    "dim": ((3, 9), (6, 15)),
    "hdim7": ((6, 10), (10, 15), (3, 6, 10)),
    "sus": ((5, 10), (10, 17), (5, 10, 14)),
    "aug": ((4, 8), (8, 16), (4, 8, 10)),
}


@cache
def candidates(chord: Chord, shell: bool) -> tuple[tuple[int, ...], ...]:
    """Return all voicings of a chord between the lowest and the highest key, 48-76."""
    forms = (SHELLS if shell else ROOTLESS)[chord.quality]
    return tuple(
        tuple(base + chord.root + step for step in form)
        for form in forms
        for base in (24, 36, 48, 60)
        if base + chord.root + form[0] >= LOWEST and base + chord.root + form[-1] <= HIGHEST
    )


def distance(old: tuple[int, ...], new: tuple[int, ...]) -> float:
    """Return how far the voices move: each new one from the nearest old one, semitones in the mean."""
    return sum(min(abs(pitch - other) for other in old) for pitch in new) / len(new)


@cache
def guide_tones(chord: Chord) -> frozenset[int]:
    """Return the pitch classes of a chord's third (or fourth) and seventh, where it has one."""
    tones = CHORD_TONES[chord.quality]
    return frozenset((chord.root + step) % 12 for step in (tones[1], *tones[3:4]))


def guide_leaps(chord: Chord, old: tuple[int, ...], new: tuple[int, ...]) -> int:
    """Return by how many semitones the guide tones of a voicing lie beyond a step of the keys before."""
    guides = guide_tones(chord)
    moves = (min(abs(pitch - other) for other in old) for pitch in new if pitch % 12 in guides)
    return sum(max(move - STEP_SEMITONES, 0) for move in moves)


def choose_voicing(
    chord: Chord, previous: tuple[int, ...] | None, shell: bool, rng: np.random.Generator
) -> tuple[int, ...]:
    """Return a voicing near the previous one, its guide tones led by step, and near the centre, with some freedom."""
    options = candidates(chord, shell)

    def cost(voicing: tuple[int, ...]) -> float:
        off_centre = abs(sum(voicing) / len(voicing) - CENTRE)
        leading = distance(previous, voicing) + guide_leaps(chord, previous, voicing) if previous else 0.0
        return leading + 0.25 * off_centre + float(rng.random()) * 1.2

    return min(options, key=cost)
