from __future__ import annotations

from dataclasses import fields

import pytest

from engine import MOODS, Mood
from engine.mood import RANGES, SAMPLING_RANGES
from radio.cli_show import mood_entry
from radio.config import diff
from radio.config_file import parse_config
from radio.errors import ConfigError
from radio.heard import heard_pieces


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "moods").mkdir()
    (tmp_path / "moods" / "harbour.yaml").write_text("base: rainy\nbpm_low: 62\n")
    return tmp_path


def test_a_file_is_a_mood_and_can_be_mixed(folder):
    text = "stations: {lofi: {mood: {study: 3, harbour: 1}, drift_minutes: 10}}"
    mood = parse_config(text, folder / "config.yaml").station_mood("lofi")
    assert mood.name == "study 75 % + harbour 25 %"
    assert mood.bpm_low == 68
    assert mood.drift_minutes == 10


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("bad.yaml", "base: rainy\n\nbmp_low: 3\n", "moods/bad.yaml:3: moods.bad.bmp_low: unknown key"),
        ("bad.yaml", "base: rany\n", "moods/bad.yaml:1: moods.bad.base: no built-in mood"),
        ("Odd Name.yaml", "", "moods/Odd Name.yaml:1: moods.Odd Name: the name must be"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_place(folder, name, text, said):
    (folder / "moods" / name).write_text(text)
    with pytest.raises(ConfigError) as refused:
        parse_config("", folder / "config.yaml")
    assert any(problem.startswith(said) for problem in refused.value.problems)


def test_a_mood_of_a_mixture_that_is_unknown_is_refused(folder):
    with pytest.raises(ConfigError, match="Did you mean 'harbour'"):
        parse_config("stations: {lofi: {mood: {harbor: 1}}}", folder / "config.yaml")


def test_without_a_journal_nothing_was_heard(tmp_path):
    assert heard_pieces(tmp_path / "none.sqlite3", "lofi") == ()


@pytest.fixture
def shipped(root):
    return (root / "config.yaml").read_text(encoding="utf-8")


def test_the_shipped_file_holds_every_shipped_mood(root, shipped):
    config = parse_config(shipped, root / "config.yaml")
    assert {name: config.mood(name) for name in config.moods} == MOODS
    assert config.moods["study"].keys() == {field.name for field in fields(Mood)} - {"name"}
    for mood in MOODS.values():  # `lofi-radio moods show NAME --brief` prints what must stand there
        assert mood.name == "study" or mood_entry(mood) in shipped


def test_the_shipped_file_tells_the_range_of_every_number(shipped):
    study = shipped[shipped.index("\n  study:") : shipped.index("\n  rainy:")]
    for name, (low, high) in {**RANGES, **SAMPLING_RANGES}.items():
        line = next(line for line in study.splitlines() if line.strip().startswith(f"{name}:"))
        spans = ("4 or 8",) if name == "fill_bars" else (f"{low:g}-{high:g}", f"{low:g} to {high:g}")
        assert any(span in line for span in spans), f"{name}: {spans[0]}"


def test_a_number_edited_in_the_shipped_file_changes_the_mood_on_air(root, shipped):
    path = root / "config.yaml"
    old, new = (parse_config(text, path) for text in (shipped, shipped.replace("bpm_low: 70 ", "bpm_low: 66 ")))
    assert (old.station_mood("lofi").bpm_low, new.station_mood("lofi").bpm_low) == (70, 66)
    assert [change.live for change in diff(old, new)] == [True]
