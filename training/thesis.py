"""The five measures of the lo-fAi thesis, computed with music21 on songs of ours and of a corpus alike.

Rhythm consistency, consonance and dissonance of the melody, tonal stability, melodic similarity; what is computed
exactly stands in each docstring. Knows nothing about tokens' use or the network.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from difflib import SequenceMatcher
from types import ModuleType
from typing import Any

import numpy as np

from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT
from training.errors import MissingPackageError
from training.measures import Measures, mean
from training.songs import Note, PianoSong

Stream = Any
"""A music21 stream."""

KEY_WINDOW_BARS = 4
MOST_PAIRS = 200
"""Pairs of songs that melodic similarity is averaged over."""

THESIS = {
    "committed notebook": {
        "rhythm_consistency": 0.57, "consonant_share": 0.84, "dissonant_share": 0.16, "key_changes": 0.00,
        "melodic_similarity": 0.09,
    },
    "paper": {
        "rhythm_consistency": 0.34, "consonant_share": 0.87, "dissonant_share": 0.13, "key_changes": math.nan,
        "melodic_similarity": 0.2,
    },
}  # fmt: skip
"""What the thesis states for its own system on 100 tunes: in its notebook, and in print."""


def thesis_measures(songs: Sequence[PianoSong]) -> Measures:
    """Return the five measures, means over the songs, and the sd form of the first.

    Raises:
        MissingPackageError: music21 is not installed.
    """
    music21 = _music21()
    melodies = [melody(song) for song in songs]
    consonant = mean(consonant_share(music21, line) for line in melodies if len(line) > 1)
    return {
        "rhythm_consistency": mean(rhythm_consistency(song) for song in songs if song.notes),
        "rhythm_sd_quarters": mean(float(_lengths(song).std()) for song in songs if song.notes),
        "consonant_share": consonant,
        "dissonant_share": 1 - consonant,
        "consonant_sonorities": mean(consonant_sonorities(music21, song) for song in songs if song.notes),
        "key_changes": mean(key_changes(music21, song) for song in songs if song.notes),
        "melodic_similarity": melodic_similarity(melodies),
    }


def melody(song: PianoSong) -> list[int]:
    """Return the highest pitch of every onset."""
    return [
        max(note.pitch for note in notes) for _, notes in itertools.groupby(sorted(song.notes), lambda note: note.start)
    ]


def rhythm_consistency(song: PianoSong) -> float:
    """Return mean / (mean + sd) of the note lengths: 1 when all are equal."""
    lengths = _lengths(song)
    return float(lengths.mean() / (lengths.mean() + lengths.std()))


def consonant_share(music21: ModuleType, line: Sequence[int]) -> float:
    """Return the share of steps from one melody note to the next that music21 calls consonant."""
    steps = [abs(after - before) for before, after in itertools.pairwise(line)]
    return mean(music21.interval.Interval(step).isConsonant() for step in steps)


def consonant_sonorities(music21: ModuleType, song: PianoSong) -> float:
    """Return the share of the song's sonorities (two or more pitch classes) that music21 calls consonant.

    The thesis's tunes are single lines and have none; sevenths, the colour of lo-fi, count as dissonant.
    """
    chords = _stream(music21, song.notes).chordify().recurse().getElementsByClass(music21.chord.Chord)
    return mean(chord.isConsonant() for chord in chords if len(set(chord.pitchClasses)) > 1)


def key_changes(music21: ModuleType, song: PianoSong) -> float:
    """Return the share of four-bar windows whose key (Krumhansl-Schmuckler) is not that of the window before.

    A key and its relative share their notes and are taken for one.
    """
    length = KEY_WINDOW_BARS * TICKS_PER_BAR
    scales = []
    for _, notes in itertools.groupby(sorted(song.notes), lambda note: note.start // length):
        key = _stream(music21, list(notes)).analyze("key")
        scales.append((key.tonic.pitchClass + (3 if key.mode == "minor" else 0)) % 12)
    return mean(before != after for before, after in itertools.pairwise(scales)) if len(scales) > 1 else 0.0


def melodic_similarity(melodies: Sequence[Sequence[int]]) -> float:
    """Return how alike melodies are: matching share of their interval sequences, mean over pairs of songs."""
    steps = [[after - before for before, after in itertools.pairwise(line)] for line in melodies]
    pairs = itertools.islice(itertools.combinations(steps, 2), MOST_PAIRS)
    return mean(SequenceMatcher(None, first, second, autojunk=False).ratio() for first, second in pairs)


def _music21() -> ModuleType:
    try:
        import music21  # heavy, and only this table needs it
    except ImportError as error:
        raise MissingPackageError("music21: not installed. Run `pip install music21` for the thesis's measures.") from (
            error
        )
    return music21


def _lengths(song: PianoSong) -> np.ndarray:
    return np.array([note.end - note.start for note in song.notes], np.float64) / TICKS_PER_BEAT


def _stream(music21: ModuleType, notes: Sequence[Note]) -> Stream:
    stream = music21.stream.Stream()
    for note in notes:
        length = (note.end - note.start) / TICKS_PER_BEAT
        stream.insert(note.start / TICKS_PER_BEAT, music21.note.Note(note.pitch, quarterLength=length))
    return stream
