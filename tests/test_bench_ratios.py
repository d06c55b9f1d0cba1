"""The command that flags what has become slower."""

import json

import pytest

from bench import ratios


def test_a_ratio_a_fifth_worse_is_told_and_a_better_or_unmeasured_one_is_not():
    stored = {"worse": 10.0, "little worse": 10.0, "better": 10.0, "not today": 10.0}
    found = {"worse": 7.9, "little worse": 8.1, "better": 20.0, "new": 1.0}
    told = ratios.regressions(found, stored)
    assert [str(one) for one in told] == ["worse: 7.9, stored 10 (-21%)"]


def test_storing_keeps_what_was_not_measured(tmp_path):
    path = tmp_path / "ratios.json"
    assert ratios.load(path) == {}
    ratios.store({"a": 1.23456, "b": 2.0}, path)
    ratios.store({"b": 3.0}, path)
    assert ratios.load(path) == {"a": 1.235, "b": 3.0}


def test_the_stored_ratios_hold_the_promises(root):
    stored = json.loads((root / "bench" / "ratios.json").read_text())
    assert stored["20x512, native, 8 bit, batch 1, to rwkv"] >= 6
    assert stored["20x512, native, 4 bit, batch 1, to rwkv"] >= 8
    assert stored["20x512, the thesis's sampling, a step to choosing"] >= 10
    assert stored["20x512, the same and our grammar, a step to choosing"] >= 10
    assert all(value > 0 for value in stored.values())


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_what_was_never_stored_is_no_regression(value):
    assert ratios.regressions({"new": value}, {}) == []
