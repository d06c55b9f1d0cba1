"""A bar that comes back is told a little differently: one note of its tune changes. Knows nothing about models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.grammar import GRID_TICKS, HALF_BAR_TICKS, KeysRules, WrittenNote
from engine.harmony import pitch_classes
from engine.types import TICKS_PER_BAR

_REACH_SEMITONES = 5
_TUNE_AT_MOST = 2
"""A group of so many notes is tune, a larger one a chord."""


def varied(notes: Sequence[WrittenNote], rules: KeysRules, rng: np.random.Generator) -> list[WrittenNote]:
    """Return the bar with one note of its tune on another chord tone, later, or left out; chords stay.

    A bar without a tune loses the top of its last chord or comes back as it was.
    """
    tune = [note for note in notes if note.tick and sum(n.tick == note.tick for n in notes) <= _TUNE_AT_MOST]
    if not tune:
        return _thinned(notes, rng)
    chosen = tune[int(rng.integers(len(tune)))]
    others = [note for note in notes if note != chosen]
    turn = rng.random()
    if turn < 0.55:
        changed = _elsewhere(chosen, others, rules, rng)
    elif turn < 0.85:
        changed = _later(chosen, others)
    else:
        changed = None
    kept = [*others, changed] if changed is not None else others
    return sorted(kept or notes, key=lambda note: (note.tick, note.pitch))


def _elsewhere(
    note: WrittenNote, others: Sequence[WrittenNote], rules: KeysRules, rng: np.random.Generator
) -> WrittenNote | None:
    classes = pitch_classes(rules.chords[int(note.tick >= HALF_BAR_TICKS)])
    near = range(max(rules.low, note.pitch - _REACH_SEMITONES), min(rules.high, note.pitch + _REACH_SEMITONES) + 1)
    free = [p for p in near if p != note.pitch and p % 12 in classes and not _taken(p, note.tick, note.end, others)]
    return WrittenNote(note.tick, note.end, free[int(rng.integers(len(free)))], note.velocity_bin) if free else None


def _later(note: WrittenNote, others: Sequence[WrittenNote]) -> WrittenNote | None:
    tick = note.tick + GRID_TICKS
    if tick + GRID_TICKS > min(note.end, TICKS_PER_BAR) or any(other.tick == tick for other in others):
        return None
    if (note.tick < HALF_BAR_TICKS) != (tick < HALF_BAR_TICKS):
        return None
    return WrittenNote(tick, note.end, note.pitch, note.velocity_bin)


def _taken(pitch: int, start: int, end: int, others: Sequence[WrittenNote]) -> bool:
    """Tell whether the pitch, or one a semitone from it, sounds meanwhile."""
    return any(abs(n.pitch - pitch) <= 1 and n.tick < end and n.end > start for n in others)


def _thinned(notes: Sequence[WrittenNote], rng: np.random.Generator) -> list[WrittenNote]:
    last = [note for note in notes if note.tick == max(n.tick for n in notes)] if notes else []
    if len(last) <= _TUNE_AT_MOST or rng.random() < 0.5:
        return list(notes)
    return [note for note in notes if note is not last[-1]]
