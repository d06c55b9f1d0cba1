"""MIDI files to go on from, written for the tests: a song in any key and tempo, strict or free."""

from __future__ import annotations

import io
from dataclasses import dataclass

import mido
import numpy as np

MINOR_LOOP = ((0, 3, 7, 10), (8, 12, 15, 19), (5, 8, 12, 15), (0, 3, 7, 10))
"""i7 VImaj7 iv7 i7, semitones above the tonic."""
MINOR_TUNE = (12, 15, 14, 12, 10, 12, 7, 10)
MAJOR_LOOP = ((0, 4, 7, 11), (2, 5, 9, 12), (7, 11, 14, 17), (0, 4, 7, 11))
MAJOR_TUNE = (14, 16, 12, 11, 7, 9, 12, 14)


@dataclass(frozen=True)
class Song:
    """What a test file holds."""

    tonic: int = 54
    """Pitch of the tonic under the chords; 54 is F#."""
    minor: bool = True
    bpm: float = 92.0
    bars: int = 8
    drums: bool = True
    metre: tuple[int, int] = (4, 4)
    told: bool = True
    """Whether tempo, metre and key are told; a player's recording tells nothing."""
    human_s: float = 0.0
    """Standard deviation of its timing; more than 0 leaves the file's grid."""


def song_notes(song: Song) -> list[tuple[float, float, int, int, int]]:
    """Return (beat, length in beats, pitch, velocity, channel)."""
    loop, tune = (MINOR_LOOP, MINOR_TUNE) if song.minor else (MAJOR_LOOP, MAJOR_TUNE)
    beats = song.metre[0] * 4 / song.metre[1]
    notes: list[tuple[float, float, int, int, int]] = []
    for bar in range(song.bars):
        chord, start = loop[bar % len(loop)], bar * beats
        notes.append((start, beats - 0.25, song.tonic - 24 + chord[0], 84, 1))
        for beat in (0.0, 1.5) if beats == 4 else (0.0, 1.0):
            notes += [(start + beat, 1.0, song.tonic + pitch, 66, 0) for pitch in chord]
        for place in range(int(beats)):
            if (bar + place) % 3:
                pitch = song.tonic + tune[(2 * bar + place) % len(tune)]
                notes.append((start + place + 0.5 * (place % 2), 0.5, pitch + 12, 80, 0))
        if song.drums:
            kicks = [(start + beat, 0.1, 36, 100, 9) for beat in (0.0, 2.5) if beat < beats]
            hats = [(start + step / 2, 0.1, 42, 60 + 15 * (step % 2 == 0), 9) for step in range(int(beats * 2))]
            notes += kicks + hats + [(start + beat, 0.1, 38, 96, 9) for beat in (1.0, 3.0) if beat < beats]
    return sorted(notes)


def song_midi(song: Song = Song(), ticks_per_beat: int = 480) -> bytes:
    """Return the song as the bytes of a MIDI file; a free one is written at 120 bpm, wherever its notes fall."""
    rng = np.random.default_rng(5)
    file = mido.MidiFile(type=1, ticks_per_beat=ticks_per_beat)
    track = mido.MidiTrack()
    file.tracks.append(track)
    if song.told:
        key = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")[song.tonic % 12]
        track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(song.bpm)))
        track.append(mido.MetaMessage("time_signature", numerator=song.metre[0], denominator=song.metre[1]))
        track.append(mido.MetaMessage("key_signature", key=key + "m" * song.minor))
    scale = 1.0 if song.told else 120 / song.bpm
    events = []
    for beat, length, pitch, velocity, channel in song_notes(song):
        late = float(rng.normal(0, song.human_s)) * 120 / 60 if song.human_s else 0.0
        start = max(round((beat * scale + late + (0.37 if not song.told else 0)) * ticks_per_beat), 0)
        end = start + max(round(length * scale * ticks_per_beat), 1)
        events += [(start, 1, pitch, velocity, channel), (end, 0, pitch, 0, channel)]
    now = 0
    for tick, _, pitch, velocity, channel in sorted(events):
        track.append(mido.Message("note_on", note=pitch, velocity=velocity, channel=channel, time=tick - now))
        now = tick
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()
