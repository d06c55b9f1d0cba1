"""The producer: whatever the engine does, the programme goes on bar after bar."""

import asyncio
import weakref

import numpy as np
import pytest
from fakes_clock import settle
from fakes_station import BAR_FRAMES, RAINY, STUDY, FakeSetup, expected
from fakes_studio import Studio, producing

from engine import End, Hands, Mood
from radio.errors import RadioError
from radio.lead import HEARD_BARS
from radio.patience import RULES_S


async def test_the_lead_is_filled_and_never_overfilled():
    async with producing(lead_bars=3) as studio:
        await studio.full()
        await asyncio.sleep(0.05)
        assert studio.lead.frames == 3 * BAR_FRAMES
        sound, starts = await studio.pull(10)
        np.testing.assert_array_equal(sound, expected(10))
        assert [start.bar.index for start in starts] == list(range(10))
        assert [start.frame for start in starts] == [index * BAR_FRAMES for index in range(10)]
        assert studio.count("engine_restarts_total") == 0


async def test_each_bar_comes_with_the_state_before_it():
    async with producing() as studio:
        await studio.full()
        assert studio.lead.next_bar_resume.snapshot == b'[0, 0, "study"]'


async def test_samples_from_the_engine_are_read_only():
    async with producing() as studio:
        sound, _ = await studio.pull(1)
        await studio.full()
        assert not studio.lead.bar_after(0).block.samples.flags.writeable
        assert len(sound) == BAR_FRAMES


async def test_a_mood_is_heard_from_the_next_bar_that_can_be_reached():
    async with producing(lead_bars=20) as studio:
        await studio.full()
        studio.lead.pull(100)
        studio.producer.change_mood(RAINY)
        await settle(lambda: studio.count("mood_changes_total") == 1)
        # the first guess is that a new bar takes 1.5 s, 7.5 of our short bars
        _, starts = await studio.pull(15)
        assert [start.bar.index for start in starts] == list(range(1, 16))
        assert [start.bar.mood for start in starts] == ["study"] * 7 + ["rainy"] * 8
        # the fake's clock stood still, so the next one is known to be quick: 0.3 s, 1.5 bars
        studio.producer.change_mood(STUDY)
        await settle(lambda: studio.count("mood_changes_total") == 2)
        _, starts = await studio.pull(6)
        assert [start.bar.mood for start in starts] == ["rainy"] + ["study"] * 5


async def test_the_sound_of_a_mood_change_has_no_seam_and_no_hole():
    async with producing(lead_bars=20) as studio:
        await studio.full()
        studio.producer.change_mood(RAINY)
        await settle(lambda: studio.count("mood_changes_total") == 1)
        sound, starts = await studio.pull(20)
        moods = [start.bar.mood for start in starts]
        np.testing.assert_array_equal(sound, expected(20, lambda bar: moods[bar]))
        assert {"study", "rainy"} == set(moods)
        assert studio.count("engine_restarts_total") == 0


async def test_a_mood_with_a_short_lead_is_applied_to_the_next_bar_rendered():
    async with producing(lead_bars=2) as studio:
        await studio.full()
        studio.producer.change_mood(RAINY)
        _, starts = await studio.pull(5)
        assert [start.bar.mood for start in starts] == ["study"] * 2 + ["rainy"] * 3


async def test_the_first_bar_of_a_mood_is_let_go_once_it_was_heard():
    async with producing(lead_bars=20) as studio:
        await studio.full()
        studio.producer.change_mood(RAINY)
        await settle(lambda: studio.count("mood_changes_total") == 1)
        heard = []
        for _ in range(20):
            await studio.pull(1)
            heard.append(weakref.ref(studio.lead.heard[-1].samples))
        await studio.pull(HEARD_BARS)
        await studio.full()
        assert [bar() for bar in heard] == [None] * 20


async def test_a_mood_outlives_an_engine_that_fails_before_its_first_bar(tmp_path):
    setup = FakeSetup(hangs_at_bar=2, trace=tmp_path)
    async with producing(setup, lead_bars=2, call_timeout_s=0.2) as studio:
        await studio.full()
        studio.producer.change_mood(RAINY)
        await settle(lambda: studio.count("mood_changes_total") == 1)
        _, starts = await studio.pull(4)
        assert [start.bar.mood for start in starts] == ["study", "study", "rainy", "rainy"]
        assert studio.count("engine_restarts_total") == 1


async def test_moods_that_may_come_are_prepared_once_the_lead_is_full(tmp_path):
    async with producing(FakeSetup(trace=tmp_path), moods=(STUDY, RAINY)) as studio:
        await settle(lambda: len(list(tmp_path.iterdir())) == 2)
        await studio.pull(3)
        await studio.full()
        assert {one.name for one in tmp_path.iterdir()} == {"prepared study at bar 4", "prepared rainy at bar 4"}


@pytest.mark.parametrize(("passed", "rest"), [(9, 11), (17, 3)], ids=["a later bar takes it", "the end of the lead"])
async def test_an_engine_that_is_late_with_a_mood_costs_no_frame(tmp_path, passed, rest):
    async with producing(FakeSetup(trace=tmp_path), lead_bars=20) as studio:
        await studio.full()
        (tmp_path / "hold").touch()
        studio.producer.change_mood(RAINY)
        sound, starts = await studio.pull(passed)  # the bar line that was meant goes by
        (tmp_path / "hold").unlink()
        await settle(lambda: studio.count("mood_changes_total") == 1)
        more, later = await studio.pull(rest + 3)
        moods = [start.bar.mood for start in (*starts, *later)]
        assert moods.index("rainy") == (passed + 8 if rest > 8 else 20)
        assert set(moods[moods.index("rainy") :]) == {"rainy"}
        np.testing.assert_array_equal(np.concatenate([sound, more]), expected(len(moods), lambda bar: moods[bar]))


