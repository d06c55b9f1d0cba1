import math

import pytest

from engine.types import Chord
from training.measures import (
    deviation,
    drum_histograms,
    measure_drums,
    measure_piano,
    overlap,
    piano_histograms,
    repeated,
)
from training.songs import DrumSong, Hit, Note, PianoSong

C, G = Chord(0, "maj"), Chord(7, "7")


def piano(notes, bars=1, chord=C):
    return PianoSong("x", "lead", False, tuple(sorted(notes)), ((chord, chord),) * bars)


def drums(hits, bars=1):
    return DrumSong("x", "soul", False, tuple(sorted(hits)), bars)


def test_in_key_and_chord_tones_are_counted():
    found = measure_piano([piano([Note(0, 48, 60, 9), Note(96, 144, 62, 9), Note(48, 60, 61, 9), Note(60, 70, 64, 9)])])
    assert found["in_key_share"] == 0.75
    assert found["chord_tones_on_strong_beats"] == 0.5
    assert found["chord_tones"] == 0.5
    assert found["onsets_a_bar"] == 4


def test_polyphony_is_the_mean_number_of_held_notes():
    assert measure_piano([piano([Note(0, 96, 60, 9), Note(0, 96, 64, 9)])])["polyphony"] == 1


def test_a_bar_that_comes_again_is_a_repeat_even_with_other_velocities():
    notes = [Note(bar * 192, bar * 192 + 48, 60, 5 + bar) for bar in range(4)]
    found = measure_piano([piano(notes, 4)])
    assert found["repeated_bars"] == 0.75
    assert found["repeated_rhythms"] == 0.75


def test_repeats_are_counted_inside_a_song_and_empty_bars_are_none():
    assert measure_piano([piano([Note(0, 48, 60, 9)])] * 3)["repeated_bars"] == 0
    assert repeated([frozenset(), frozenset(), frozenset({1}), frozenset({1})]) == 0.25


def boom_bap(bar=0, ghost=False):
    base = bar * 192 + 6
    hits = [Hit(base, 36, 12), Hit(base + 48, 38, 13), Hit(base + 144, 38, 13)]
    return hits + ([Hit(base + 84, 38, 5)] if ghost else [])


def test_backbeat_kick_and_ghosts_are_found():
    found = measure_drums([drums([*boom_bap(0, ghost=True), *boom_bap(1)[:2]], 2)])
    assert found["backbeat_share"] == 0.5
    assert found["kick_on_one"] == 1
    assert found["ghost_share_of_snares"] == 0.25
    assert found["hits_a_bar"] == 3


@pytest.mark.parametrize(("tick", "late"), [(6, 0), (8, 2), (3, -3), (17, -1), (18, 0)])
def test_deviation_is_told_from_the_nearest_sixteenth(tick, late):
    assert deviation(Hit(tick, 36, 9)) == late


def test_a_repeated_drum_bar_may_be_played_with_other_timing():
    late = [hit._replace(tick=hit.tick + 2) for hit in boom_bap(1)]
    assert measure_drums([drums([*boom_bap(0), *late], 2)])["repeated_bars"] == 0.5


def test_overlap_is_one_with_itself_and_none_with_a_stranger():
    low, high = piano([Note(0, 48, 60, 3)]), piano([Note(20, 200, 61, 14)])
    areas = overlap(piano_histograms([low]), piano_histograms([low]))
    assert areas.pop("gap") == 0  # one onset has no gap
    assert set(areas.values()) == {1.0}
    assert overlap(piano_histograms([low]), piano_histograms([high]))["velocity"] == 0
    assert overlap(drum_histograms([drums(boom_bap())]), drum_histograms([drums(boom_bap())]))["snare_steps"] == 1


def test_nothing_gives_no_number_instead_of_an_error():
    assert math.isnan(measure_piano([piano([])])["in_key_share"])
    assert math.isnan(measure_drums([])["timing_mean_ticks"])
