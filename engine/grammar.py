"""What the piano model may say next: the rules of a bar of keys. Knows nothing about models or chances.

Groups stand at rising ticks; in a group come releases, then the second chord, then onsets by rising pitch.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from engine import tokens
from engine.harmony import SCALE, colour_classes, pitch_classes
from engine.sampling import BoolArray
from engine.timecode import TimeCode
from engine.types import TICKS_PER_BAR, Chord, FloatArray

GRID_TICKS = 12
"""Keys stand on sixteenths: 90.5 % of the corpus does exactly; feel comes when the notes are sounded."""
HALF_BAR_TICKS = TICKS_PER_BAR // 2
MOST_ONSETS = 10
"""More is clutter."""
MOST_SOUNDING = 6
LATE_TICK = 144
"""A note struck this late may anticipate the next bar's chord and sound into it."""
OVERHANG_TICKS = 84
"""How far such a note sounds into the next bar; so no note is longer than a bar."""
_ON_GRID: BoolArray = np.arange(TICKS_PER_BAR) % GRID_TICKS == 0
_ON_GRID.setflags(write=False)
# how much less likely, in nats: what is foreign to the chord, its colours on beats 1 and 3, semitone rubs
_FOREIGN_STRONG, _FOREIGN_WEAK, _COLOUR_STRONG, _RUB = 4.0, 0.7, 2.3, 1.5


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """A note of the keys as written (C major or A minor)."""

    tick: int
    end: int
    """Tick of its release; 192 means that it is held at the bar line."""
    pitch: int
    velocity_bin: int

    def overhang_ticks(self, next_chord: Chord | None) -> int:
        """Return how far the note sounds into the next bar: only one that anticipates its chord does."""
        if self.end < TICKS_PER_BAR or self.tick < LATE_TICK or next_chord is None:
            return 0
        return OVERHANG_TICKS if self.pitch % 12 in pitch_classes(next_chord) else 0


@dataclass(frozen=True, slots=True)
class KeysRules:
    """What is settled about a bar of keys before its first token."""

    chords: tuple[Chord, Chord]
    density: int
    low: int
    high: int
    """Lowest and highest pitch as written."""
    enter_by: int = TICKS_PER_BAR
    """Tick by which the first note must sound: where the keys are alone nothing else covers a late entry."""

    @property
    def most_onsets(self) -> int:
        """The cap of the density bucket."""
        return min(tokens.PIANO_DENSITY_LIMITS[min(self.density, 6)] + 1, MOST_ONSETS)

    @property
    def fewest_onsets(self) -> int:
        """How many onsets the bar needs before it may end."""
        return (tokens.PIANO_DENSITY_LIMITS[self.density - 1] + 3) // 2

    def pitch_masks(self, half: int) -> tuple[BoolArray, FloatArray, FloatArray]:
        """Return for a half bar which pitches may sound, and how unlikely each is on strong and on weak beats."""
        return _pitch_masks(self.chords[half], self.low, self.high)


@functools.lru_cache(maxsize=64)
def _pitch_masks(chord: Chord, low: int, high: int) -> tuple[BoolArray, FloatArray, FloatArray]:
    tones, colours = pitch_classes(chord), colour_classes(chord) & SCALE
    altered = tones - SCALE
    scale = {pitch_class for pitch_class in SCALE if not {(pitch_class + 1) % 12, (pitch_class - 1) % 12} & altered}
    pitches = np.arange(tokens.PITCHES)
    classes = pitches % 12
    legal = np.isin(classes, list(scale | tones)) & (pitches >= low) & (pitches <= high)
    foreign = ~np.isin(classes, list(tones | colours))
    strong = _FOREIGN_STRONG * foreign + _COLOUR_STRONG * np.isin(classes, list(colours - tones))
    masks = legal, strong.astype(np.float32), (_FOREIGN_WEAK * foreign).astype(np.float32)
    for mask in masks:
        mask.setflags(write=False)  # all candidates of a bar look at the same
    return masks


def sounding_over(notes: Iterable[WrittenNote], next_chord: Chord | None) -> dict[int, list[int]]:
    """Return the pitches that sound over into the next bar, by the tick at which they end there."""
    releases: dict[int, list[int]] = {}
    for note in notes:
        if note.end == TICKS_PER_BAR:
            releases.setdefault(note.overhang_ticks(next_chord), []).append(note.pitch)
    return releases


