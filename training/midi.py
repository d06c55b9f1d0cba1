"""Reads MIDI files into plain values. Knows nothing about tokens, corpora or the network."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import mido

from training.errors import CorpusError

PEDAL_CONTROLLER = 64
PEDAL_DOWN = 64


class MidiNote(NamedTuple):
    """One sounding note of a file, in the file's own ticks."""

    start: int
    end: int
    pitch: int
    velocity: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class MidiScore:
    """What we use of a MIDI file; tracks are merged."""

    ticks_per_beat: int
    notes: tuple[MidiNote, ...]
    pedals: tuple[tuple[int, int], ...]
    """Stretches (down, up) of the sustain pedal, ticks."""
    tempos: tuple[tuple[int, int], ...]
    """(tick, microseconds a beat), sorted."""
    metres: tuple[tuple[int, int, int], ...]
    """(tick, numerator, denominator), sorted."""
    keys: tuple[tuple[int, str], ...]
    """(tick, name such as `Gb` or `Am`), sorted."""
    texts: tuple[tuple[int, str], ...] = ()
    """(tick, text event), in order: our own files name their chords so."""

    def tick_at(self, second: float) -> float:
        """Return the tick at a time from the start, through the tempo map."""
        tick, now, tempo = 0, 0.0, 500_000
        for at, new in self.tempos:
            length_s = (at - tick) * tempo / 1e6 / self.ticks_per_beat
            if now + length_s > second:
                break
            tick, now, tempo = at, now + length_s, new
        return tick + (second - now) * 1e6 / tempo * self.ticks_per_beat


def open_midi(path: Path) -> mido.MidiFile:
    """Open a MIDI file.

    Raises:
        CorpusError: the file is missing or damaged (named).
    """
    try:
        return mido.MidiFile(path)
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        reason = str(error) or type(error).__name__
        raise CorpusError(f"{path}: not a readable MIDI file ({reason}). Unpack the set again.") from error


def read_midi(path: Path) -> MidiScore:
    """Read the notes of a MIDI file.

    Raises:
        CorpusError: the file is missing or damaged (named).
    """
    return _collect(open_midi(path))


class _Collector:
    """Gathers the messages of one file."""

    def __init__(self) -> None:
        self.notes: list[MidiNote] = []
        self.pedals: list[tuple[int, int]] = []
        self.tempos: list[tuple[int, int]] = []
        self.metres: list[tuple[int, int, int]] = []
        self.keys: list[tuple[int, str]] = []
        self.texts: list[tuple[int, str]] = []
        self._open: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        self._pedal_down: int | None = None

    def add(self, tick: int, message: mido.Message) -> None:
        """Take one message at an absolute tick."""
        match message.type:
            case "note_on" if message.velocity > 0:
                self._open[message.channel, message.note].append((tick, message.velocity))
            case "note_on" | "note_off":
                self._release(tick, message.channel, message.note)
            case "control_change" if message.control == PEDAL_CONTROLLER:
                self._pedal(tick, message.value >= PEDAL_DOWN)
            case "set_tempo":
                self.tempos.append((tick, message.tempo))
            case "time_signature":
                self.metres.append((tick, message.numerator, message.denominator))
            case "key_signature":
                self.keys.append((tick, message.key))
            case "text":
                self.texts.append((tick, message.text))

    def finish(self, tick: int) -> None:
        """Close what is still held at the end of the file."""
        for channel, pitch in list(self._open):
            while self._open[channel, pitch]:
                self._release(tick, channel, pitch)
        self._pedal(tick, down=False)

    def _release(self, tick: int, channel: int, pitch: int) -> None:
        held = self._open[channel, pitch]
        if held:
            start, velocity = held.pop(0)
            self.notes.append(MidiNote(start, tick, pitch, velocity, channel))

    def _pedal(self, tick: int, down: bool) -> None:
        if down and self._pedal_down is None:
            self._pedal_down = tick
        elif not down and self._pedal_down is not None:
            self.pedals.append((self._pedal_down, tick))
            self._pedal_down = None


def _collect(file: mido.MidiFile) -> MidiScore:
    collector = _Collector()
    tick = 0
    for message in mido.merge_tracks(file.tracks):
        tick += message.time
        collector.add(tick, message)
    collector.finish(tick)
    return MidiScore(
        ticks_per_beat=file.ticks_per_beat,
        notes=tuple(sorted(collector.notes)),
        pedals=tuple(collector.pedals),
        tempos=tuple(sorted(collector.tempos)),
        metres=tuple(sorted(collector.metres)),
        keys=tuple(sorted(collector.keys)),
        texts=tuple(collector.texts),
    )
