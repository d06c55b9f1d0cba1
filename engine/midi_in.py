"""Reads any MIDI file into notes with their times, tempo map and metre. Knows nothing about tokens, chords or music.

Files come from anywhere: damaged, endless, hostile. Whatever is wrong, a PromptError says so; nothing else gets out.
"""

from __future__ import annotations

import io
import struct
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import TypeVar

import mido

from engine.errors import PromptError

BYTES_MAX = 8 << 20
NOTES_MAX = 100_000
LONGEST_S = 6 * 3600.0
DRUM_CHANNEL = 9
_PEDAL, _PEDAL_DOWN = 64, 64
_DEFAULT_TEMPO_US = 500_000
_FRAMES_A_SECOND = (24, 25, 29, 30)
BROKEN_FILE = (
    OSError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, MemoryError,
    RecursionError, struct.error, mido.KeySignatureError,
)  # fmt: skip
"""What the parser stumbles over in files that are damaged."""
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, order=True)
class TimedNote:
    """One note of a recording or a file."""

    onset_s: float
    end_s: float
    pitch: int
    velocity: int
    """1-127"""
    drum: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """A MIDI file as we use it."""

    notes: tuple[TimedNote, ...]
    """In order of time; the sustain pedal is in their ends."""
    beats: tuple[tuple[float, float], ...] = ()
    """Onset and end of each note in the file's own quarter notes; none where it counts seconds."""
    bpm: float = 120.0
    """Quarter notes a minute, where most of the music is."""
    metre: tuple[int, int] = (4, 4)
    metre_told: bool = False
    key_told: str = ""
    """Its key signature, `Gb` or `F#m`; empty without one."""


def read_score(data: bytes, name: str = "the file") -> Score:
    """Read the bytes of a MIDI file.

    Raises:
        PromptError: it is too long, damaged or has no notes.
    """
    if len(data) > BYTES_MAX:
        raise PromptError(
            f"{name}: {len(data) >> 20} MiB are too much for a MIDI prompt. {BYTES_MAX >> 20} MiB may be."
        )
    if not data.startswith(b"MThd"):
        raise PromptError(f"{name}: not a MIDI file (it begins with {data[:4]!r}, not with MThd).")
    try:
        return _collected(mido.MidiFile(file=io.BytesIO(data), clip=True), name)
    except BROKEN_FILE as problem:
        said = str(problem) or type(problem).__name__
        raise PromptError(f"{name}: damaged, not a readable MIDI file ({said[:120]}). Export it again.") from problem


def notes_of_midi(data: bytes, name: str = "the file") -> tuple[TimedNote, ...]:
    """Return the notes of a MIDI file in order of time; raises PromptError as `read_score` does."""
    return read_score(data, name).notes


def _collected(file: mido.MidiFile, name: str) -> Score:
    reader = _Reader()
    tick = 0
    for message in mido.merge_tracks(file.tracks):
        tick += message.time
        reader.add(tick, message)
        if len(reader.notes) > NOTES_MAX:
            raise PromptError(f"{name}: more than {NOTES_MAX:,} notes. Cut a passage out of it.")
    reader.finish(tick)
    if not reader.notes:
        raise PromptError(f"{name}: there is no note in it. Name a file with music.")
    notes = sorted(reader.notes)
    clock = _Clock(file.ticks_per_beat, reader.tempos, name)
    timed = tuple(
        TimedNote(clock.second_of(start), clock.second_of(end), pitch, velocity, channel == DRUM_CHANNEL)
        for start, end, pitch, velocity, channel in notes
    )
    if timed[-1].onset_s > LONGEST_S:
        raise PromptError(
            f"{name}: {timed[-1].onset_s / 3600:.0f} hours long. A prompt may have {LONGEST_S / 3600:.0f}."
        )
    first, last = notes[0][0], max(note[1] for note in notes)
    return Score(
        notes=timed,
        beats=tuple((start / clock.division, end / clock.division) for start, end, *_ in notes)
        if clock.musical
        else (),
        bpm=clock.usual_bpm(first, last),
        metre=_usual(reader.metres, first, last, (4, 4)),
        metre_told=bool(reader.metres),
        key_told=_usual(reader.keys, first, last, ""),
    )


