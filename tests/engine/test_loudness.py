"""Loudness and true peak, against pyloudnorm and against signals whose answer is known."""

import numpy as np
import pyloudnorm
import pytest
from scipy import signal

from engine.loudness import SILENT_LUFS, Meter, integrated_lufs, true_peak_dbtp
from engine.types import SAMPLE_RATE_HZ


def music(seconds, seed=0):
    """Pink-ish noise in bursts, left and right different."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * SAMPLE_RATE_HZ)
    noise = signal.lfilter([0.05], [1, -0.95], rng.standard_normal((frames, 2)), axis=0)
    envelope = 0.15 + 0.85 * (np.sin(np.arange(frames) / SAMPLE_RATE_HZ * 2.1) ** 4)[:, None]
    return (noise * envelope).astype(np.float32)


def sine(hz, amplitude, seconds=5.0, phase=0.0):
    wave = amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ + phase)
    return np.stack([wave, wave], axis=1).astype(np.float32)


@pytest.mark.parametrize("seconds", [3.0, 20.0])
def test_integrated_loudness_is_that_of_pyloudnorm(seconds):
    sound = music(seconds)
    expected = pyloudnorm.Meter(SAMPLE_RATE_HZ).integrated_loudness(sound.astype(np.float64))
    assert integrated_lufs(sound) == pytest.approx(expected, abs=0.1)


def test_the_gates_leave_out_silence_and_soft_passages():
    loud = music(6.0)
    mixed = np.concatenate([loud, loud * 0.01, np.zeros((SAMPLE_RATE_HZ * 5, 2), np.float32), loud])
    expected = pyloudnorm.Meter(SAMPLE_RATE_HZ).integrated_loudness(mixed.astype(np.float64))
    assert integrated_lufs(mixed) == pytest.approx(expected, abs=0.1)
    assert integrated_lufs(mixed) == pytest.approx(integrated_lufs(loud), abs=1.0)


def test_a_sine_of_997_hz_at_minus_20_dbfs_in_both_channels_is_minus_20_lufs():
    assert integrated_lufs(sine(997, 0.1)) == pytest.approx(-20.0, abs=0.05)


@pytest.mark.parametrize("size", [64, 65, 4799, 8191, 48_000])
def test_the_meter_reads_the_same_for_any_block_size(size):
    sound = music(5.0)
    whole, cut = Meter(), Meter()
    whole.add(sound)
    for start in range(0, len(sound), size):
        cut.add(sound[start : start + size])
    assert cut.integrated_lufs == pytest.approx(whole.integrated_lufs, abs=1e-6)
    assert cut.short_term_lufs == pytest.approx(whole.short_term_lufs, abs=1e-6)
    assert cut.momentary_lufs == pytest.approx(whole.momentary_lufs, abs=1e-6)


def test_momentary_and_short_term_follow_the_last_moments():
    meter = Meter()
    meter.add(sine(997, 0.1, 4.0))
    meter.add(sine(997, 0.01, 1.0))
    assert meter.momentary_lufs == pytest.approx(-40.0, abs=0.2)
    assert meter.short_term_lufs == pytest.approx(-20.0 + 10 * np.log10(2.02 / 3), abs=0.1)


def test_silence_and_too_little_sound_have_no_loudness():
    assert Meter().integrated_lufs == SILENT_LUFS
    assert integrated_lufs(np.zeros((SAMPLE_RATE_HZ, 2), np.float32)) == SILENT_LUFS


def test_true_peak_finds_what_lies_between_the_samples():
    between = sine(12_000, 0.5, 0.5, phase=np.pi / 4)  # every sample is at 0.707 of the peak
    assert 20 * np.log10(np.abs(between).max()) == pytest.approx(-9.03, abs=0.01)
    assert true_peak_dbtp(between) == pytest.approx(-6.02, abs=0.3)
    assert true_peak_dbtp(sine(1000, 0.5)) == pytest.approx(-6.02, abs=0.02)


def test_true_peak_is_that_of_a_long_interpolation():
    sound = music(2.0, seed=3)
    sound /= np.abs(sound).max() * 1.5
    expected = 20 * np.log10(np.abs(signal.resample_poly(sound, 4, 1, axis=0)).max())
    assert true_peak_dbtp(sound) == pytest.approx(expected, abs=0.1)
