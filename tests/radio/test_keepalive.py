"""Keeping alive: which errors, how often, how patiently."""

import asyncio
import itertools
import logging

import pytest
from fakes_clock import ManualClock, settle

from radio.errors import OutputError
from radio.keepalive import Backoff, Keeper, RefusedError, keepalive
from radio.metrics import Metrics
from radio.outputs import icecast


class Edge:
    """Fails with the next error of a list each time it is run; ends by itself when there is none."""

    def __init__(self, clock, *errors, lasts_s=0.0):
        self.starts_s = []
        self._clock, self._errors, self._lasts_s = clock, list(errors), lasts_s

    async def run(self):
        self.starts_s.append(self._clock.now_s() - 1000.0)
        if self._errors:
            self._clock.time_s += self._lasts_s
            raise self._errors.pop(0)


def keeper(clock):
    return Keeper(Metrics(), clock)


async def starts(*errors, lasts_s=0.0):
    clock = ManualClock(runs=True)
    edge = Edge(clock, *errors, lasts_s=lasts_s)
    async with asyncio.timeout(30):
        await keepalive("edge", edge.run, (OSError, OutputError), keeper(clock))
    return edge.starts_s


async def test_first_tries_come_quickly_then_every_three_seconds():
    assert await starts(*[OSError("gone")] * 6) == [0, 0.5, 1.5, 3.5, 5.5, 8.5, 11.5]


async def test_one_that_stays_away_is_asked_every_thirty_seconds():
    begun = await starts(*[OSError("gone")] * 240)
    assert begun[-1] - begun[-2] == pytest.approx(30)
    assert all(later - sooner <= 3 for sooner, later in itertools.pairwise(begun) if sooner < 595)


async def test_one_that_is_well_between_failures_is_tried_at_once_every_time():
    begun = await starts(*[OSError("gone")] * 80, lasts_s=20)  # a server that resets every 20 s, for half an hour
    assert {round(later - sooner, 3) for sooner, later in itertools.pairwise(begun)} == {20.5}


async def test_an_attempt_that_nobody_answers_is_no_good_run():
    longest_s = icecast.CONNECT_TIMEOUT_S + icecast.ANSWER_TIMEOUT_S + icecast.ANSWER_PATIENCE_S
    begun = await starts(*[OSError("gone")] * 120, lasts_s=longest_s)
    assert begun[-1] - begun[-2] == pytest.approx(longest_s + 30)


async def test_one_that_refuses_is_asked_slowly_from_the_start():
    assert await starts(RefusedError("wrong password"), RefusedError("wrong password")) == [0, 30, 60]


async def test_an_error_that_was_not_declared_ends_it():
    with pytest.raises(ZeroDivisionError):
        await starts(ZeroDivisionError())


async def test_the_same_words_are_logged_once(caplog):
    caplog.set_level(logging.WARNING)
    await starts(*[OSError("gone")] * 5, OSError("other"))
    assert [record.message.split(" (")[0] for record in caplog.records] == ["edge: gone", "edge: other"]


async def test_restarts_are_counted():
    clock, metrics = ManualClock(runs=True), Metrics()
    await keepalive("edge", Edge(clock, OSError(), OSError()).run, (OSError,), Keeper(metrics, clock))
    assert metrics.registry.get_sample_value("lofi_keepalive_restarts_total", {"output": "edge"}) == 2


async def test_it_ends_when_cancelled_while_waiting():
    clock = ManualClock()
    edge = Edge(clock, OSError())
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        kept = tasks.create_task(keepalive("edge", edge.run, (OSError,), keeper(clock)))
        await settle(lambda: clock.next_deadline_s is not None)
        kept.cancel()
    assert kept.cancelled()


def test_sound_is_back_within_five_seconds_of_any_return_in_the_first_ten_minutes():
    backoff, failing_s, tries = Backoff(), 0.0, 0
    while failing_s < 600:
        tries += 1
        delay_s = backoff.delay_s(tries, failing_s)
        assert delay_s <= 3
        failing_s += delay_s
