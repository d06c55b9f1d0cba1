"""What the journal's tables hold, one dataclass a table. Knows nothing about files or how rows come about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BarRow:
    """One bar that went on air, as the table `bars` holds it."""

    station: str
    bar: int
    """Counts from 0 for the life of the station."""
    frame: int
    """Of its first sample in the broadcast, 48 kHz."""
    frames: int
    wall_ms: int
    """Unix time at which the first frame went on air."""
    piece: int
    piece_bar: int
    piece_seed: int
    """As SQLite can hold it: 64 bits with a sign."""
    title: str
    key: str
    bpm: float
    section: str
    mood: str
    composer: str
    """`models` or `rules`."""
    chords: str
    """JSON: first and second half, null where none is meant."""
    notes: str
    """JSON: [tick, length in ticks, pitch, velocity, part's first letter]."""
    seed: int
    """Of the station."""
    assets: str
    """→ assets.set_id"""
    version: str
    """Of the software."""
    mood_hash: str = ""
    """→ moods.hash: the numbers it was played with; empty in rows of format 1."""
    next_section: str | None = None
    piece_bars: int = 0
    """Planned length of the piece."""
    repeated: int = 0
    """1: a bar that was heard before, again, because no new one was ready."""
    run: int = 0
    """Unix time, ms, at which this run of the broadcast began; frames count on within a run."""
    engine_frame: int = -1
    """Of its first sample as the engine counts that played it."""
    engine_piece: int = -1
    """Number of its piece as that engine counts."""


@dataclass(frozen=True, slots=True)
class AssetRow:
    """One file that the music was made with."""

    set_id: str
    name: str
    sha256: str
    licence: str
    about: str = ""
    """What a model's card says of its data, as JSON."""


@dataclass(frozen=True, slots=True)
class MoodRow:
    """The numbers of a mood, once for all bars that were played with them."""

    hash: str
    """SHA-256 of `tree`, in hexadecimal digits."""
    tree: str
    """Canonical JSON."""
    seen_ms: int
    """When a bar was last played with it, to the day."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something that happened to the broadcast between bars."""

    station: str
    run: int
    frame: int
    wall_ms: int
    kind: str
    """`on air`, `bed` (noise until the next bar), `skip` (held up), `fade` (the last seconds), `off air`."""
    detail: str = ""
    """A number with its unit, such as `12.4 s`; empty where the kind says all."""
