"""Values that flow through the station. Knows nothing about threads, files or time of day."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from engine.mood import Mood

SAMPLE_RATE_HZ = 48_000
TICKS_PER_BEAT = 48
BEATS_PER_BAR = 4
TICKS_PER_BAR = TICKS_PER_BEAT * BEATS_PER_BAR
GRID_FRAMES = 64
"""FluidSynth renders in runs of 64 frames; every event and every bar starts on this grid."""

FloatArray = npt.NDArray[np.float32]

Tree = dict[str, object]
"""A snapshot of one stateful part: str keys; values are JSON values, numpy arrays or Trees."""


class Part(StrEnum):
    """One of the four players; each has its own mixer bus."""

    KEYS = "keys"
    DRUMS = "drums"
    BASS = "bass"
    SECOND = "second"


class Section(StrEnum):
    """A stretch of a piece's form."""

    INTRO = "intro"
    A = "a"
    B = "b"
    BREAKDOWN = "breakdown"
    A_RETURN = "a_return"
    OUTRO = "outro"


@dataclass(frozen=True, slots=True)
class NoteEvent:
    """One note, on the tick grid, before swing and human feel."""

    tick: int
    """Onset, ticks from the start of its bar; drums may be up to 6 ticks early (negative)."""
    length_ticks: int
    pitch: int
    """MIDI key, 0-127, as it sounds (already in the piece's key)."""
    velocity: int
    """MIDI velocity, 1-127."""
    part: Part


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord as it sounds: root pitch class 0-11 (C = 0) and a quality of `tokens.QUALITIES`."""

    root: int
    quality: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One composition of the endless stream."""

    number: int
    """Counts from 0 for the life of the station."""
    title: str
    seed: int
    bpm: float
    key: int
    """Pitch class of the tonic, C = 0."""
    minor: bool
    bars: int
    """Planned length, bars."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Four beats of music for all parts."""

    index: int
    """Counts from 0 for the life of the station."""
    piece: Piece
    piece_bar: int
    """Position inside the piece, from 0."""
    section: Section
    chords: tuple[Chord | None, Chord | None]
    """First and second half of the bar; None where no chord is meant."""
    events: tuple[NoteEvent, ...]
    """Sorted by tick, part, pitch."""
    mood: str
    """Name of the mood that was in force when the bar was composed."""
    composer: str
    """`models` or `rules`: who wrote it."""
    next_section: Section | None = None
    """Section of the next bar as planned; None where the piece ends."""

    @property
    def bpm(self) -> float:
        """Tempo of the bar, beats a minute."""
        return self.piece.bpm


@dataclass(frozen=True, slots=True)
class SynthEvent:
    """One instruction to the synthesiser at an absolute frame."""

    frame: int
    """Absolute position in the broadcast; 0 is the first frame ever rendered."""
    kind: str
    """`on`, `off` or `program`."""
    part: Part
    key: int
    """MIDI key; for `program` the program number."""
    value: int
    """Velocity; for `program` the bank number."""


@dataclass(frozen=True, slots=True)
class BarStart:
    """Tells at which frame of the broadcast a bar begins."""

    frame: int
    frames: int
    """Length of the bar in frames."""
    bar: Bar
    played: tuple[tuple[int, int], ...] = ()
    """Where each of the bar's events is struck and released, frames from the bar's down-beat: with swing, lateness and
    human timing. Empty where nobody has played the bar."""
    mood: Mood | None = None
    """The numbers it is played with, on the way from one mood to another too; None where nobody played it."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioBlock:
    """A stretch of the broadcast."""

    start_frame: int
    samples: FloatArray
    """float32 [frames, 2] in [-1, 1], C-contiguous, read-only."""
    bars: tuple[BarStart, ...] = ()
    """Bars that begin inside this block, in order."""

    @property
    def frames(self) -> int:
        """Length in frames."""
        return len(self.samples)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ
