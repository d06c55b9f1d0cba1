"""Nothing is deleted because a clock is wrong."""

import pytest

from radio.calendar import DOUBT_S, SETTLE_S, Calendar

HOUR_S, YEAR_S = 3600.0, 365 * 86_400.0


def test_a_clock_that_goes_on_as_it_should_is_believed():
    calendar = Calendar(1e9, 50.0, settle_s=0.0)
    assert all(calendar.believes(1e9 + hour * HOUR_S, 50.0 + hour * HOUR_S) for hour in range(100))


def test_what_time_servers_correct_is_no_jump():
    calendar = Calendar(1e9, 0.0, settle_s=0.0)
    assert all(calendar.believes(1e9 + hour * (HOUR_S + 2.0), hour * HOUR_S) for hour in range(100))


@pytest.mark.parametrize("jump_s", [10 * YEAR_S, HOUR_S, -HOUR_S, -10 * YEAR_S])
def test_after_a_jump_it_must_be_right_for_a_day(jump_s):
    calendar = Calendar(1e9, 0.0, settle_s=0.0)
    assert calendar.believes(1e9 + 10, 10.0)
    times_s = [HOUR_S * hour for hour in range(1, 40)]
    believed = [calendar.believes(1e9 + jump_s + now_s, now_s) for now_s in times_s]
    assert believed == [now_s >= HOUR_S + DOUBT_S for now_s in times_s]


def test_a_clock_that_was_wrong_for_an_hour_is_doubted_from_its_correction_on():
    calendar = Calendar(1e9, 0.0, settle_s=0.0)
    calendar.believes(1e9 + YEAR_S, 10.0)
    assert not calendar.believes(1e9 + HOUR_S, HOUR_S)
    assert not calendar.believes(1e9 + DOUBT_S, DOUBT_S)
    assert calendar.believes(1e9 + DOUBT_S + HOUR_S, DOUBT_S + HOUR_S)


def test_a_clock_that_may_be_set_right_soon_after_the_start_is_not_believed_yet():
    calendar = Calendar(1e9, 0.0)
    assert [calendar.believes(1e9 + now_s, now_s) for now_s in (1.0, SETTLE_S - 1, SETTLE_S)] == [False, False, True]