class KeysGrammar:
    """Follows one bar of keys, token by token."""

    def __init__(
        self, rules: KeysRules, time: TimeCode, size: int, releases: Mapping[int, list[int]], cursor: int = -1
    ) -> None:
        """Begin a bar.

        Args:
            rules: what is settled about the bar.
            time: how the vocabulary tells time.
            size: tokens in the vocabulary.
            releases: pitches that sound over from the bar before, by the tick at which they end.
            cursor: tick where the first group stands already; -1 if time must be told first.
        """
        self.done = False
        self.overrun_ticks = 0
        self.notes: list[WrittenNote] = []
        self._rules, self._time, self._size = rules, time, size
        self._cursor = cursor
        self._releases = {tick: sorted(pitches) for tick, pitches in releases.items() if pitches}
        self._held: dict[int, tuple[int, int]] = {}
        self._onsets = 0
        self._chord_due = time.has_headers and rules.chords[0] != rules.chords[1]
        self._in_group = cursor >= 0
        self._group_empty = True
        self._may_release = True
        self._last_pitch = -1
        self._masks = (rules.pitch_masks(0), rules.pitch_masks(1))

    def forced(self) -> int | None:
        """Return the token that must come now: the release of a note from the bar before."""
        if not self._in_group:
            return None
        due = [pitch for tick, pitches in self._releases.items() if tick <= self._cursor for pitch in pitches]
        return tokens.note(min(due), 0) if due else None

    def allowed(self) -> BoolArray:
        """Return which tokens may come next, bool [vocabulary]."""
        allowed = np.zeros(self._size, np.bool_)
        if self._in_group:
            if self._may_release:
                for pitch, (onset, _) in self._held.items():
                    allowed[tokens.note(pitch, 0)] = onset < self._cursor
            if self._chord_due and self._cursor >= HALF_BAR_TICKS:
                allowed[tokens.chord(self._rules.chords[1])] = True
                return allowed
            if self._may_strike():
                notes = allowed[tokens.NOTE_BASE : tokens.MIDICOMPACT_SIZE].reshape(tokens.PITCHES, -1)
                notes[:, 1:] |= self._open_pitches()[:, np.newaxis]
        if not self._in_group or not self._group_empty or not self._time.has_headers:
            due = self._next_due()
            useful = self._may_strike() or bool(self._held)
            ticks = _ON_GRID & useful
            ticks[due:] = False
            if not self._onsets and self._cursor < self._rules.enter_by < due:
                ticks[self._rules.enter_by + 1 :] = False
            else:
                ticks[due : due + 1] = True
            may_end = due == TICKS_PER_BAR and (self._onsets >= self._rules.fewest_onsets or not useful)
            self._time.allow(allowed, self._cursor, ticks, may_end)
        return allowed

    def adjusted(self, logits: FloatArray) -> FloatArray:
        """Return the logits, less likely where a note is foreign to the chord or rubs against one that sounds."""
        if not self._in_group or not self._may_strike():
            return logits
        _, strong, weak = self._masks[self._half]
        bias = (strong if self._cursor % HALF_BAR_TICKS == 0 else weak).copy()
        for pitch in self._held:
            bias[pitch - 1] += _RUB
            bias[pitch + 1] += _RUB
        adjusted = logits.copy()
        notes = adjusted[tokens.NOTE_BASE : tokens.MIDICOMPACT_SIZE].reshape(tokens.PITCHES, -1)
        notes[:, 1:] -= bias[:, np.newaxis]
        return adjusted

    def accept(self, token: int) -> None:
        """Follow one token."""
        tick = self._time.tick_after(token, self._cursor)
        if tick is not None:
            self._move(tick)
        elif tokens.is_note(token):
            pitch, velocity_bin = tokens.note_parts(token)
            self._group_empty = False
            if velocity_bin == 0:
                self._release(pitch)
            else:
                self._held[pitch] = (self._cursor, velocity_bin)
                self._onsets += 1
                self._may_release, self._last_pitch = False, pitch
        else:
            self._chord_due = self._may_release = self._group_empty = False

    def safe(self) -> int:
        """Return the token that is said when no other may be: the bar's end."""
        return tokens.BAR if self._time.has_headers else tokens.wait(min(TICKS_PER_BAR - self._cursor, tokens.WAITS))

    @property
    def _half(self) -> int:
        return int(self._cursor >= HALF_BAR_TICKS)

    def _next_due(self) -> int:
        """Return the tick that the bar may not pass by yet; 192 if there is none."""
        return min([*self._releases, HALF_BAR_TICKS if self._chord_due else TICKS_PER_BAR])

    def _may_strike(self) -> bool:
        sounding = len(self._held) + sum(map(len, self._releases.values()))
        return self._onsets < self._rules.most_onsets and sounding < MOST_SOUNDING

    def _open_pitches(self) -> BoolArray:
        pitches = self._masks[self._half][0].copy()
        pitches[: self._last_pitch + 1] = False
        for held in (*self._held, *(pitch for pitches_ in self._releases.values() for pitch in pitches_)):
            pitches[held] = False
        return pitches

    def _move(self, tick: int) -> None:
        if tick >= TICKS_PER_BAR:
            self.done, self.overrun_ticks = True, tick - TICKS_PER_BAR
            for pitch, (onset, velocity_bin) in self._held.items():
                self.notes.append(WrittenNote(onset, TICKS_PER_BAR, pitch, velocity_bin))
            self.notes.sort(key=lambda note: (note.tick, note.pitch))
            return
        self._cursor = tick
        self._in_group = self._group_empty = self._may_release = True
        self._last_pitch = -1

    def _release(self, pitch: int) -> None:
        if pitch in self._held:
            onset, velocity_bin = self._held.pop(pitch)
            self.notes.append(WrittenNote(onset, self._cursor, pitch, velocity_bin))
        else:
            left = {tick: [p for p in pitches if p != pitch] for tick, pitches in self._releases.items()}
            self._releases = {tick: pitches for tick, pitches in left.items() if pitches}
