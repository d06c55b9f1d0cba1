from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import pytest

from engine.errors import MoodError
from engine.moods import MOODS, Mood, Sampling, find_mood, mood_from_tree, mood_to_tree

TEN = {"study", "rainy", "sleep", "cafe", "sunset", "night-drive", "snow", "jazzhop", "morning", "melancholy"}


def test_the_ten_moods_are_there_under_their_names():
    assert set(MOODS) >= TEN
    assert all(name == mood.name for name, mood in MOODS.items())


@pytest.mark.parametrize(("one", "other"), list(combinations(sorted(TEN), 2)))
def test_two_moods_differ_in_at_least_three_of_what_is_heard(one, other):
    a, b = MOODS[one], MOODS[other]
    differences = [
        abs((a.bpm_low + a.bpm_high) - (b.bpm_low + b.bpm_high)) / 2 >= 5,
        abs(a.minor_share - b.minor_share) >= 0.25,
        abs(a.keys_density - b.keys_density) >= 0.5 or abs(a.drums_density - b.drums_density) >= 0.7,
        abs(a.keys_lowpass_hz - b.keys_lowpass_hz) >= 800,
        abs(a.swing - b.swing) >= 0.03,
        a.keys_program != b.keys_program or a.second_program != b.second_program,
        a.ambience != b.ambience,
    ]
    assert sum(differences) >= 3


def test_a_mistyped_mood_gets_the_nearest_name():
    with pytest.raises(MoodError, match="did you mean 'rainy'"):
        find_mood("rainny")


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"bpm_low": 20}, "bpm_low is 20"),
        ({"bpm_low": 90}, "above bpm_high"),
        ({"palette": ("ii-V-I-vii",)}, "did you mean 'ii-V-I-vi'"),
        ({"palette": ("ii-V-I-vi",)}, "no minor loop"),
        ({"keys": ()}, "pitch class"),
        ({"piano_style": "techno"}, "must be one of"),
        ({"register_high": 66}, "narrower"),
        ({"keys_program": (0, 200)}, "keys_program is 0:200"),
        ({"sampling": Sampling(top_p=0)}, "sampling.top_p is 0"),
        ({"silent": ("keys",)}, "the keys always play"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_numbers_that_cannot_be_played_are_refused_with_their_field(change, hint):
    with pytest.raises(MoodError, match=hint):
        replace(Mood("own"), **change)


def test_all_problems_are_told_at_once():
    with pytest.raises(MoodError, match=r"swing is 0.9.*wow_cents is 99"):
        Mood("own", swing=0.9, wow_cents=99)


@pytest.mark.parametrize("name", sorted(TEN))
def test_a_mood_survives_a_journey_through_json(name):
    assert mood_from_tree(json.loads(json.dumps(mood_to_tree(MOODS[name])))) == MOODS[name]
