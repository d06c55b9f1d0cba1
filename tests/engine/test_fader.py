"""The fader moves at bar lines, without a jump."""

import numpy as np
import pytest

from engine.fader import FALL_FRAMES, RISE_FRAMES, Fader
from engine.types import SAMPLE_RATE_HZ


def ones(frames=2 * SAMPLE_RATE_HZ):
    return np.ones((2, frames), np.float32)


def db(sound):
    return 20 * np.log10(sound[0])


def test_the_first_bar_has_its_gain_from_its_beginning():
    assert db(Fader().move(ones(), -6.0)) == pytest.approx(-6.0, abs=1e-4)


@pytest.mark.parametrize(("to_db", "frames"), [(-10.0, FALL_FRAMES), (4.0, RISE_FRAMES)])
def test_it_goes_to_the_next_gain_in_a_straight_line_down_faster_than_up(to_db, frames):
    fader = Fader()
    before = fader.move(ones(), -4.0)
    after = db(fader.move(ones(), to_db))
    joined = np.concatenate([db(before)[-1:], after])
    assert np.abs(np.diff(joined)).max() < 1.05 * abs(to_db + 4.0) / frames + 1e-5
    assert after[frames // 2] == pytest.approx((to_db - 4.0) / 2, abs=0.01)
    assert after[frames:] == pytest.approx(to_db, abs=1e-4)
    assert fader.gain_db == to_db


def test_a_short_stretch_takes_it_only_part_of_the_way():
    fader = Fader()
    fader.move(ones(), 0.0)
    fader.move(ones(FALL_FRAMES // 4), -8.0)
    assert fader.gain_db == pytest.approx(-2.0)
