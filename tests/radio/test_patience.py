"""Patience: how many failures are put up with, and for how long the rules compose."""

import pytest
from fakes_clock import ManualClock

from radio.errors import WorkerError
from radio.patience import DELAY_MAX_S, FAILURES_MAX, RULES_S, SLOW_BARS, SOUND_BARS, Patience


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def patience(clock):
    return Patience(clock)


def test_the_rules_compose_after_three_engines_in_a_row_and_not_for_ever(patience, clock):
    broken = WorkerError("broken")
    assert [patience.failed(broken) for _ in range(3)] == [False, False, True]
    assert patience.on_rules
    assert not patience.models_due
    clock.time_s += RULES_S
    assert patience.models_due
    patience.try_models()
    assert not patience.on_rules
    assert patience.failed(broken), "models that fail at once again get no three chances"


def test_an_engine_killed_from_outside_counts_half(patience):
    killed = WorkerError("killed", outside=True)
    assert [patience.failed(killed) for _ in range(int(FAILURES_MAX))] == [False] * 3
    assert not patience.on_rules


def test_an_engine_that_gave_some_bars_makes_up_for_the_failures_before_it(patience):
    patience.failed(WorkerError("broken"))
    patience.failed(WorkerError("broken"))
    patience.begins()
    for _ in range(SOUND_BARS):
        patience.saw(slow=False, low=False)
    assert not patience.failed(WorkerError("broken"))
    assert patience.delay_s == 0.0


def test_the_wait_for_the_next_engine_grows_to_a_limit(patience):
    waits = []
    for _ in range(8):
        patience.failed(WorkerError("broken"))
        waits.append(patience.delay_s)
    assert waits[0] == 0.0
    assert waits == sorted(waits)
    assert waits[-1] == DELAY_MAX_S


def test_slow_bars_matter_in_a_row_while_the_lead_runs_dry(patience):
    for slow, low in [*[(True, False)] * SLOW_BARS, (False, True), *[(True, True)] * (SLOW_BARS - 1)]:
        patience.saw(slow=slow, low=low)
    with pytest.raises(WorkerError, match="slower than the music") as raised:
        patience.saw(slow=True, low=True)
    assert patience.failed(raised.value), "the next engine would be as slow"
