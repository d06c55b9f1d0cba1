from __future__ import annotations

import pytest

from engine import harmony
from engine.errors import EngineError
from engine.spelling import chord_name
from engine.tokens import QUALITIES
from engine.types import Chord


def test_there_are_at_least_sixteen_loops_of_two_four_or_eight_bars_in_both_modes():
    loops = harmony.PROGRESSIONS.values()
    assert len(loops) >= 16
    assert {len(loop.bars) for loop in loops} == {2, 4, 8}
    assert {loop.minor for loop in loops} == {True, False}


def test_degrees_are_read_from_the_tonic_of_the_mode():
    major = harmony.PROGRESSIONS["ii-V-I-vi"].bars
    assert [chord_name(first) for first, _ in major] == ["Dm7", "G7", "Cmaj7", "Am7"]
    minor = harmony.PROGRESSIONS["minor-two-five"].bars
    assert [chord_name(first) for first, _ in minor] == ["Bm7b5", "E7", "Am7", "Fmaj7"]


def test_a_slash_changes_the_chord_in_the_middle_of_the_bar():
    first_bar = harmony.PROGRESSIONS["two-fives"].bars[0]
    assert [chord_name(half) for half in first_bar] == ["Dm7", "G7"]


def test_a_chord_that_cannot_be_read_is_named():
    with pytest.raises(EngineError, match="ix:min7"):
        harmony.parse_progression("odd", "ii:min7 ix:min7", minor=False)


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("key", range(12))
def test_the_shift_brings_the_written_tonic_to_the_key_by_less_than_an_octave(key, minor):
    shift = harmony.key_shift(key, minor)
    assert -6 <= shift <= 5
    assert (harmony.tonic_chord(minor).root + shift) % 12 == key


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("root", range(12))
def test_a_voicing_is_close_to_its_centre_and_holds_the_guide_tones(root, quality):
    chord = Chord(root, quality)
    pitches = harmony.voicing(chord, 60, scale=range(12))
    assert 3 <= len(pitches) <= 5
    assert list(pitches) == sorted(set(pitches))
    assert abs(sum(pitches) / len(pitches) - 60) <= 7
    assert set(pitches_of(pitches)) <= harmony.pitch_classes(chord) | harmony.colour_classes(chord)
    assert harmony.guide_tones(chord)[0] in pitches_of(pitches)


@pytest.mark.parametrize("name", harmony.PROGRESSIONS)
def test_a_voicing_in_a_key_keeps_to_the_scale_and_the_chord(name):
    for bar in harmony.PROGRESSIONS[name].bars:
        for chord in bar:
            assert set(pitches_of(harmony.voicing(chord, 60))) <= harmony.pitch_classes(chord) | harmony.SCALE


def pitches_of(pitches):
    return [pitch % 12 for pitch in pitches]
