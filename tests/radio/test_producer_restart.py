"""The producer after a restart of the radio: the programme goes on where the run before left it."""

import asyncio

import numpy as np
import pytest
from fakes_station import BAR_FRAMES, RAINY, FakeSetup, expected
from fakes_studio import Studio, producing

from engine import Hands


async def saved_after(bars, setup=None):
    async with producing(setup) as studio:
        _, starts = await studio.pull(bars)
        await studio.full()
        last = starts[-1].bar
        return studio.producer.saved(bars * BAR_FRAMES, last.index + 1, last.piece.number + 1)


async def test_a_later_run_goes_on_with_the_next_bar_of_the_same_piece():
    saved = await saved_after(11)
    async with producing(saved=saved) as studio:
        sound, starts = await studio.pull(4)
        np.testing.assert_array_equal(sound, expected(15)[11 * BAR_FRAMES :])
        assert [start.bar.index for start in starts] == [11, 12, 13, 14]
        assert starts[0].frame == 0, "the broadcast adds where it is itself"


async def test_a_later_run_in_another_mood_goes_on_in_that_mood():
    saved = await saved_after(3)
    async with producing(FakeSetup(mood=RAINY), saved=saved) as studio:
        _, starts = await studio.pull(2)
        assert [(start.bar.index, start.bar.mood) for start in starts] == [(3, "rainy"), (4, "rainy")]


async def test_the_station_goes_on_counting_even_after_the_rules_took_over_in_the_last_run():
    saved = await saved_after(9, FakeSetup(raises_at_bar=5))
    async with producing(FakeSetup(composer="rules"), saved=saved) as studio:
        _, starts = await studio.pull(3)
        assert [start.bar.index for start in starts] == [9, 10, 11]


@pytest.mark.parametrize("spoil", ["assets", "snapshot"])
async def test_a_later_run_that_cannot_go_on_begins_a_new_piece_and_counts_on(spoil, caplog):
    caplog.set_level("INFO")
    saved = await saved_after(11)
    setup = FakeSetup(asset="bb")
    if spoil == "snapshot":
        setup = FakeSetup()
        saved = type(saved)(type(saved.resume)(b"garbage", 0), 11 * BAR_FRAMES, 11, 2, (0, 0), 1, saved.assets)
    async with producing(setup, saved=saved) as studio:
        _, starts = await studio.pull(3)
        assert [(start.bar.index, start.bar.piece.number) for start in starts] == [(11, 2), (12, 2), (13, 2)]
        assert studio.count("engine_restarts_total") == 0
    assert caplog.text.count("begins a new piece") == 1


async def test_hands_outlive_an_engine_and_a_restart(tmp_path):
    async with producing(FakeSetup(raises_at_bar=5)) as studio:
        studio.producer.lay_hands(Hands(bpm=99))
        _, starts = await studio.pull(12)
        assert [start.bar.composer for start in starts][-1] == "rules"
        assert {start.bar.bpm for start in starts[6:]} == {99}
    saved = await saved_after(9)
    studio = Studio(saved=saved)
    studio.producer.lay_hands(Hands(bpm=98))
    async with asyncio.timeout(100), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(studio.producer.run())
        _, starts = await studio.pull(2)
        running.cancel()
    assert [(start.bar.index, start.bar.bpm) for start in starts] == [(9, 98), (10, 98)]
