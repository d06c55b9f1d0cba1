"""The station: endless, cuttable anywhere, restorable, and honest about what it had to replace."""

from dataclasses import replace

import numpy as np
import pytest

from engine import Station, find_mood
from engine.errors import SnapshotError
from engine.fallback import compose_rules
from engine.snapshot import VERSION, pack, unpack
from engine.studio import DOWNBEAT_FRAMES
from engine.types import GRID_FRAMES, SAMPLE_RATE_HZ, Part
from tests.fakes import RecordingSynth

BIG = 20 * SAMPLE_RATE_HZ


@pytest.fixture
def make(setup):
    """A function that makes a station on the fake synthesiser."""

    def make_station(**changes):
        wanted = replace(setup, **changes)
        return Station(wanted, compose_rules(wanted.mood, wanted.seed), RecordingSynth)

    return make_station


def blocks(station, size, frames):
    return [station.render(min(size, frames - at)) for at in range(0, frames, size)]


@pytest.mark.parametrize("size", [64, 65, 128, 8191])
def test_blocks_of_any_size_are_the_same_broadcast(make, size):
    whole = make().render(10 * SAMPLE_RATE_HZ)
    cut = blocks(make(), size, 10 * SAMPLE_RATE_HZ)
    np.testing.assert_array_equal(np.concatenate([block.samples for block in cut]), whole.samples)
    assert [start for block in cut for start in block.bars] == list(whole.bars)
    assert [block.start_frame for block in cut[:3]] == [0, size, 2 * size]


def test_one_frame_at_a_time_is_the_same_broadcast(make):
    cut = blocks(make(), 1, 3000)
    np.testing.assert_array_equal(np.concatenate([b.samples for b in cut]), make().render(3000).samples)


def test_a_block_is_float32_stereo_read_only_and_names_the_bars_that_begin_in_it(make):
    station = make()
    block = station.render(BIG)
    assert block.samples.dtype == np.float32
    assert block.samples.shape == (BIG, 2)
    assert block.samples.flags.c_contiguous
    assert not block.samples.flags.writeable
    frames = [start.frame for start in block.bars]
    assert frames[0] == 0
    assert all(frame % GRID_FRAMES == 0 for frame in frames)
    assert [b.frame for b in block.bars[1:]] == [b.frame + b.frames for b in block.bars[:-1]]
    assert [b.bar.index for b in block.bars] == list(range(len(frames)))


def test_a_rendered_bar_is_one_whole_bar_and_the_state_before_it(make):
    station = make()
    first, second = station.render_bar(), station.render_bar()
    (start,) = second.block.bars
    assert second.block.start_frame == start.frame == first.block.frames
    assert second.block.frames == start.frames
    other = make(seed=99)
    other.restore(second.snapshot)
    again = other.render_bar()
    np.testing.assert_array_equal(again.block.samples, second.block.samples)
    assert again.block.bars == second.block.bars
    assert other.render_bar().block.bars == station.render_bar().block.bars


def test_the_rest_of_a_bar_that_was_begun_comes_first(make):
    station, whole = make(), make().render(BIG)
    station.render(1000)
    rest = station.render_bar().block
    assert rest.start_frame == 1000
    assert rest.bars == ()
    np.testing.assert_array_equal(rest.samples, whole.samples[1000 : 1000 + rest.frames])
    assert station.render_bar().block.bars == whole.bars[1:2]


@pytest.mark.parametrize("frames", [0, 1000, 143_936, 500_001])
def test_it_goes_on_from_a_snapshot_taken_anywhere(make, frames):
    station = make()
    station.render(frames)
    saved = station.snapshot()
    expected = station.render(BIG)
    other = make(seed=1)
    other.restore(saved)
    went_on = other.render(BIG)
    assert went_on.start_frame == frames
    assert went_on.bars == expected.bars
    np.testing.assert_array_equal(went_on.samples, expected.samples)


def test_a_snapshot_between_mood_and_bar_line_keeps_both_moods(make):
    station = make()
    station.render(1000)
    station.apply(find_mood("night-drive"))
    saved = station.snapshot()
    expected = station.render(BIG)
    other = make()
    other.restore(saved)
    went_on = other.render(BIG)
    assert went_on.bars == expected.bars
    np.testing.assert_array_equal(went_on.samples, expected.samples)
    assert {start.bar.mood for start in expected.bars} == {"night-drive"}


