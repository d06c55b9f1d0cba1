"""When nothing new is ready the last bars are heard again, in time and without a click."""

import numpy as np
import pytest
from fakes_station import BAR_FRAMES, FakeSetup, FakeStation, expected

from radio.encore import Encore
from radio.join import JOIN_FRAMES
from radio.lead import Lead, LeadBar


class Stage:
    def __init__(self, bars, longest_s=10.0):
        self.lead, self.engine = Lead(10**9), FakeStation(FakeSetup())
        self.encore = Encore(self.lead, longest_s)
        self.add(bars)

    def add(self, bars):
        for _ in range(bars):
            rendered = self.engine.render_bar()
            self.lead.add(LeadBar(rendered.block, rendered.snapshot))

    def pull(self, frames, block=2048):
        """(samples, index of the bar that begins at each bar line)."""
        pieces, bars = [], []
        for at in range(0, frames, block):
            pulled = self.encore.pull(min(block, frames - at))
            pieces.append(pulled.samples)
            bars += [(at + offset, start.bar.index) for offset, start in pulled.bars]
        return np.concatenate(pieces), bars


@pytest.mark.parametrize("block", [64, 2048, 9_599, 30_000])
def test_while_music_is_ready_nothing_is_changed(block):
    sound, bars = Stage(6).pull(6 * BAR_FRAMES, block)
    np.testing.assert_array_equal(sound, expected(6))
    assert bars == [(index * BAR_FRAMES, index) for index in range(6)]


@pytest.mark.parametrize("block", [64, 2048, 9_599, 30_000])
def test_the_last_four_bars_are_played_again_from_bar_line_to_bar_line(block):
    stage = Stage(6)
    sound, bars = stage.pull(15 * BAR_FRAMES, block)
    assert [index for _, index in bars] == [0, 1, 2, 3, 4, 5, *[2, 3, 4, 5] * 2, 2]
    assert [at for at, _ in bars] == [BAR_FRAMES * line for line in range(15)]
    music = expected(6)
    np.testing.assert_array_equal(
        sound[6 * BAR_FRAMES + JOIN_FRAMES : 10 * BAR_FRAMES], music[2 * BAR_FRAMES + JOIN_FRAMES :]
    )
    assert np.abs(np.diff(sound, axis=0)).max() < 1.2 * np.abs(np.diff(music, axis=0)).max(), "nothing clicks"
    assert not stage.encore.dry


def test_new_music_goes_on_at_the_next_bar_line():
    stage = Stage(6)
    stage.pull(7 * BAR_FRAMES + 100)
    stage.add(3)
    sound, bars = stage.pull(4 * BAR_FRAMES - 100)
    assert bars == [(BAR_FRAMES - 100 + line * BAR_FRAMES, 6 + line) for line in range(3)]
    end = 2 * BAR_FRAMES - 100
    np.testing.assert_array_equal(sound[end : end + 2 * BAR_FRAMES], expected(9)[7 * BAR_FRAMES :])
    assert stage.encore.repeated_frames == 0


def test_only_bars_of_the_piece_that_sounds_come_again():
    _, bars = Stage(10).pull(13 * BAR_FRAMES)  # piece 1 begins with bar 8
    assert [index for _, index in bars[10:]] == [8, 9, 8]


def test_it_ends_after_a_while_at_a_bar_line_and_is_ready_for_the_next_time():
    stage = Stage(4, longest_s=0.9)  # 4.5 bars
    sound, bars = stage.pull(20 * BAR_FRAMES)
    assert len(sound) == 12 * BAR_FRAMES
    assert stage.encore.dry
    stage.add(1)
    assert not stage.encore.dry
    sound, bars = stage.pull(3 * BAR_FRAMES)
    assert [index for _, index in bars] == [4, 1, 2]


def test_without_any_music_yet_there_is_nothing_to_repeat():
    stage = Stage(0)
    assert stage.encore.dry
    assert len(stage.pull(1000)[0]) == 0
