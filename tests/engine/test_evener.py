"""The evener: thin bars and full ones are near one loudness, from their first down-beat on."""

import numpy as np
import pytest

from engine.evener import LOUDER_LU, RISE_DB, SOFTER_LU, Evener
from engine.fader import FALL_FRAMES
from engine.loudness import integrated_lufs
from engine.snapshot import pack, unpack
from engine.types import SAMPLE_RATE_HZ

TARGET_LUFS = -21.5
BAR_FRAMES = 3 * SAMPLE_RATE_HZ


def bar(level_db):
    """A bar of noise, both sides alike, that begins on its down-beat."""
    noise = np.random.default_rng(3).standard_normal(BAR_FRAMES) * 10 ** (level_db / 20)
    noise[:FALL_FRAMES] = 0.0
    return np.tile(noise, (2, 1)).astype(np.float32)


def loudness_lufs(sound):
    return integrated_lufs(sound[:, FALL_FRAMES:].T)


ORDINARY_DB = TARGET_LUFS - loudness_lufs(bar(0.0))
"""At this level a bar has the loudness that it shall have."""


def evened(*levels_lu):
    hand = Evener(TARGET_LUFS)
    return [hand.process(bar(ORDINARY_DB + level)) for level in levels_lu]


def test_no_bar_is_far_from_its_loudness_though_they_differ_by_10_lu():
    for sound in evened(0.0, -8.0, 2.0, -6.0, 0.0, -8.0, 2.0):
        assert loudness_lufs(sound) == pytest.approx(TARGET_LUFS, abs=SOFTER_LU + 0.5)


def test_the_band_that_comes_back_after_a_thin_bar_is_right_at_its_down_beat():
    after = evened(0.0, -9.0, -9.0, 1.0)[-1]
    first = after[:, FALL_FRAMES : FALL_FRAMES + SAMPLE_RATE_HZ]
    assert integrated_lufs(first.T) == pytest.approx(TARGET_LUFS, abs=SOFTER_LU + 0.3)


def test_small_differences_are_still_heard_and_their_order_is_kept():
    louds = [loudness_lufs(sound) for sound in evened(-3.0, -1.0, 0.0, 1.0, 3.0)]
    assert louds == sorted(louds)
    assert 0.3 < louds[3] - louds[1] < 0.8


def test_a_loud_bar_stands_out_less_than_a_soft_one_falls_back():
    soft, even, loud = (loudness_lufs(evened(level)[0]) for level in (-7.0, 0.0, 7.0))
    assert loud - even == pytest.approx(LOUDER_LU, abs=0.1)
    assert even - soft == pytest.approx(SOFTER_LU, abs=0.1)


def test_no_bar_is_so_loud_that_it_stands_out():
    even, loudest = (loudness_lufs(evened(level)[0]) for level in (0.0, 14.0))
    assert loudest - even == pytest.approx(LOUDER_LU, abs=0.1)


def test_what_is_nearly_silent_stays_soft():
    assert loudness_lufs(evened(0.0, -40.0, -40.0)[-1]) < TARGET_LUFS - 40.0 + RISE_DB + 0.5


def test_pauses_do_not_lift_the_notes_between_them():
    broken = bar(ORDINARY_DB)
    broken[:, SAMPLE_RATE_HZ:] *= 0.001  # sounds for 0.8 s of 2.8: 5.4 LU by the plain mean, none by its sound
    sounding = Evener(TARGET_LUFS).process(broken)[:, FALL_FRAMES:SAMPLE_RATE_HZ]
    assert integrated_lufs(sounding.T) == pytest.approx(TARGET_LUFS, abs=1.0)


def test_it_goes_on_from_a_snapshot_bit_for_bit():
    one, other = Evener(TARGET_LUFS), Evener(TARGET_LUFS)
    one.process(bar(-12.0))
    other.restore(unpack(pack(one.snapshot())))
    np.testing.assert_array_equal(one.process(bar(-30.0)), other.process(bar(-30.0)))
