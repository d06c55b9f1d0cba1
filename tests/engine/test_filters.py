"""Filters and glides: which frequencies pass, and how one cut-off becomes another."""

import numpy as np
import pytest
from any_noise import noise
from scipy import signal

from engine.filters import Glide, LowPass, low_pass, shelf
from engine.types import SAMPLE_RATE_HZ


def test_a_low_pass_keeps_the_lows_and_takes_the_highs():
    effect = LowPass(1000.0)
    out = effect.process(noise(96_000))
    hz, power = signal.welch(out[0], SAMPLE_RATE_HZ, nperseg=4096)
    low, high = power[(hz > 100) & (hz < 500)].mean(), power[(hz > 8000) & (hz < 12_000)].mean()
    assert 10 * np.log10(high / low) < -36


def test_a_low_pass_crosses_over_to_its_new_cut_off_without_a_step():
    steady = np.ones((2, 72_000), np.float32)
    effect = LowPass(5000.0)
    effect.process(steady)
    effect.aim(500.0)
    assert np.abs(effect.process(steady) - 1.0).max() < 1e-3


def test_shelves_reach_their_levels_on_their_side_only():
    for high, at_hz, away_hz in ((True, 15_000, 30), (False, 30, 15_000)):
        _, response = signal.sosfreqz(shelf(1000.0, 6.0, high=high), worN=[at_hz, away_hz], fs=SAMPLE_RATE_HZ)
        assert 20 * np.log10(np.abs(response)) == pytest.approx([6.0, 0.0], abs=0.1)


def test_a_low_pass_design_refuses_to_go_over_what_the_rate_can_hold():
    assert np.isfinite(low_pass(90_000.0)).all()


def test_a_glide_moves_in_a_straight_line_and_then_stands():
    glide = Glide(1.0, frames=100)
    glide.aim(3.0)
    values = np.concatenate([glide.take(30), glide.take(70)])
    np.testing.assert_allclose(np.diff(values), 0.02, atol=1e-6)
    assert values[-1] == pytest.approx(3.0)
    assert glide.take(10) == 3.0


def test_a_glide_turned_round_on_its_way_does_not_jump():
    glide = Glide(0.0, frames=100)
    glide.aim(1.0)
    before = glide.take(50)[-1]
    glide.aim(0.0)
    assert glide.take(50)[0] == pytest.approx(before, abs=0.02)
