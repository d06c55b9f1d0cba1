"""Songs as values and as tokens: the two are rewritten into each other here, and only here.

Knows nothing about where a song comes from, or about the network.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine import tokens
from engine.types import TICKS_PER_BAR, Chord
from training.groove import has_backbeat

HALF_BAR_TICKS = TICKS_PER_BAR // 2
Chords = tuple[Chord | None, Chord | None]


class Note(NamedTuple):
    """A note on the grid of 48 ticks a beat, from the start of its song."""

    start: int
    end: int
    pitch: int
    velocity_bin: int


class Hit(NamedTuple):
    """A drum hit; ticks are those of the shifted window (sounding tick + 6), from the start of its song."""

    tick: int
    pitch: int
    velocity_bin: int


@dataclass(frozen=True, slots=True)
class PianoSong:
    """A piano song in C major or A minor."""

    name: str
    style: str
    minor: bool
    notes: tuple[Note, ...]
    chords: tuple[Chords, ...]
    """One pair a bar; the number of bars is their number."""


@dataclass(frozen=True, slots=True)
class DrumSong:
    """A drum performance in 4/4."""

    name: str
    style: str
    fill: bool
    hits: tuple[Hit, ...]
    bars: int


def encode_piano(song: PianoSong) -> list[int]:
    """Return the tokens of a song; notes are cut at the song's last tick."""
    last_tick = len(song.chords) * TICKS_PER_BAR - 1
    starts: dict[int, list[tuple[int, int]]] = defaultdict(list)
    ends: dict[int, list[int]] = defaultdict(list)
    onsets = [0] * len(song.chords)
    for note in song.notes:
        starts[note.start].append((note.pitch, note.velocity_bin))
        ends[min(note.end, last_tick)].append(note.pitch)
        onsets[note.start // TICKS_PER_BAR] += 1
    ticks_of_bar = _by_bar(set(starts) | set(ends))
    out = [tokens.START, tokens.style(song.style), tokens.MINOR if song.minor else tokens.MAJOR]
    for bar, (first, second) in enumerate(song.chords):
        out += piano_header((first, second), tokens.density_bucket(onsets[bar], tokens.PIANO_DENSITY_LIMITS))
        ticks = ticks_of_bar[bar]
        middle = bar * TICKS_PER_BAR + HALF_BAR_TICKS if second != first else None
        for tick in sorted(ticks | ({middle} if middle is not None else set())):
            out.append(tokens.position(tick % TICKS_PER_BAR))
            out += [tokens.note(pitch, 0) for pitch in sorted(ends[tick])]
            out += [tokens.chord(second)] if tick == middle else []
            out += [tokens.note(pitch, velocity) for pitch, velocity in sorted(starts[tick])]
    return [*out, tokens.END]


def piano_header(chords: Chords, density: int) -> list[int]:
    """Return the tokens that open a piano bar."""
    first, second = chords
    change = [tokens.chord(second)] if second != first else []
    return [tokens.BAR, tokens.chord(first), *change, tokens.density(density)]


def encode_drums(song: DrumSong) -> list[int]:
    """Return the tokens of a performance."""
    hits_of_bar: dict[int, list[Hit]] = defaultdict(list)
    for hit in sorted(song.hits):
        hits_of_bar[hit.tick // TICKS_PER_BAR].append(hit)
    out = [tokens.START]
    for bar in range(song.bars):
        hits = hits_of_bar[bar]
        bucket = tokens.density_bucket(len(hits), tokens.DRUM_DENSITY_LIMITS)
        out += [tokens.BAR, tokens.style(song.style), drum_kind(song.fill, hits), tokens.density(bucket)]
        now = -1
        for hit in hits:
            if hit.tick != now:
                out.append(tokens.position(hit.tick % TICKS_PER_BAR))
                now = hit.tick
            out.append(tokens.note(hit.pitch, hit.velocity_bin))
    return [*out, tokens.END]


def drum_kind(fill: bool, hits: Sequence[Hit]) -> int:
    """Return the token that says what kind of drum bar the hits make: fill, backbeat or any other beat."""
    if fill:
        return tokens.FILL
    return tokens.BACKBEAT if has_backbeat(hits) else tokens.BEAT


def _by_bar(ticks: Iterable[int]) -> dict[int, set[int]]:
    bars: dict[int, set[int]] = defaultdict(set)
    for tick in ticks:
        bars[tick // TICKS_PER_BAR].add(tick)
    return bars


class _PianoReader:
    """Reads piano tokens one by one; what does not fit the grammar is skipped, as a player would."""

    def __init__(self) -> None:
        self.style = "other"
        self.minor = False
        self.notes: list[Note] = []
        self.chords: list[list[Chord | None]] = []
        self._held: dict[int, tuple[int, int]] = {}
        self._tick = 0
        self._in_header = False

    def read(self, token: int) -> None:
        """Take one token."""
        if token == tokens.BAR:
            self._tick = len(self.chords) * TICKS_PER_BAR
            self.chords.append([])
            self._in_header = True
        elif tokens.is_chord(token):
            if self._in_header and len(self.chords[-1]) < 2:
                self.chords[-1].append(tokens.chord_value(token))
        elif tokens.is_position(token) and self.chords:
            self._tick = (len(self.chords) - 1) * TICKS_PER_BAR + tokens.position_tick(token)
            self._in_header = False
        elif tokens.is_note(token) and self.chords:
            self._note(*tokens.note_parts(token))
        else:
            self._prefix(token)

    def _note(self, pitch: int, velocity_bin: int) -> None:
        if pitch in self._held:
            start, velocity = self._held.pop(pitch)
            if start < self._tick:
                self.notes.append(Note(start, self._tick, pitch, velocity))
        if velocity_bin:
            self._held[pitch] = (self._tick, velocity_bin)

    def _prefix(self, token: int) -> None:
        if token in (tokens.MAJOR, tokens.MINOR):
            self.minor = token == tokens.MINOR
        elif tokens.STYLE_BASE <= token < tokens.STYLE_BASE + len(tokens.STYLES):
            self.style = tokens.STYLES[token - tokens.STYLE_BASE]

    def song(self, name: str) -> PianoSong:
        """Release what is held and return the song."""
        end = max(len(self.chords) * TICKS_PER_BAR - 1, 0)
        self.notes += [Note(start, end, pitch, v) for pitch, (start, v) in self._held.items() if start < end]
        pairs = tuple((both[0], both[-1]) if both else (None, None) for both in self.chords)
        return PianoSong(name, self.style, self.minor, tuple(sorted(self.notes)), pairs)


def decode_piano(ids: Sequence[int], name: str = "") -> PianoSong:
    """Return the song that piano tokens tell."""
    reader = _PianoReader()
    for token in ids:
        reader.read(int(token))
    return reader.song(name)


def decode_drums(ids: Sequence[int], name: str = "") -> DrumSong:
    """Return the performance that drum tokens tell; its style and kind are those of the last bar."""
    hits: list[Hit] = []
    bars, tick, style, fill = 0, 0, "other", False
    for token in map(int, ids):
        if token == tokens.BAR:
            tick = bars * TICKS_PER_BAR
            bars += 1
        elif tokens.is_position(token) and bars:
            tick = (bars - 1) * TICKS_PER_BAR + tokens.position_tick(token)
        elif tokens.is_note(token) and bars:
            pitch, velocity_bin = tokens.note_parts(token)
            if velocity_bin:
                hits.append(Hit(tick, pitch, velocity_bin))
        elif token in (tokens.BEAT, tokens.BACKBEAT, tokens.FILL):
            fill = token == tokens.FILL
        elif tokens.STYLE_BASE <= token < tokens.STYLE_BASE + len(tokens.STYLES):
            style = tokens.STYLES[token - tokens.STYLE_BASE]
    return DrumSong(name, style, fill, tuple(sorted(hits)), bars)