class _Reader:
    """Gathers the messages of one file."""

    def __init__(self) -> None:
        self.notes: list[tuple[int, int, int, int, int]] = []
        """(start, end, pitch, velocity, channel), ticks"""
        self.tempos: list[tuple[int, int]] = []
        self.metres: list[tuple[int, tuple[int, int]]] = []
        self.keys: list[tuple[int, str]] = []
        self._open: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        self._pedals: set[int] = set()
        self._pending: dict[int, list[tuple[int, int]]] = defaultdict(list)
        """Channel to (pitch, place in notes) of what is released under the pedal."""

    def add(self, tick: int, message: mido.Message) -> None:
        """Take one message at an absolute tick."""
        match message.type:
            case "note_on" if message.velocity > 0:
                self._let_go(tick, message.channel, message.note)
                self._open[message.channel, message.note].append((tick, message.velocity))
            case "note_on" | "note_off":
                self._release(tick, message.channel, message.note)
            case "control_change" if message.control == _PEDAL:
                self._pedal(tick, message.channel, message.value >= _PEDAL_DOWN)
            case "set_tempo" if message.tempo > 0:
                self.tempos.append((tick, message.tempo))
            case "time_signature" if message.numerator > 0:
                self.metres.append((tick, (message.numerator, message.denominator)))
            case "key_signature":
                self.keys.append((tick, message.key))

    def finish(self, tick: int) -> None:
        """Close what is still held at the end of the file."""
        for channel, pitch in list(self._open):
            while self._open[channel, pitch]:
                self._release(tick, channel, pitch)
        for channel in list(self._pending):
            self._pedal(tick, channel, down=False)

    def _release(self, tick: int, channel: int, pitch: int) -> None:
        held = self._open[channel, pitch]
        if not held:
            return
        start, velocity = held.pop(0)
        if channel in self._pedals:
            self._pending[channel].append((pitch, len(self.notes)))
        self.notes.append((start, max(tick, start + 1), pitch, velocity, channel))

    def _let_go(self, tick: int, channel: int, pitch: int) -> None:
        """End a note that sounds on by the pedal where its key is struck again."""
        for pending in [one for one in self._pending[channel] if one[0] == pitch]:
            self._pending[channel].remove(pending)
            self._ring_until(tick, pending[1])

    def _pedal(self, tick: int, channel: int, down: bool) -> None:
        if down:
            self._pedals.add(channel)
            return
        self._pedals.discard(channel)
        for _, place in self._pending.pop(channel, []):
            self._ring_until(tick, place)

    def _ring_until(self, tick: int, place: int) -> None:
        start, end, *rest = self.notes[place]
        self.notes[place] = (start, max(end, tick), rest[0], rest[1], rest[2])


class _Clock:
    """Turns ticks into seconds through the tempo map."""

    def __init__(self, ticks_per_beat: int, tempos: list[tuple[int, int]], name: str) -> None:
        self.musical = ticks_per_beat > 0
        if self.musical:
            self.division = ticks_per_beat
            self._map = [(0, 0.0, _DEFAULT_TEMPO_US / 1e6 / ticks_per_beat)]
            for tick, tempo in sorted(tempos):
                self._map.append((tick, self.second_of(tick), tempo / 1e6 / ticks_per_beat))
            return
        frames, parts = 256 - ((ticks_per_beat & 0xFFFF) >> 8), ticks_per_beat & 0xFF
        if frames not in _FRAMES_A_SECOND or parts == 0:
            raise PromptError(f"{name}: its ticks are {ticks_per_beat} a beat, which means nothing. Export it again.")
        self.division = 1
        self._map = [(0, 0.0, 1 / (frames * parts))]

    def second_of(self, tick: int) -> float:
        place = bisect_right(self._map, tick, key=lambda entry: entry[0]) - 1
        start, second, length_s = self._map[max(place, 0)]
        return second + (tick - start) * length_s

    def usual_bpm(self, first: int, last: int) -> float:
        """Return the tempo that holds for most ticks between two."""
        if not self.musical:
            return 120.0
        lasts: dict[float, int] = defaultdict(int)
        for place, (tick, _, length_s) in enumerate(self._map):
            until = self._map[place + 1][0] if place + 1 < len(self._map) else last
            lasts[length_s] += max(0, min(until, last) - max(tick, first))
        return 60.0 / (max(lasts, key=lambda length_s: lasts[length_s]) * self.division)


def _usual(marks: list[tuple[int, _Value]], first: int, last: int, default: _Value) -> _Value:
    """Return the value in force for most ticks between two; values count from where they stand, the first from 0."""
    if not marks:
        return default
    lasts: dict[_Value, int] = defaultdict(int)
    marks = sorted(marks, key=lambda mark: mark[0])
    for place, (tick, value) in enumerate(marks):
        until = marks[place + 1][0] if place + 1 < len(marks) else last
        lasts[value] += max(0, min(until, last) - max(tick, first)) + 1
    return max(lasts, key=lambda value: lasts[value])