def test_a_mood_is_heard_from_the_next_bar(make):
    station = make()
    before = station.render_bar().block.bars[0].bar
    station.apply(find_mood("jazzhop"))
    after = station.render_bar().block.bars[0].bar
    assert (before.mood, after.mood) == ("study", "jazzhop")
    assert after.bpm >= find_mood("jazzhop").bpm_low
    assert after.index == before.index + 1


def test_a_restored_bar_can_be_rendered_again_in_another_mood(make):
    station = make()
    station.render_bar()
    second = station.render_bar()
    station.render_bar()
    station.restore(second.snapshot)
    station.apply(find_mood("rainy"))
    again = station.render_bar().block.bars[0]
    assert again.frame == second.block.bars[0].frame
    assert again.bar.index == second.block.bars[0].bar.index
    assert again.bar.mood == "rainy"


def test_the_same_seed_is_the_same_broadcast_and_another_seed_is_not(make):
    one, same, other = (make(seed=seed).render(BIG) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.samples, same.samples)
    assert [s.bar.events for s in one.bars] != [s.bar.events for s in other.bars]


def test_the_down_beat_sounds_the_stated_time_after_the_bar(make):
    quiet = replace(
        find_mood("study"), vinyl_db=-90.0, ambience=(), hiss_db=-90.0, wow_cents=0.0, human_ms=0.0, swing=0.5, room=0.0
    )
    station = make(mood=quiet)
    block = station.render(60 * SAMPLE_RATE_HZ)
    for start in block.bars[8:16]:
        assert any(e.tick == 0 and e.part is Part.DRUMS for e in start.bar.events)
        at = start.frame + DOWNBEAT_FRAMES
        before = np.abs(block.samples[at - 150 : at - 40]).max()
        after = np.abs(block.samples[at : at + 300]).max()
        assert after > 4 * before


@pytest.mark.parametrize("damage", [b"", b"no snapshot", None], ids=["empty", "text", "other tree"])
def test_a_damaged_snapshot_is_refused(make, damage):
    station = make()
    with pytest.raises(SnapshotError, match="snapshot"):
        station.restore(pack({"bar": {"mood": {}}, "taken": 0, "next_mood": None}) if damage is None else damage)


def test_a_snapshot_of_an_earlier_version_is_refused(make, monkeypatch):
    station = make()
    with monkeypatch.context() as before:
        before.setattr("engine.snapshot.VERSION", VERSION - 1)
        old = make().snapshot()
    with pytest.raises(SnapshotError, match=f"version {VERSION - 1}"):
        station.restore(old)


@pytest.mark.parametrize("change", [{"bpm_low": 20.0}, {"of_tomorrow": 1}], ids=["range", "field"])
def test_a_snapshot_with_a_mood_that_cannot_be_played_today_is_refused(make, change):
    tree = unpack(make().snapshot())
    tree["bar"]["mood"] |= change
    with pytest.raises(SnapshotError, match="does not fit"):
        make().restore(pack(tree))


def test_missing_loops_are_told_and_the_station_plays_on(make, tmp_path):
    station = make(loops=tmp_path)
    assert len(station.troubles) == 3 + len(find_mood("study").fills)
    assert all("loops.make" in trouble for trouble in station.troubles)
    assert np.abs(station.render(BIG).samples).max() > 0.01


def test_a_mood_on_air_whose_loop_is_missing_is_told_of_once(make, caplog):
    station = make()
    for bpm in (70.0, 71.0):
        station.apply(replace(find_mood("study"), ambience=(("waves", -30.0),), bpm_low=bpm))
        assert station.render_bar().block.samples.any()
    assert caplog.text.count("waves.flac: no such loop") == 1


def test_something_that_is_no_number_never_leaves(setup):
    class BrokenSynth(RecordingSynth):
        def render(self, events, frames):
            sound = super().render(events, frames)
            if self._frame > 5 * SAMPLE_RATE_HZ:
                sound[0, 0, 5] = np.nan
                sound[1, 1, 9] = np.inf
            return sound

    station = Station(setup, compose_rules(setup.mood, setup.seed), BrokenSynth)
    samples = station.render(BIG).samples
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1.0
