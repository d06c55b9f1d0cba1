"""The measures of `bench.listening`, against signals whose answer is known and against the engine's own meter."""

import numpy as np
import pytest

from bench import listening
from bench.steps import step_at
from engine.loudness import integrated_lufs, true_peak_dbtp

RATE_HZ = listening.RATE_HZ


def tone(seconds=5.0, hz=997.0, level=0.1):
    time_s = np.arange(round(RATE_HZ * seconds)) / RATE_HZ
    return np.repeat((level * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)[:, None], 2, axis=1)


def test_two_meters_by_the_same_rule_agree():
    sound = tone(12.0) + np.random.default_rng(0).standard_normal((12 * RATE_HZ, 2)).astype(np.float32) * 0.02
    assert listening.integrated_lufs(listening.step_powers(sound)) == pytest.approx(integrated_lufs(sound), abs=0.05)
    assert listening.true_peak_dbtp(sound) == pytest.approx(true_peak_dbtp(sound), abs=0.2)


def test_a_click_is_found_and_an_attack_is_not():
    sound = tone()
    sound[100_000] += 0.3
    assert listening.clicks(sound) == pytest.approx([99_999], abs=2)
    assert listening.seam(sound, 100_000) > 5
    struck = tone()
    rng = np.random.default_rng(1)
    struck[100_000:110_000] += (rng.standard_normal((10_000, 2)) * 0.2).astype(np.float32)
    assert listening.clicks(struck) == []


def test_silence_is_found_with_its_place():
    sound = tone()
    sound[RATE_HZ : 2 * RATE_HZ] = 0
    assert listening.silences(sound) == [(pytest.approx(1.0), pytest.approx(1.0))]


def test_spectrum_and_stereo_of_a_known_sound():
    sound = tone(hz=3000.0)
    assert listening.spectrum(sound).below_95_hz == pytest.approx(3000, abs=20)
    assert listening.spectrum(sound).above_12k_db < -60
    sound[:, 1] = -sound[:, 1]
    assert listening.stereo(sound)[0] == pytest.approx(-1.0)


@pytest.mark.parametrize("codec", ["mp3", "aac"])
def test_a_codec_gives_back_about_what_it_got(codec):
    sound = tone(4.0)
    out = listening.decoded(sound, codec)
    assert len(out) > 3.8 * RATE_HZ
    assert listening.integrated_lufs(listening.step_powers(out)) == pytest.approx(
        listening.integrated_lufs(listening.step_powers(sound)),
        abs=0.6,  # LAME turns down by 0.44 dB
    )


def struck(bars, seconds=4.0, step_db=0.0, step_bar=None):
    """Powers and lines of bars that are each loud in their first second and softer by 10 dB after it."""
    shape = np.where(np.arange(round(seconds * 10)) < 10, 0.01, 0.001)
    gains = [10 ** (step_db / 10) if step_bar is not None and at >= step_bar else 1.0 for at in range(bars)]
    lines = [round(at * seconds * RATE_HZ) for at in range(bars)]
    return np.concatenate([shape * gain for gain in gains]), lines


def test_bars_that_are_all_alike_make_no_step_though_ten_seconds_cut_them():
    step = step_at(*struck(12), 6)
    assert step.bars_lu == pytest.approx(0.0, abs=0.01)
    assert step.flat_lu > 1.0  # two and a half bars: the soft end of one before, the loud beginning of one after


@pytest.mark.parametrize("step_db", [-2.0, 1.6])
def test_a_step_between_bars_is_told_as_it_is(step_db):
    step = step_at(*struck(12, step_db=step_db, step_bar=6), 6)
    assert step.bars_lu == pytest.approx(step_db, abs=0.15)


def test_a_line_without_ten_seconds_on_either_side_is_not_judged():
    powers, lines = struck(12)
    judged = [at for at in range(12) if step_at(powers, lines, at) is not None]
    assert judged == list(range(3, 9))
    assert step_at(powers[:439], lines, 8) is None
