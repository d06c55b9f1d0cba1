"""Engines that are killed, frozen, slow or play rubbish: each is replaced, and no frame is lost."""

import asyncio
import os
import signal

import numpy as np
import pytest
from fakes_clock import ManualClock, settle
from fakes_station import FakeSetup, expected
from fakes_studio import producing

from radio.patience import FAILURES_MAX


async def test_a_frozen_engine_is_noticed_at_once_and_the_spare_goes_on():
    async with producing(own_process=True, lead_bars=10, spare=True) as studio:
        await studio.full()
        await settle(lambda: studio.producer.spare_pid is not None)
        frozen, spare = studio.producer.pid, studio.producer.spare_pid
        before, _ = await studio.pull(3)
        os.kill(frozen, signal.SIGSTOP)
        after, _ = await studio.pull(14)
        np.testing.assert_array_equal(np.concatenate([before, after]), expected(17))
        assert studio.producer.pid == spare
        assert studio.count("engine_restarts_total") == 1


async def test_a_spare_that_died_unnoticed_is_not_used():
    async with producing(own_process=True, lead_bars=4, spare=True) as studio:
        await studio.full()
        await settle(lambda: studio.producer.spare_pid is not None)
        os.kill(studio.producer.spare_pid, signal.SIGKILL)
        await asyncio.sleep(0.05)
        os.kill(studio.producer.pid, signal.SIGKILL)
        sound, _ = await studio.pull(12)
        np.testing.assert_array_equal(sound, expected(12))
        assert studio.count("engine_restarts_total") == 1


@pytest.mark.parametrize("rubbish", ["nan", "inf", "noise", "none", "mono"])
async def test_rubbish_never_reaches_the_lead_and_the_rules_take_over(rubbish):
    async with producing(FakeSetup(rubbish_at_bar=5, rubbish=rubbish)) as studio:
        sound, starts = await studio.pull(10)
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() <= 0.21
        assert [start.bar.composer for start in starts] == ["models"] * 5 + ["rules"] * 5
        assert studio.count("engine_restarts_total") == FAILURES_MAX


async def test_rubbish_that_comes_once_costs_nothing(tmp_path):
    async with producing(FakeSetup(rubbish_at_bar=5, rubbish="nan", trace=tmp_path)) as studio:
        sound, starts = await studio.pull(10)
        np.testing.assert_array_equal(sound, expected(10))
        assert {start.bar.composer for start in starts} == {"models"}
        assert studio.count("engine_restarts_total") == 1


async def test_an_engine_slower_than_its_music_gives_way_to_the_rules():
    clock = ManualClock(runs=True)
    async with producing(FakeSetup(clock=clock, slow_s=0.3), clock=clock, lead_bars=8) as studio:  # a bar lasts 0.2 s
        _, starts = await studio.pull(12)
        assert [bar.index for bar in studio.bars] == list(range(12)), "the bar count goes on"
        assert starts[-1].bar.composer == "rules"
        assert studio.producer.on_rules


async def test_what_an_engine_replaces_later_is_told():
    async with producing(FakeSetup(trouble_at_bar=6)) as studio:
        await studio.full()
        assert studio.producer.troubles == ()
        await studio.pull(4)
        await studio.full()
        assert studio.producer.troubles == ("bar 6: the rain is missing.",)
