"""Puts notes on the grid of 48 ticks a beat, in bars, as hands can play them, and names their chords.

Knows nothing about files, tempo or keys' names: it is given beats, and the shift to C major or A minor.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine import tokens
from engine.chordfinder import find_chords
from engine.grammar import MOST_SOUNDING, WrittenNote
from engine.midi_in import TimedNote
from engine.prompt import BARS_MAX
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT, Chord

_STEP_TICKS = TICKS_PER_BEAT // 4
_SNAP_TICKS = 4
"""So near to a sixteenth a note is meant to be on it: swing and feel come when it is played."""
_LOWEST, _HIGHEST = 24, 100
_SHORTEST_TICKS = 6
_DRUMS = {
    35: 36, 36: 36, 37: 37, 38: 38, 39: 38, 40: 38, 41: 43, 42: 42, 43: 43, 44: 44, 45: 43, 46: 46, 47: 47, 48: 47,
    49: 49, 50: 50, 51: 51, 52: 49, 53: 51, 54: 42, 55: 49, 56: 51, 57: 49, 59: 51, 69: 42, 70: 42, 75: 37, 76: 37,
    77: 37,
}  # fmt: skip
"""General MIDI's drums to the eleven of the drum model; others are left out."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Notes on the grid: (start, end, pitch, velocity bin) in ticks from the first bar line, drums apart."""

    notes: tuple[tuple[int, int, int, int], ...]
    drums: tuple[tuple[int, int, int], ...]


def on_grid(notes: Sequence[TimedNote], beats: Sequence[tuple[float, float]], shift: int) -> Grid:
    """Place notes in ticks; the first bar with music is bar 0, and only the first bars are taken."""
    first = math.floor(min(start for start, _ in beats) / 4 + 1e-6)
    limit = BARS_MAX * TICKS_PER_BAR
    placed: list[tuple[int, int, int, int]] = []
    drums: set[tuple[int, int, int]] = set()
    for note, (start, end) in zip(notes, beats, strict=True):
        tick = round((start - 4 * first) * TICKS_PER_BEAT)
        velocity_bin = max(tokens.velocity_to_bin(note.velocity), 1)
        if note.drum:
            window = tick + tokens.DRUM_WINDOW_TICKS
            if note.pitch in _DRUMS and 0 <= window < limit:
                drums.add((window, _DRUMS[note.pitch], velocity_bin))
            continue
        tick = max(_snapped(tick), 0)
        until = max(_snapped(round((end - 4 * first) * TICKS_PER_BEAT)), tick + _SHORTEST_TICKS)
        if tick < limit:
            placed.append((tick, min(until, tick + TICKS_PER_BAR, limit), _in_range(note.pitch - shift), velocity_bin))
    return Grid(tuple(_playable(placed)), tuple(_one_each(drums)))


def _snapped(tick: int) -> int:
    near = round(tick / _STEP_TICKS) * _STEP_TICKS
    return near if abs(near - tick) <= _SNAP_TICKS else tick


def _in_range(pitch: int) -> int:
    while pitch < _LOWEST:
        pitch += 12
    while pitch > _HIGHEST:
        pitch -= 12
    return pitch


def _playable(notes: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Return notes of which no two of a pitch overlap, and no more sound together than hands can play."""
    kept: list[tuple[int, int, int, int]] = []
    sounding: dict[int, int] = {}
    by_tick: dict[int, dict[int, tuple[int, int, int, int]]] = defaultdict(dict)
    for note in notes:
        at = by_tick[note[0]]
        if note[2] not in at or note[3] > at[note[2]][3]:
            at[note[2]] = note
    for tick in sorted(by_tick):
        for pitch, place in list(sounding.items()):
            start, end, _, velocity_bin = kept[place]
            if end <= tick or pitch in by_tick[tick]:
                kept[place] = (start, min(end, tick), pitch, velocity_bin)
                del sounding[pitch]
        group = sorted(by_tick[tick].values(), key=lambda note: note[2])
        room = max(MOST_SOUNDING - len(sounding), 1)
        # the lowest and the highest carry the music; what is between them goes first
        while len(group) > room:
            del group[len(group) // 2]
        for note in group:
            sounding[note[2]] = len(kept)
            kept.append(note)
    return kept


def _one_each(drums: Iterable[tuple[int, int, int]]) -> Iterable[tuple[int, int, int]]:
    loudest: dict[tuple[int, int], int] = {}
    for tick, pitch, velocity_bin in drums:
        loudest[tick, pitch] = max(velocity_bin, loudest.get((tick, pitch), 0))
    return sorted((tick, pitch, velocity_bin) for (tick, pitch), velocity_bin in loudest.items())


def bars_of(grid: Grid) -> int:
    """Return how many bars there is music in."""
    last = max([*(note[0] for note in grid.notes), *(hit[0] for hit in grid.drums)], default=0)
    return min(last // TICKS_PER_BAR + 1, BARS_MAX)


def notes_of(grid: Grid, bar: int) -> tuple[WrittenNote, ...]:
    """Return the notes that begin in a bar."""
    start = bar * TICKS_PER_BAR
    return tuple(
        WrittenNote(tick - start, min(end - start, TICKS_PER_BAR), pitch, velocity_bin)
        for tick, end, pitch, velocity_bin in sorted(grid.notes, key=lambda note: (note[0], note[2]))
        if start <= tick < start + TICKS_PER_BAR
    )


def hits_of(grid: Grid, bar: int) -> tuple[tuple[int, int, int], ...]:
    """Return the drums of a bar."""
    start = bar * TICKS_PER_BAR
    return tuple((tick - start, *rest) for tick, *rest in grid.drums if start <= tick < start + TICKS_PER_BAR)  # type: ignore[misc]


def chords_of(grid: Grid, bars: int, minor: bool) -> list[Chord]:
    """Name the chord of each half bar."""
    half = TICKS_PER_BAR // 2
    weights = np.zeros((2 * bars, 12))
    lowest: dict[int, tuple[int, int]] = {}
    for tick, end, pitch, _ in grid.notes:
        for place in range(tick // half, min((end - 1) // half, 2 * bars - 1) + 1):
            start = max(tick, place * half)
            length = min(end, (place + 1) * half) - start
            weights[place, pitch % 12] += length * (1.25 if start == place * half else 1.0)
            if place not in lowest or pitch < lowest[place][0]:
                lowest[place] = (pitch, pitch % 12)
    return find_chords([(weights[i], lowest[i][1] if i in lowest else None) for i in range(2 * bars)], minor)
