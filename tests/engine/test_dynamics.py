"""Limiter and rider: ceilings are kept, levels come to their aim slowly."""

import numpy as np
import pytest
from any_noise import noise

from engine.dynamics import Limiter, Rider
from engine.loudness import integrated_lufs, true_peak_dbtp
from engine.types import SAMPLE_RATE_HZ


def test_the_limiter_keeps_true_peaks_under_its_ceiling_and_quiet_sound_unchanged():
    rng = np.random.default_rng(2)
    sound = noise(96_000, level=0.05)
    for at in rng.integers(0, 95_000, 60):
        sound[:, at : at + 40] += rng.uniform(-2.5, 2.5)
    out = Limiter(-1.5).process(sound)
    assert true_peak_dbtp(out.T) < -1.4
    quiet = noise(20_000, level=0.02)
    delayed = Limiter(-1.5).process(quiet)
    np.testing.assert_array_equal(delayed[:, Limiter.DELAY_FRAMES :], quiet[:, : -Limiter.DELAY_FRAMES])


def test_the_limiter_turns_down_smoothly_and_comes_back():
    sound = np.full((2, 48_000), 0.25, np.float32)
    sound[:, 10_000:10_020] = 2.0
    out = Limiter(-1.5).process(sound)[0]
    around = np.delete(out, np.s_[10_000 + Limiter.DELAY_FRAMES - 30 : 10_020 + Limiter.DELAY_FRAMES + 30])
    assert np.abs(np.diff(around[200:])).max() < 0.01
    assert out[-1] == pytest.approx(0.25, abs=1e-4)


def tone(seconds, level_db):
    time_s = np.arange(round(SAMPLE_RATE_HZ * seconds)) / SAMPLE_RATE_HZ
    return np.tile(10 ** (level_db / 20) * np.sin(2 * np.pi * 997 * time_s), (2, 1)).astype(np.float32)


@pytest.mark.parametrize("level_db", [-30.0, -20.0, -10.0])
def test_the_rider_brings_any_level_to_the_target(level_db):
    out = Rider(-16.0, -20.0).process(tone(60, level_db))
    assert 20 * np.log10(np.abs(out[:, -48_000:]).max()) == pytest.approx(-16.0, abs=1.0)


def test_the_rider_moves_slowly_and_not_at_all_in_a_gap():
    rider = Rider(-16.0, -20.0)
    rider.process(tone(30, -20.0))
    before_db = rider.gain_db
    rider.process(tone(10, -50.0))
    assert rider.gain_db == pytest.approx(before_db, abs=0.3)
    rider.process(tone(1, -8.0))
    assert before_db - 2.5 < rider.gain_db < before_db


def test_two_riders_that_hear_nearly_the_same_ride_alike():
    rides_db = []
    for fade_db in np.arange(-38.0, -32.0, 0.2):  # across the gate, 15 LU under the tone
        rider = Rider(-16.0, -20.0)
        rider.process(np.concatenate([tone(8, -20.0), tone(0.1, fade_db)], axis=1))
        rides_db.append(rider.gain_db)
    assert np.abs(np.diff(rides_db)).max() < 0.01
    assert max(rides_db) - min(rides_db) > 0.02, "the gate stands elsewhere"


def test_the_rider_and_the_limiter_read_what_leaves_them():
    sound = tone(20, -12.0)
    rider, limiter = Rider(-16.0, -12.0), Limiter(-20.0)
    out = rider.process(sound)
    assert rider.loudness_lufs == pytest.approx(integrated_lufs(out[:, -4 * SAMPLE_RATE_HZ :].T), abs=0.3)
    limited = limiter.process(out)
    assert limiter.take_peak_dbtp() == pytest.approx(true_peak_dbtp(limited.T), abs=0.2)
    assert limiter.take_peak_dbtp() < -100
    limiter.process(0.1 * sound)
    assert limiter.take_peak_dbtp() > -60
