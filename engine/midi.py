"""What was played, as a MIDI file. Knows nothing about sound: swing and human timing stay out of the score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import mido

from engine import tokens
from engine.moods import Mood
from engine.sequencer import program_of
from engine.types import BEATS_PER_BAR, TICKS_PER_BAR, TICKS_PER_BEAT, Bar, Part

CHANNELS = {Part.KEYS: 0, Part.BASS: 1, Part.SECOND: 2, Part.DRUMS: 9}
_BANK_MSB, _BANK_LSB = 0, 32
_MAJOR_KEYS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_MINOR_KEYS = ("Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm")
_ORDER = {"program": 0, "off": 1, "on": 2}


def write_midi(bars: Sequence[Bar], moods: Mapping[str, Mood], path: Path) -> None:
    """Write bars as a MIDI file of 48 ticks a beat, one track a part; its length is that of the bars exactly.

    Args:
        bars: bars in order.
        moods: the moods that the bars name; they say which instruments play.
        path: file to write.
    """
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    file.tracks.append(_conductor(bars))
    for part in Part:
        file.tracks.append(_part(part, bars, moods))
    file.save(path)


def _conductor(bars: Sequence[Bar]) -> mido.MidiTrack:
    """Tempo, time signature, the pieces' titles and keys, and the chords as text wherever they change."""
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("time_signature", numerator=BEATS_PER_BAR, denominator=4, time=0))
    last_tick = 0
    for tick, message in _headings(bars):
        message.time = tick - last_tick
        track.append(message)
        last_tick = tick
    track.append(mido.MetaMessage("end_of_track", time=len(bars) * TICKS_PER_BAR - last_tick))
    return track


def _headings(bars: Sequence[Bar]) -> Iterator[tuple[int, mido.MetaMessage]]:
    """Yield (tick, message) in order of time."""
    tempo, piece, chord = None, None, None
    for place, bar in enumerate(bars):
        tick = place * TICKS_PER_BAR
        if bar.bpm != tempo:
            tempo = bar.bpm
            yield tick, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo))
        if bar.piece.number != piece:
            piece = bar.piece.number
            names = _MINOR_KEYS if bar.piece.minor else _MAJOR_KEYS
            yield tick, mido.MetaMessage("key_signature", key=names[bar.piece.key % 12])
            yield tick, mido.MetaMessage("marker", text=_latin(bar.piece.title))
        for half, name in enumerate(bar.chords):
            if name is not None and name != chord:
                chord = name
                text = tokens.text(tokens.chord(name)).strip("<>")
                yield tick + half * TICKS_PER_BAR // 2, mido.MetaMessage("text", text=text)


def _part(part: Part, bars: Sequence[Bar], moods: Mapping[str, Mood]) -> mido.MidiTrack:
    """One part's instruments and notes."""
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("track_name", name=part.value, time=0))
    end = len(bars) * TICKS_PER_BAR
    events = sorted(_events(part, bars, moods, end), key=lambda event: (event[0], _ORDER[event[1]], event[2]))
    last_tick, channel = 0, CHANNELS[part]
    for tick, kind, key, value in events:
        wait = tick - last_tick
        if kind == "program":
            bank = 0 if part is Part.DRUMS else value
            track.append(mido.Message("control_change", channel=channel, control=_BANK_MSB, value=bank >> 7, time=wait))
            track.append(mido.Message("control_change", channel=channel, control=_BANK_LSB, value=bank & 127, time=0))
            track.append(mido.Message("program_change", channel=channel, program=key, time=0))
        else:
            track.append(mido.Message(f"note_{kind}", channel=channel, note=key, velocity=value, time=wait))
        last_tick = tick
    track.append(mido.MetaMessage("end_of_track", time=end - last_tick))
    return track


def _events(
    part: Part, bars: Sequence[Bar], moods: Mapping[str, Mood], end: int
) -> Iterator[tuple[int, str, int, int]]:
    """Yield (tick, kind, key or program, velocity or bank); a key struck again is released first."""
    instrument = None
    notes: list[tuple[int, int, int, int]] = []
    for place, bar in enumerate(bars):
        start = place * TICKS_PER_BAR
        bank, program = program_of(moods[bar.mood], part)
        if (bank, program) != instrument:
            instrument = (bank, program)
            yield start, "program", program, bank
        for note in bar.events:
            if note.part is part:
                tick = max(start + note.tick, 0)
                notes.append((tick, note.pitch, max(note.length_ticks, 1), note.velocity))
    notes.sort()
    for number, (tick, pitch, length, velocity) in enumerate(notes):
        again = (other[0] for other in notes[number + 1 :] if other[1] == pitch and other[0] > tick)
        yield tick, "on", pitch, velocity
        yield min(tick + length, next(again, end), end), "off", pitch, 64


def _latin(text: str) -> str:
    """What a MIDI text can hold."""
    return text.encode("latin-1", "replace").decode("latin-1")
