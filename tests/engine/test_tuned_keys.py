from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from fake_recurrence import FakeRecurrence
from test_composer import STUDY, composer, through_json

from engine.composer import compose_models
from engine.recurrence import RecurrentState, StateBatch

LONG = replace(STUDY, piece_bars_low=36, piece_bars_high=36)


class Minding(FakeRecurrence):
    """A recurrence that minds what it begins with: its logits depend on wkv as well."""

    def step_batch(self, batch_tokens, states):
        logits, after = super().step_batch(batch_tokens, states)
        return logits + states.wkv[0, :, 0, 0, :1], StateBatch(after.shift, states.wkv * np.float32(0.999))


class Shelf:
    """States by name."""

    def __init__(self, **states):
        self.states = states
        self.asked = []

    def get(self, name):
        self.asked.append(name)
        return self.states.get(name)

    def trouble(self, name):
        return None


def tuned(value=3.0):
    blank = RecurrentState.zero(1, 64)
    return RecurrentState(blank.shift, blank.wkv + np.float32(value))


def band(mood, **states):
    made = compose_models(mood, 1, Minding(2560, 1), FakeRecurrence(2560, 2))
    made.use_states(Shelf(**states))
    return made


def held(made):
    """What is left of the state that the piece began with."""
    return float(made.snapshot()["keys"]["writer"]["state"]["wkv"][0, 0, 0, 0])


def test_every_piece_begins_from_the_tuned_state():
    made = band(replace(LONG, piano_state="rain"), rain=tuned())
    left = [held(made) for _ in islice(made, 80)]
    begins = [place for place in range(1, len(left)) if left[place] > left[place - 1]]
    assert left[0] > 2.5
    assert len(begins) == 2, "36 bars a piece"
    assert left[begins[0] - 1] < left[0] / 2 < left[begins[0]]


@pytest.mark.parametrize("mood", [LONG, replace(LONG, piano_state="missing")])
def test_without_a_usable_state_the_recurrence_goes_on_as_ever(mood):
    plain = [bar.events for bar in islice(composer(LONG), 40)]
    made = compose_models(mood, 1, FakeRecurrence(2560, 1), FakeRecurrence(2560, 2))
    made.use_states(Shelf())
    assert [bar.events for bar in islice(made, 40)] == plain


def test_a_mood_with_another_state_begins_anew_at_once():
    made = band(replace(LONG, piano_state="rain"), rain=tuned(), sun=tuned(-3.0))
    next(made)
    made.apply(replace(LONG, piano_state="sun"))
    next(made)
    assert held(made) < -2
    made.apply(LONG)
    next(made)
    assert held(made) == 0, "a mood without a state leaves nothing of the one before"


def test_a_snapshot_goes_on_note_for_note_without_beginning_again():
    made = band(replace(LONG, piano_state="rain"), rain=tuned())
    for _ in range(5):
        next(made)
    tree = through_json(made.snapshot())
    expected = [bar.events for bar in islice(made, 5)]
    again = band(replace(LONG, piano_state="rain"), rain=tuned())
    again.restore(tree)
    assert [bar.events for bar in islice(again, 5)] == expected
