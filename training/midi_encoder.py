"""MIDI files as MIDICompact text. Strict mode is the public format token for token, with its quirks.

The default mode repairs them: time is rounded where it stands and not from event to event, notes that are still held
at the end are closed, a quiet note stays a note, all-notes-off means its own channel, and the fine half of the volume
controller is left alone. Knows nothing about ids, corpora or models.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import mido

from training.midicompact import END, LONGEST_SILENCE_WAITS, PERCUSSION_CHANNEL, START, Dialect

VOLUME, VOLUME_FINE, EXPRESSION, PEDAL, ALL_NOTES_OFF = 7, 39, 11, 64, 123
PEDAL_DOWN = 64
Key = tuple[int, int]
"""(pitch, program)."""


@dataclass(slots=True)
class _Channel:
    program: int = 0
    volume: int = 127
    expression: int = 127
    pedal: bool = False
    pending: dict[Key, None] = field(default_factory=dict)
    """Released under the pedal, in order."""
    held: dict[int, int] = field(default_factory=dict)
    """Pitch to program."""


class _Piece:
    """The words of one piece, and how its time is written."""

    def __init__(self, dialect: Dialect, strict: bool) -> None:
        self._dialect, self._strict = dialect, strict
        self.words = [START]
        self.length_ms = 0.0
        self.started = False
        self._now_ms = 0.0
        self._written_units = 0
        self._group: list[tuple[int, int, int]] = []

    def add(self, delta_ms: float, event: tuple[int, int, int]) -> None:
        """Take an event (instrument, pitch, velocity bin) so long after the one before."""
        if self.started:
            waits = self._waits(delta_ms)
            if waits:
                self.flush()
                self.length_ms += delta_ms
                self.words += waits
        self.started = True
        self._group.append(event)

    def _waits(self, delta_ms: float) -> list[str]:
        if self._strict:
            return self._dialect.strict_waits(delta_ms)
        self._now_ms += min(delta_ms, LONGEST_SILENCE_WAITS * self._dialect.longest_wait_ms)
        units = math.floor(self._now_ms / self._dialect.wait_ms + 0.5) - self._written_units
        self._written_units += units
        return self._dialect.waits(units)

    def flush(self) -> None:
        """Write the events of one instant."""
        group, names = self._group, self._dialect.instruments
        if self._dialect.sorted_groups:
            group = sorted(group, key=lambda e: (not names or names[e[0]] != self._dialect.percussion, e[0], e[1]))
        self.words += [self._dialect.note(*event) for event in group]
        self._group = []


class Encoder:
    """Turns the messages of one merged track into pieces of text."""

    def __init__(self, dialect: Dialect, strict: bool = False) -> None:
        self._dialect, self._strict = dialect, strict
        self._channels = [_Channel() for _ in range(16)]
        self._delta_ms = 0.0
        self._piece = _Piece(dialect, strict)
        self._pieces: list[list[str]] = []

    def read(self, delta_ms: float, message: mido.Message) -> None:
        """Take one message, so long after the one before."""
        self._delta_ms += delta_ms
        if message.is_meta or not hasattr(message, "channel"):
            return
        channel = self._channels[message.channel]
        match message.type:
            case "program_change":
                channel.program = message.program
            case "note_on" if message.velocity > 0:
                self._note_on(message.channel, message.note, message.velocity)
            case "note_on" | "note_off":
                self._note_off(message.channel, message.note)
            case "control_change" if self._dialect.controllers:
                self._control(message.channel, message.control, message.value)

    def finish(self) -> list[list[str]]:
        """Return the pieces, each as its words."""
        if not self._strict:
            for number, channel in enumerate(self._channels):
                for key in list(channel.held.items()):
                    self._release(number, key)
        self._end_piece()
        return self._pieces

    def _note_on(self, number: int, pitch: int, velocity: int) -> None:
        channel = self._channels[number]
        channel.pending.pop((pitch, channel.program), None)
        loudness = float(velocity)
        if self._dialect.controllers:
            loudness *= (channel.volume / 127) * (channel.expression / 127)
        velocity_bin = self._dialect.velocity_bin(loudness, self._strict)
        self._emit(number, (pitch, channel.program), velocity_bin if self._strict else max(velocity_bin, 1))
        channel.held[pitch] = channel.program

    def _note_off(self, number: int, pitch: int) -> None:
        channel = self._channels[number]
        if channel.pedal:
            channel.pending[pitch, channel.program] = None
        else:
            self._release(number, (pitch, channel.program))

    def _release(self, number: int, key: Key) -> None:
        self._emit(number, key, 0)
        self._channels[number].held.pop(key[0], None)

    def _control(self, number: int, control: int, value: int) -> None:
        channel = self._channels[number]
        if control == VOLUME or (control == VOLUME_FINE and self._strict):
            channel.volume = value
        elif control == EXPRESSION:
            channel.expression = value
        elif control == PEDAL:
            channel.pedal = value >= PEDAL_DOWN
            if not channel.pedal:
                pending, channel.pending = channel.pending, {}
                for key in pending:
                    self._release(number, key)
        elif control == ALL_NOTES_OFF:
            for other in range(16) if self._strict else (number,):
                for pitch, program in list(self._channels[other].held.items()):
                    self._release(other, (pitch, program))

    def _emit(self, number: int, key: Key, velocity_bin: int) -> None:
        instrument = self._instrument(number, key[1])
        if instrument is None:
            return
        silent = not any(channel.held for channel in self._channels)
        if self._piece.started and silent and self._delta_ms > self._dialect.piece_gap_s * 1000:
            self._end_piece()
        self._piece.add(self._delta_ms, (instrument, key[0], velocity_bin))
        self._delta_ms = 0.0

    def _instrument(self, number: int, program: int) -> int | None:
        """Return the instrument of a channel's note; None where the dialect drops it."""
        names = self._dialect.instruments
        if not names:
            return 0
        name = self._dialect.percussion if number == PERCUSSION_CHANNEL else self._dialect.bins_of_programs[program]
        return names.index(name) if name else None

    def _end_piece(self) -> None:
        piece, self._piece = self._piece, _Piece(self._dialect, self._strict)
        piece.flush()
        if piece.length_ms > self._dialect.shortest_piece_s * 1000:
            self._pieces.append([*piece.words, END])


def encode(file: mido.MidiFile, dialect: Dialect, strict: bool = False) -> list[str]:
    """Return the pieces of a MIDI file as text, one line each."""
    tracks = [[m for m in track if m.type != "unknown_meta"] for track in file.tracks]
    encoder = Encoder(dialect, strict)
    tempo = 500_000
    for message in mido.merge_tracks(tracks) if len(tracks) > 1 else next(iter(tracks), []):
        encoder.read(mido.tick2second(message.time, file.ticks_per_beat, tempo) * 1000, message)
        if message.type == "set_tempo":
            tempo = message.tempo
    return [" ".join(words) for words in encoder.finish()]
