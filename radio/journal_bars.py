"""From a bar on air to its row in the journal, and back. Knows nothing about files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from engine import Bar, BarStart, Chord, NoteEvent, Part, Piece, Section
from radio.journal_rows import BarRow
from radio.nowplaying import key_name, key_of_name
from radio.version import software_version

_PARTS = {part.value[0]: part for part in Part}


@dataclass(frozen=True, slots=True)
class Airing:
    """What a row says beside the bar itself."""

    station: str
    wall: datetime
    """When its first frame went on air."""
    seed: int
    """Of the station."""
    assets: str
    """Id of what it is made with."""
    run: int = 0
    repeated: bool = False
    mood_hash: str = ""
    engine_frame: int = -1
    engine_piece: int = -1


def bar_row(start: BarStart, airing: Airing) -> BarRow:
    """Describe a bar that goes on air."""
    bar = start.bar
    return BarRow(
        station=airing.station,
        bar=bar.index,
        frame=start.frame,
        frames=start.frames,
        wall_ms=round(airing.wall.timestamp() * 1000),
        piece=bar.piece.number,
        piece_bar=bar.piece_bar,
        piece_seed=_signed(bar.piece.seed),
        title=bar.piece.title,
        key=key_name(bar.piece),
        bpm=bar.bpm,
        section=bar.section.value,
        mood=bar.mood,
        composer=bar.composer,
        chords=_chords(bar),
        notes=_notes(bar),
        seed=_signed(airing.seed),
        assets=airing.assets,
        version=software_version(),
        mood_hash=airing.mood_hash,
        next_section=None if bar.next_section is None else bar.next_section.value,
        piece_bars=bar.piece.bars,
        repeated=int(airing.repeated),
        run=airing.run,
        engine_frame=airing.engine_frame,
        engine_piece=airing.engine_piece,
    )


def bar_of(row: BarRow) -> Bar:
    """The bar that a row was written of, note for note."""
    key, minor = key_of_name(row.key) or (0, False)
    return Bar(
        index=row.bar,
        piece=Piece(row.piece, row.title, unsigned(row.piece_seed), row.bpm, key, minor, row.piece_bars),
        piece_bar=row.piece_bar,
        section=Section(row.section),
        chords=_chords_of(row),
        events=tuple(
            NoteEvent(tick, length, pitch, velocity, _PARTS[part])
            for tick, length, pitch, velocity, part in json.loads(row.notes)
        ),
        mood=row.mood,
        composer=row.composer,
        next_section=None if row.next_section is None else Section(row.next_section),
    )


def piece_id(row: BarRow) -> str:
    """Name of a piece for ever: its number and its seed, `118-6f3a09c2d1e45b78`."""
    return f"{row.piece}-{unsigned(row.piece_seed):016x}"


def read_piece_id(text: str) -> tuple[int, int] | None:
    """Number and seed (as the journal has it) of a piece's name; None for what is none."""
    number, _, seed = text.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) <= 18 and 1 <= len(seed) <= 16):
        return None
    try:
        return int(number), _signed(int(seed, 16))
    except ValueError:
        return None


def unsigned(seed: int) -> int:
    """A seed as the engine has it."""
    return seed if seed >= 0 else seed + (1 << 64)


def _chords(bar: Bar) -> str:
    return json.dumps([None if c is None else [c.root, c.quality] for c in bar.chords], separators=(",", ":"))


def _chords_of(row: BarRow) -> tuple[Chord | None, Chord | None]:
    first, second = (None if chord is None else Chord(*chord) for chord in json.loads(row.chords))
    return first, second


def _notes(bar: Bar) -> str:
    notes = [[n.tick, n.length_ticks, n.pitch, n.velocity, n.part.value[0]] for n in bar.events]
    return json.dumps(notes, separators=(",", ":"))


def _signed(seed: int) -> int:
    """SQLite's integers have 63 bits and a sign."""
    return seed if seed < 1 << 63 else seed - (1 << 64)
