"""Phrase memory: loops, but not loops for ever, whatever the length of sections and chord loops."""

import numpy as np
import pytest

from engine.form import Form
from engine.moods import MOODS
from engine.repetition import keys_sources
from engine.types import Section


def repeats_share(mood, seed, seconds=600.0):
    """Share of bars that equal an earlier bar of their section, if the keys do as the plan asks."""
    form, rng = Form(seed), np.random.default_rng(seed)
    origin, found, played_s = {}, [], 0.0
    while played_s < seconds:
        plan = form.next(mood)
        played_s += 240 / plan.piece.bpm
        if plan.piece_bar == 0:
            origin = {}
        drawn = next((s for s in plan.keys_sources if rng.random() < s.chance), None)
        origin[plan.piece_bar] = plan.piece_bar if drawn is None or drawn.vary else origin[drawn.piece_bar]
        begin = plan.piece_bar - plan.section_bar
        found.append(origin[plan.piece_bar] in [origin[bar] for bar in range(begin, plan.piece_bar)])
    return np.mean(found)


@pytest.mark.parametrize("mood", MOODS.values(), ids=MOODS)
def test_ten_minutes_of_any_mood_repeat_a_third_to_two_thirds_of_their_bars(mood):
    shares = [repeats_share(mood, seed) for seed in range(6)]
    assert min(shares) > 0.27
    assert max(shares) < 0.6
    assert 0.33 < np.mean(shares) < 0.5


def test_a_bar_that_can_repeat_does_so_often_but_not_always():
    form = Form(3)
    plans = [form.next(MOODS["study"]) for _ in range(400)]
    inside = [
        [source.chance for source in plan.keys_sources if source.piece_bar >= plan.piece_bar - plan.section_bar]
        for plan in plans
    ]
    hits = [1 - np.prod([1 - chance for chance in chances]) for chances in inside if chances]
    assert min(hits) > 0.4
    assert max(hits) < 0.95


def test_only_what_comes_from_another_section_is_varied():
    form = Form(4)
    for _ in range(300):
        plan = form.next(MOODS["rainy"])
        for source in plan.keys_sources:
            assert source.vary == (source.piece_bar < plan.piece_bar - plan.section_bar)


def test_the_first_bars_of_a_piece_have_nothing_to_repeat():
    form = Form(5)
    form.next(MOODS["snow"])
    plan = form._plan
    assert keys_sources(plan, 0) == ()
    assert keys_sources(plan, plan.start(Section.A))
