"""A written score in the composer's place: the notes of a MIDI file as bars, so that the station plays them.

Knows nothing about sound. The file's drums (channel 10) go to the drums, its channels 2 and 3 to bass and second voice
as `midi.py` writes them, everything else to the keys; its tempo is that of its first event. Notes are kept as written,
in whole ticks and without the pedal; `midi_in.py` reads what comes from anywhere, in seconds, for a prompt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import mido

from engine.errors import ScoreError
from engine.midi import CHANNELS
from engine.midi_in import BROKEN_FILE
from engine.mood import Mood
from engine.turn import End
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT, Bar, NoteEvent, Part, Piece, Section, Tree

BPM_RANGE = (40.0, 200.0)
_PARTS = {channel: part for part, channel in CHANNELS.items()}


class ScoreComposer:
    """Hands out given bars one after the other, then empty ones, in which the last notes ring on."""

    piece_begins = False

    def __init__(self, bars: Sequence[Bar]) -> None:
        self._bars = tuple(bars)
        self._index = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Bar:
        """Return the next bar."""
        known = self._bars[min(self._index, len(self._bars) - 1)]
        bar = known if self._index < len(self._bars) else _bar(self._index, known.piece, (), known.mood)
        self._index += 1
        return bar

    def apply(self, mood: Mood) -> None:
        """Play on: a mood changes the sound of a score, not its notes."""

    def follow(self, mood: Mood) -> None:
        """Play on."""

    def end_piece(self, how: End) -> None:
        """Play on: a score ends where it ends."""

    def snapshot(self) -> Tree:
        """Return the place in the score."""
        return {"index": self._index}

    def restore(self, tree: Tree) -> None:
        """Go back to a place in the same score."""
        self._index = int(str(tree["index"]))


def read_score(path: Path, mood: Mood) -> list[Bar]:
    """Read a MIDI file as bars of 4/4.

    Raises:
        ScoreError: it is no MIDI file, or has no notes.
    """
    try:
        file = mido.MidiFile(path)
        notes, bpm = _notes(file)
    except BROKEN_FILE as error:
        raise ScoreError(
            f"{path}: not a readable MIDI file ({str(error) or type(error).__name__}). Name a .mid."
        ) from error
    if not notes:
        raise ScoreError(f"{path}: no notes in it. Name a MIDI file with music.")
    found: dict[int, list[NoteEvent]] = defaultdict(list)
    for start, length, pitch, velocity, part in notes:
        found[start // TICKS_PER_BAR].append(NoteEvent(start % TICKS_PER_BAR, length, pitch, velocity, part))
    bars = max(found) + 1
    low, high = BPM_RANGE
    piece = Piece(0, path.stem, 0, min(max(bpm, low), high), 0, False, bars)
    order = {part: place for place, part in enumerate(Part)}
    return [
        _bar(index, piece, sorted(found[index], key=lambda e: (e.tick, order[e.part], e.pitch)), mood.name)
        for index in range(bars)
    ]


def _bar(index: int, piece: Piece, events: Sequence[NoteEvent], mood: str) -> Bar:
    return Bar(index, piece, index, Section.A, (None, None), tuple(events), mood, "score", Section.A)


def _notes(file: mido.MidiFile) -> tuple[list[tuple[int, int, int, int, Part]], float]:
    """Return (start, length, pitch, velocity, part) in our ticks, and the tempo."""
    scale = TICKS_PER_BEAT / file.ticks_per_beat
    bpm: float | None = None
    notes = []
    held: dict[tuple[int, int], tuple[int, int]] = {}
    tick = 0
    for message in mido.merge_tracks(file.tracks):
        tick += message.time
        if message.type == "set_tempo" and bpm is None:
            bpm = mido.tempo2bpm(message.tempo)
        if message.type not in ("note_on", "note_off"):
            continue
        place = message.channel, message.note
        if place in held:
            start, velocity = held.pop(place)
            part = _PARTS.get(message.channel, Part.KEYS)
            begin = round(start * scale)
            notes.append((begin, max(round(tick * scale) - begin, 1), message.note, velocity, part))
        if message.type == "note_on" and message.velocity:
            held[place] = tick, message.velocity
    return notes, bpm or 80.0
