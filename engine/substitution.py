"""Chord substitution: secondary dominants, tritone substitutions and chords borrowed from the parallel mode.

Knows nothing about moods, notes or models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.types import Chord

Loop = tuple[tuple[Chord, Chord], ...]
"""First and second half of each bar, as written (C major or A minor)."""
_FIFTH, _TRITONE = 7, 6
_LEADS_NOWHERE = ("hdim7", "dim", "aug")
_BORROWED = {
    # C major borrows from C minor: IV becomes iv, ii its half-diminished form, vi gives way to bVI
    Chord(5, "maj7"): Chord(5, "min"),
    Chord(2, "min7"): Chord(2, "hdim7"),
    Chord(9, "min7"): Chord(8, "maj7"),
}
_BORROWED_IN_MINOR = {
    # A minor borrows from A major and A dorian: v becomes V, iv becomes IV
    Chord(4, "min7"): Chord(4, "7"),
    Chord(2, "min7"): Chord(2, "7"),
}


@dataclass(frozen=True, slots=True)
class Spice:
    """How often each kind of substitution happens, 0-1 for each place where it can."""

    secondary_dominants: float = 0.0
    tritone_subs: float = 0.0
    borrowed_chords: float = 0.0


def substituted(loop: Loop, minor: bool, spice: Spice, rng: np.random.Generator) -> Loop:
    """Return the loop with some chords replaced; its first chord stays, so that it is still known as itself.

    Every other bar at most is touched: a loop that is all exceptions has no home.
    """
    bars = list(loop)
    touched: set[int] = set()
    for index in range(len(bars)):
        if {index - 1, (index + 1) % len(bars)} & touched:
            continue
        following = bars[(index + 1) % len(bars)][0]
        changed = _borrowed(bars[index], minor, spice, rng) or _led(bars[index], following, spice, rng)
        if changed is not None:
            bars[index] = changed
            touched.add(index)
    return tuple(_across_the_tritone(bars, spice, rng))


def _borrowed(
    bar: tuple[Chord, Chord], minor: bool, spice: Spice, rng: np.random.Generator
) -> tuple[Chord, Chord] | None:
    """Return the bar whose second half comes from the parallel mode."""
    known = _BORROWED_IN_MINOR if minor else _BORROWED
    if bar[1] not in known or rng.random() >= spice.borrowed_chords:
        return None
    return bar[0], known[bar[1]]


def _led(
    bar: tuple[Chord, Chord], following: Chord, spice: Spice, rng: np.random.Generator
) -> tuple[Chord, Chord] | None:
    """Return the bar whose second half is the dominant of the chord that follows."""
    dominant = Chord((following.root + _FIFTH) % 12, "7")
    idle = following.root == bar[0].root or following.quality in _LEADS_NOWHERE or bar[1].quality == "7"
    if idle or bar[0] != bar[1] or rng.random() >= spice.secondary_dominants:
        return None
    return bar[0], dominant


def _across_the_tritone(bars: list[tuple[Chord, Chord]], spice: Spice, rng: np.random.Generator) -> Loop:
    """Return the bars with some dominants that resolve down a fifth played a tritone away: they then slide home."""
    halves = [chord for bar in bars for chord in bar]
    for index, chord in enumerate(halves):
        target = halves[(index + 1) % len(halves)]
        resolves = (chord.root - target.root) % 12 == _FIFTH
        if index and chord.quality == "7" and resolves and rng.random() < spice.tritone_subs:
            halves[index] = Chord((chord.root + _TRITONE) % 12, "7")
    return tuple(zip(halves[::2], halves[1::2], strict=True))
