"""What is planned: a piece, and each bar of it before its notes. Knows nothing about chance, models or sound."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine import harmony
from engine.substitution import Loop
from engine.types import TICKS_PER_BAR, Chord, Piece, Section

FORM = (Section.INTRO, Section.A, Section.B, Section.BREAKDOWN, Section.A_RETURN, Section.OUTRO)
"""The order of sections in every piece."""
GROUP_BARS = 8
"""The phrase of the keys; what a group of drum bars is, the mood says."""
PROMPT_BAR = -1000
"""Where the bars of a prompt stand in the players' phrase memory: before the piece."""
_WITHOUT_DRUMS = (Section.INTRO, Section.BREAKDOWN)


class DrumRole(StrEnum):
    """What the drummer does in a bar."""

    NONE = "none"
    BEAT = "beat"
    FILL = "fill"


@dataclass(frozen=True, slots=True)
class Source:
    """An earlier bar of the piece that may be played again."""

    piece_bar: int
    chance: float
    """Share of the times when it is, 0-1."""
    vary: bool = False
    """Whether it comes back with a note of its tune changed."""


@dataclass(frozen=True, slots=True)
class BarPlan:
    """What is decided about a bar before its notes."""

    piece: Piece
    piece_bar: int
    section: Section
    section_bar: int
    chords: tuple[Chord, Chord]
    """As written (C major or A minor), first and second half."""
    next_chord: Chord | None
    """First chord of the next bar; None at the end of the piece."""
    keys_density: int
    drums: DrumRole
    drums_density: int
    bass: bool
    keys_sources: tuple[Source, ...] = ()
    drums_sources: tuple[Source, ...] = ()
    drums_end_tick: int = TICKS_PER_BAR
    """Where the drums stop; before the bar's end they drop out for breathing space."""
    next_section: Section | None = None
    """Section of the next bar; None at the end of the piece."""

    @property
    def shift(self) -> int:
        """Semitones from the music as written to the sounding key."""
        return harmony.key_shift(self.piece.key, self.piece.minor)

    @property
    def sounding_chords(self) -> tuple[Chord, Chord]:
        """The chords in the key of the piece."""
        first, second = (Chord((chord.root + self.shift) % 12, chord.quality) for chord in self.chords)
        return first, second


@dataclass(frozen=True, slots=True)
class PiecePlan:
    """A piece with its sections and chord loops."""

    piece: Piece
    section_bars: tuple[int, ...]
    """Length of each section of its form."""
    loop_a: str
    """Name of the chord loop of all sections but B."""
    loop_b: str
    chords_a: Loop
    """The loop as this piece plays it: with the substitutions that were drawn for it."""
    chords_b: Loop
    fill_bars: int = GROUP_BARS
    """A fill ends each group of so many bars."""
    form: tuple[Section, ...] = FORM
    """Its sections in order; one that comes again has the same length again."""

    def place(self, piece_bar: int) -> tuple[Section, int]:
        """Return the section of a bar and the bar's place in it."""
        place = piece_bar
        for section, bars in zip(self.form, self.section_bars, strict=True):
            if place < bars:
                return section, place
            place -= bars
        raise IndexError(f"piece of {self.piece.bars} bars has no bar {piece_bar}")

    def start(self, section: Section) -> int:
        """Return the piece bar at which a section begins for the first time; the piece's end if it never does."""
        place = self.form.index(section) if section in self.form else len(self.form)
        return sum(self.section_bars[:place])

    def length(self, section: Section) -> int:
        """Return the bars of a section; 0 if the piece has none."""
        return self.section_bars[self.form.index(section)] if section in self.form else 0

    def chords(self, piece_bar: int) -> tuple[Chord, Chord]:
        """Return the chords of a bar as written; the piece ends on its chord of rest."""
        if piece_bar == self.piece.bars - 1:
            rest = harmony.tonic_chord(self.piece.minor)
            return rest, rest
        section, place = self.place(piece_bar)
        loop = self.chords_b if section is Section.B else self.chords_a
        return loop[place % len(loop)]

    def drum_role(self, section: Section, place: int) -> DrumRole:
        """Return what the drummer does in a bar of a section."""
        bars = self.length(section)
        if section in _WITHOUT_DRUMS:
            return DrumRole.NONE
        if section is Section.OUTRO:
            return DrumRole.BEAT if place < max(bars - 4, 2) else DrumRole.NONE
        last = place == bars - 1 or place % self.fill_bars == self.fill_bars - 1
        return DrumRole.FILL if last else DrumRole.BEAT
