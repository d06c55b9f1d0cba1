import math

import numpy as np
import pytest

from engine.types import TICKS_PER_BAR, Chord
from training.distributions import drum_features, overlapping_area, overlapping_areas, piano_features
from training.songs import DrumSong, Hit, Note, PianoSong


def normal(mean, seed=0):
    return np.random.default_rng(seed).normal(mean, 1.0, 400)


def test_two_samples_of_one_distribution_overlap_almost_wholly():
    assert overlapping_area(normal(0, 1), normal(0, 2)) > 0.9


def test_distributions_two_deviations_apart_overlap_by_a_third():
    # 2 * Phi(-1) = 0.317, and kernels widen both a little
    assert overlapping_area(normal(0, 1), normal(2, 2)) == pytest.approx(0.33, abs=0.05)


def test_distributions_far_apart_do_not_overlap():
    assert overlapping_area(normal(0, 1), normal(20, 2)) < 0.01


def test_what_cannot_be_estimated_is_not_a_number():
    assert math.isnan(overlapping_area(normal(0), np.ones(50)))
    assert math.isnan(overlapping_area(normal(0), np.ones(2)))


def song(bars, pitches=(60, 64, 67)):
    notes = [
        Note(bar * TICKS_PER_BAR + beat * 48, bar * TICKS_PER_BAR + beat * 48 + 24, pitch, 5 + beat)
        for bar in range(bars)
        for beat, pitch in enumerate(pitches)
    ]
    return PianoSong("x", "lead", False, tuple(notes), ((Chord(0, "maj"),) * 2,) * bars)


def test_texture_is_taken_of_every_full_four_bar_stretch():
    features = piano_features([song(9), song(4)])
    assert {name: len(values) for name, values in features.items()} == {
        "scale_consistency": 3, "pitch_class_entropy": 3, "polyphony": 3, "onsets_a_bar": 3, "note_length": 3,
        "velocity_spread": 3,
    }  # fmt: skip
    assert features["onsets_a_bar"].tolist() == [3, 3, 3]
    assert features["note_length"].tolist() == [0.5] * 3
    assert features["pitch_class_entropy"][0] == pytest.approx(math.log2(3))


def test_notes_outside_any_scale_lower_the_scale_consistency():
    assert piano_features([song(4)])["scale_consistency"][0] == 1
    # of C, C sharp, D and E flat the scale of A flat holds three
    assert piano_features([song(4, (60, 61, 62, 63))])["scale_consistency"][0] == 0.75


def test_timing_is_measured_drum_by_drum():
    hits = [Hit(bar * TICKS_PER_BAR + 6 + beat * 48 + 2, 36, 9) for bar in range(4) for beat in range(4)]
    features = drum_features([DrumSong("x", "soul", False, tuple(hits), 4)])
    assert features["kick_timing_mean"].tolist() == [2]
    assert "snare_timing_mean" not in features


def test_areas_are_reported_for_features_that_both_sides_have():
    found = overlapping_areas({"a": normal(0, 1), "b": normal(0)}, {"a": normal(0, 2)})
    assert list(found) == ["oa_a"]
