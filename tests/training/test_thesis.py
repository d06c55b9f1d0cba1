import math
import sys

import music21
import pytest

from engine.types import TICKS_PER_BAR, Chord
from training.errors import MissingPackageError
from training.songs import Note, PianoSong
from training.thesis import (
    THESIS,
    consonant_share,
    consonant_sonorities,
    key_changes,
    melodic_similarity,
    melody,
    rhythm_consistency,
    thesis_measures,
)

BEAT = 48
C_MAJOR = (60, 64, 67, 72, 60, 62, 64, 65)


def song(*bars):
    """A song of bars, each a list of (beat, beats, pitch)."""
    notes = [
        Note(round(bar * TICKS_PER_BAR + beat * BEAT), round(bar * TICKS_PER_BAR + (beat + beats) * BEAT), pitch, 9)
        for bar, content in enumerate(bars)
        for beat, beats, pitch in content
    ]
    return PianoSong("x", "lead", False, tuple(sorted(notes)), ((Chord(0, "maj"),) * 2,) * len(bars))


def line(pitches, bars=1):
    return song(*[[(beat / 2, 0.5, pitch) for beat, pitch in enumerate(pitches)]] * bars)


def test_equal_lengths_are_wholly_consistent_and_unequal_ones_less():
    assert rhythm_consistency(line(C_MAJOR)) == 1
    # lengths 1 and 3: mean 2, sd 1
    assert rhythm_consistency(song([(0, 1, 60), (1, 3, 62)])) == pytest.approx(2 / 3)


def test_the_melody_is_the_highest_note_of_each_onset():
    assert melody(song([(0, 1, 60), (0, 1, 67), (1, 1, 64)])) == [67, 64]


def test_thirds_are_consonant_steps_and_tritones_and_seconds_are_not():
    assert consonant_share(music21, [60, 64, 67]) == 1
    assert consonant_share(music21, [60, 66, 67, 70]) == pytest.approx(1 / 3)


def test_a_triad_is_a_consonant_sonority_and_a_seventh_chord_is_not():
    triad = [(0, 2, pitch) for pitch in (60, 64, 67)]
    seventh = [(2, 2, pitch) for pitch in (60, 64, 67, 71)]
    assert consonant_sonorities(music21, song(triad)) == 1
    assert consonant_sonorities(music21, song([*triad, *seventh])) == 0.5


def test_a_tune_in_one_key_never_changes_it_and_a_modulation_is_seen():
    tune = [[(beat / 2, 0.5, pitch) for beat, pitch in enumerate(C_MAJOR)]] * 4
    moved = [[(beat, beats, pitch + 6) for beat, beats, pitch in bar] for bar in tune]
    assert key_changes(music21, song(*tune, *tune)) == 0
    assert key_changes(music21, song(*tune, *moved)) == 1


def test_melodies_are_alike_in_any_key_and_unlike_ones_are_not():
    assert melodic_similarity([[60, 62, 64, 65], [65, 67, 69, 70]]) == 1
    assert melodic_similarity([[60, 62, 64, 66], [60, 59, 58, 57]]) == 0


def test_the_table_has_the_thesis_rows_and_ours():
    found = thesis_measures([line(C_MAJOR, 8), line(C_MAJOR[::-1], 8)])
    assert set(THESIS["paper"]) < set(found)
    assert found["dissonant_share"] == pytest.approx(1 - found["consonant_share"])
    assert not any(math.isnan(value) for value in found.values() if value is not found["consonant_sonorities"])


def test_without_music21_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    with pytest.raises(MissingPackageError, match="pip install music21"):
        thesis_measures([line(C_MAJOR)])