async def test_the_same_mood_again_changes_nothing():
    async with producing() as studio:
        await studio.full()
        studio.producer.change_mood(Mood(name="study"))
        await studio.pull(3)
        assert studio.count("mood_changes_total") == 0


async def test_of_two_moods_in_a_row_the_second_stays():
    async with producing(lead_bars=20) as studio:
        await studio.full()
        studio.producer.change_mood(RAINY)
        await asyncio.sleep(0.001)
        studio.producer.change_mood(STUDY)
        _, starts = await studio.pull(40)
        assert starts[-1].bar.mood == "study"
        assert [start.bar.index for start in starts] == list(range(40))


async def test_an_engine_that_keeps_failing_is_replaced_by_the_rules():
    async with producing(FakeSetup(raises_at_bar=5)) as studio:
        sound, starts = await studio.pull(12)
        assert [start.bar.index for start in starts] == list(range(12)), "the bar count goes on"
        assert [start.frame for start in starts] == [index * BAR_FRAMES for index in range(12)]
        assert [start.bar.composer for start in starts] == ["models"] * 5 + ["rules"] * 7
        assert starts[5].bar.piece.number == 1, "a new piece begins"
        np.testing.assert_array_equal(sound[: 5 * BAR_FRAMES], expected(5))
        assert studio.producer.on_rules
        assert studio.count("engine_restarts_total") == 3
        assert studio.producer.seed != 1, "a new engine must not play the first piece again"


async def test_the_models_get_another_chance_after_a_while():
    async with producing(FakeSetup(raises_at_bar=5)) as studio:
        await studio.pull(8)
        studio.clock.time_s += RULES_S
        _, starts = await studio.pull(12)
        composers = [start.bar.composer for start in starts]
        assert composers.count("models") == 5, "they compose a new piece until they fail again"
        assert [bar.index for bar in studio.bars] == list(range(20))


async def test_an_engine_that_hangs_is_replaced_and_nothing_is_lost(tmp_path):
    async with producing(FakeSetup(hangs_at_bar=6, trace=tmp_path), call_timeout_s=0.4) as studio:
        sound, starts = await studio.pull(12)
        np.testing.assert_array_equal(sound, expected(12))
        assert [start.bar.index for start in starts] == list(range(12))
        assert studio.count("engine_restarts_total") == 1


async def test_an_engine_that_cannot_be_built_at_all_ends_the_radio_with_its_own_words():
    studio = Studio(FakeSetup(builds="bank.sf2: not found. Install it."))
    with pytest.raises(RadioError, match=r"^station lofi: bank.sf2: not found. Install it.$"):
        await studio.producer.run()


@pytest.mark.parametrize("breaks", [False, True], ids=["well", "the engine hangs meanwhile"])
async def test_a_piece_ends_at_the_next_bar_line_that_can_be_reached_and_once_only(breaks, tmp_path):
    setup = FakeSetup(hangs_at_bar=8, trace=tmp_path) if breaks else FakeSetup()
    async with producing(setup, lead_bars=20 if not breaks else 7, call_timeout_s=0.3) as studio:
        await studio.full()
        studio.producer.end_piece(End.NOW)
        studio.producer.change_mood(RAINY)
        if not breaks:
            await settle(lambda: studio.count("piece_skips_total") == 1)
        _, starts = await studio.pull(16)
        assert [start.bar.index for start in starts] == list(range(16))
        numbers = [start.bar.piece.number for start in starts]
        turn = [start.bar.mood for start in starts].index("rainy")
        assert turn == (8 if not breaks else 7)
        assert [number - index // 8 for index, number in enumerate(numbers)] == [0] * turn + [1] * (16 - turn)
        assert studio.count("piece_skips_total") == 1
        assert studio.count("engine_restarts_total") == int(breaks)


async def test_what_is_asked_for_while_another_thing_is_done_comes_after_it(tmp_path):
    async with producing(FakeSetup(trace=tmp_path), lead_bars=20) as studio:
        await studio.full()
        (tmp_path / "hold").touch()
        studio.producer.end_piece(End.NOW)
        await asyncio.sleep(0.01)
        studio.producer.lay_hands(Hands(bpm=99))
        (tmp_path / "hold").unlink()
        await settle(lambda: studio.count("piece_skips_total") == 1)
        _, starts = await studio.pull(40)
        assert starts[-1].bar.piece.number == 39 // 8 + 1, "one piece was skipped, not two"
        assert starts[-1].bar.bpm == 99


@pytest.mark.parametrize("first", ["skip", "mood"])
async def test_a_change_that_is_quicker_than_the_one_before_does_not_undo_it(first):
    async with producing(lead_bars=20) as studio:
        await studio.full()
        if first == "skip":  # the first guess is that a bar takes 1.5 s: the ninth; then it is known to take less
            studio.producer.end_piece(End.NOW)
        else:
            studio.producer.change_mood(RAINY)
        await settle(lambda: studio.count("piece_skips_total") + studio.count("mood_changes_total") == 1)
        assert studio.producer.reach.bars == 9
        studio.producer.lay_hands(Hands(bpm=99))
        await settle(lambda: studio.lead.full and studio.lead.bar_after(8 * BAR_FRAMES).block.bars[0].bar.bpm == 99)
        _, starts = await studio.pull(12)
        assert [start.bar.bpm for start in starts] == [70.0] * 8 + [99] * 4
        assert [start.bar.mood for start in starts] == ["study"] * 8 + ["study" if first == "skip" else "rainy"] * 4
        assert starts[-1].bar.piece.number == (2 if first == "skip" else 1)
