"""The leveller: a part is right from its first note, and stays where it is while others play."""

import numpy as np
import pytest

from engine.leveller import STEP_DB, Leveller
from engine.loudness import integrated_lufs
from engine.snapshot import pack, unpack
from engine.types import SAMPLE_RATE_HZ

TARGET_LUFS = -24.0
BAR_FRAMES = 3 * SAMPLE_RATE_HZ


def bar(level_db, sounding_s=3.0, frames=BAR_FRAMES):
    """A bar with a tone of 997 Hz, both sides, that rings for so long."""
    time_s = np.arange(frames) / SAMPLE_RATE_HZ
    tone = 10 ** (level_db / 20) * np.sin(2 * np.pi * 997 * time_s) * (time_s < sounding_s)
    return np.tile(tone, (2, 1)).astype(np.float32)


def leveller(memory_s=25.0):
    return Leveller(TARGET_LUFS, memory_s)


@pytest.mark.parametrize("level_db", [-30.0, -24.0, -18.0])
def test_the_very_first_bar_comes_near_its_level_whatever_was_expected(level_db):
    assert integrated_lufs(leveller().process(bar(level_db)).T) == pytest.approx(TARGET_LUFS, abs=3.0)
    hand = leveller()
    for _ in range(8):
        out = hand.process(bar(level_db))
    assert integrated_lufs(out.T) == pytest.approx(TARGET_LUFS, abs=0.5)


def test_silence_and_the_ends_of_notes_teach_it_nothing():
    hand = leveller()
    for _ in range(8):
        hand.process(bar(-30.0))
    before_db = hand.gain_db
    for level_db in (-200.0, -60.0, -200.0):
        for _ in range(20):
            hand.process(bar(level_db))
    assert hand.gain_db == pytest.approx(before_db, abs=0.1)


def test_a_part_of_few_short_notes_stands_where_one_that_always_plays_does():
    always, seldom = leveller(), leveller(3.0)
    loud = [integrated_lufs(always.process(bar(-27.0)).T) for _ in range(40)]
    short = [seldom.process(bar(-27.0, 0.8) if at % 8 == 5 else bar(-200.0)) for at in range(40)]
    sounding = np.concatenate([sound[:, : round(0.8 * SAMPLE_RATE_HZ)] for sound in short[5::8]], axis=1)
    assert integrated_lufs(sounding.T) == pytest.approx(loud[-1], abs=1.5)


def test_it_moves_little_from_bar_to_bar_and_without_a_jump():
    hand = leveller()
    sounds = [hand.process(bar(-24.0)) for _ in range(8)]
    before_db = hand.gain_db
    sounds.append(hand.process(bar(-14.0)))
    assert -STEP_DB <= hand.gain_db - before_db < -0.5
    bend = np.abs(np.diff(np.concatenate(sounds[:8], axis=1), 2)).max()
    joined = np.concatenate([sounds[7][:, -10:] * 10**0.5, sounds[8]], axis=1)
    assert np.abs(np.diff(joined, 2)).max() < 4 * bend


def test_it_reads_what_leaves_it():
    hand = leveller()
    for _ in range(6):
        out = hand.process(bar(-20.0))
    assert hand.loudness_lufs == pytest.approx(integrated_lufs(out.T), abs=0.3)


def test_it_goes_on_from_a_snapshot_bit_for_bit():
    one, other = leveller(), leveller()
    for level_db in (-30.0, -20.0):
        one.process(bar(level_db))
    other.restore(unpack(pack(one.snapshot())))
    np.testing.assert_array_equal(one.process(bar(-25.0)), other.process(bar(-25.0)))
