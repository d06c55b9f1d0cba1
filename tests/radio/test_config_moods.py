"""Moods of one's own in the configuration."""

import dataclasses

import pytest
from config_text import HERE

from engine import MOODS, Mood, MoodError
from radio.config import Config
from radio.config_file import parse_config
from radio.config_help import keys_at


def test_own_moods_change_their_base_and_nothing_else():
    text = (
        "stations: {lofi: {mood: mine}}\nmoods: {mine: {base: rainy, bpm_low: 60, sampling: {top_k: 3}, keys: [1, 2]}}"
    )
    mood = parse_config(text, HERE).mood("mine")
    base = MOODS["rainy"]
    sampling = dataclasses.replace(base.sampling, top_k=3)
    assert mood == dataclasses.replace(base, name="mine", bpm_low=60, sampling=sampling, keys=(1, 2))


def test_an_own_mood_may_have_every_field_of_a_mood():
    assert {*keys_at(("moods", "mine"))} == {field.name for field in dataclasses.fields(Mood)} - {"name"} | {"base"}


def test_an_unknown_mood_is_refused_by_name():
    with pytest.raises(MoodError, match="rainy"):
        Config().mood("raniy")
