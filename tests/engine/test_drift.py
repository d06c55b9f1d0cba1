from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import pytest

from engine.drift import WANDER, mixed, on_the_way, wandered
from engine.errors import MoodError
from engine.journey import Journey
from engine.moods import MOODS
from engine.types import SAMPLE_RATE_HZ

STUDY, RAINY, SLEEP = MOODS["study"], MOODS["rainy"], MOODS["sleep"]
MINUTE = 60 * SAMPLE_RATE_HZ


def test_a_mixture_is_called_by_its_parts():
    assert mixed([(RAINY, 0.3), (STUDY, 0.7)]).name == "study 70 % + rainy 30 %"


def test_numbers_are_means_by_weight_and_choices_the_heaviest_moods():
    mood = mixed([(STUDY, 3), (SLEEP, 1)])
    assert mood.bpm_low == pytest.approx((3 * STUDY.bpm_low + SLEEP.bpm_low) / 4)
    assert mood.keys_lowpass_hz == pytest.approx(STUDY.keys_lowpass_hz**0.75 * SLEEP.keys_lowpass_hz**0.25, rel=1e-3)
    assert (mood.keys, mood.drum_style, mood.keys_program) == (STUDY.keys, STUDY.drum_style, STUDY.keys_program)
    assert set(mood.palette) == {*STUDY.palette, *SLEEP.palette}


def test_ambience_of_all_parts_sounds_each_softer_by_its_weight():
    calm = replace(STUDY, ambience=(("rain", -20.0),))
    far = replace(SLEEP, ambience=(("sea", -20.0), ("rain", -20.0)))
    assert dict(mixed([(calm, 1), (far, 1)]).ambience) == {"rain": -20.0, "sea": -26.0}


@pytest.mark.parametrize(("one", "other"), list(combinations(sorted(MOODS), 2)))
def test_any_two_moods_can_be_mixed(one, other):
    for weight in (0.1, 0.5, 0.9):
        mood = mixed([(MOODS[one], weight), (MOODS[other], 1 - weight)])
        assert mood.bpm_low <= mood.bpm_high


@pytest.mark.parametrize("weights", [[], [0.0], [-1.0], [float("nan")]])
def test_a_mixture_of_nothing_is_refused(weights):
    with pytest.raises(MoodError, match="above 0"):
        mixed([(STUDY, weight) for weight in weights])


def test_the_way_begins_and_ends_at_the_moods_themselves():
    assert replace(on_the_way(STUDY, SLEEP, 0.0, STUDY), name="study").bpm_low == STUDY.bpm_low
    assert on_the_way(STUDY, SLEEP, 1.0, SLEEP) == SLEEP
    half = on_the_way(STUDY, SLEEP, 0.5, STUDY)
    assert half.keys_program == STUDY.keys_program
    assert half.velocity_scale == pytest.approx((STUDY.velocity_scale + SLEEP.velocity_scale) / 2)


def test_pieces_wander_within_the_bounds_and_always_the_same_way():
    for seed in range(50):
        piece = wandered(STUDY, seed)
        assert piece == wandered(STUDY, seed)
        for field, reach in WANDER.items():
            assert abs(getattr(piece, field) - getattr(STUDY, field)) <= reach * STUDY.wander + 1e-9
    assert len({wandered(STUDY, seed).swing for seed in range(50)}) == 50
    assert wandered(replace(STUDY, wander=0), 1).swing == STUDY.swing


def test_a_mood_without_drift_is_there_at_once():
    journey = Journey(STUDY)
    journey.turn(SLEEP, 0)
    assert journey.arrived
    assert journey.mood_at(0, piece_begins=False) == SLEEP


def test_a_drift_moves_numbers_in_small_steps_and_choices_with_a_piece():
    journey = Journey(STUDY)
    journey.turn(replace(SLEEP, drift_minutes=10), 0)
    lows = [journey.mood_at(minute * MINUTE, piece_begins=minute == 7) for minute in range(12)]
    tempos = [mood.bpm_low for mood in lows]
    assert tempos == sorted(tempos, reverse=True)
    assert (tempos[0], tempos[-1]) == (STUDY.bpm_low, SLEEP.bpm_low)
    assert {mood.name for mood in lows} == {"sleep"}
    assert [mood.drum_style for mood in lows] == ["hiphop"] * 7 + ["soul"] * 5
    assert journey.arrived


def test_a_drift_without_a_new_piece_keeps_the_old_instruments_until_one_begins():
    journey = Journey(STUDY)
    journey.turn(replace(SLEEP, drift_minutes=1), 0)
    assert journey.mood_at(5 * MINUTE, piece_begins=False).drum_style == STUDY.drum_style
    assert not journey.arrived
    assert journey.mood_at(6 * MINUTE, piece_begins=True) == replace(SLEEP, drift_minutes=1)


def test_a_restored_journey_goes_on_where_the_saved_one_stood():
    journey, other = Journey(STUDY), Journey(RAINY)
    journey.turn(replace(SLEEP, drift_minutes=10), 0)
    journey.mood_at(3 * MINUTE, piece_begins=False)
    other.restore(json.loads(json.dumps(journey.snapshot())))
    for minute in range(4, 12):
        frame, begins = minute * MINUTE, minute == 9
        assert journey.mood_at(frame, begins) == other.mood_at(frame, begins)
