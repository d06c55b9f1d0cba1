"""The engine's meters, read bar by bar."""

import numpy as np
import pytest

from engine.fallback import compose_rules
from engine.levels import silence_at_end_s
from engine.loudness import integrated_lufs, true_peak_dbtp
from engine.moods import find_mood
from engine.station import Station
from engine.station_setup import StationSetup
from engine.types import SAMPLE_RATE_HZ, Part
from tests.fakes import RecordingSynth


def test_every_bar_brings_what_the_meters_show(root):
    setup = StationSetup(find_mood("study"), 1, composer="rules", loops=root / "loops")
    station = Station(setup, compose_rules(setup.mood, 1), RecordingSynth)
    bars = [station.render_bar() for _ in range(16)]
    sound = np.concatenate([bar.block.samples for bar in bars])
    levels = bars[-1].levels
    assert levels.loudness_lufs == pytest.approx(integrated_lufs(sound[-4 * SAMPLE_RATE_HZ :]), abs=2.0)
    assert levels.true_peak_dbtp == pytest.approx(true_peak_dbtp(bars[-1].block.samples), abs=0.3)
    assert levels.silence_s == 0
    assert -40 < levels.brightness_db < 0
    assert set(levels.parts_lufs) == set(Part)
    assert levels.parts_lufs[Part.DRUMS] > -40
    station.close()


def test_silence_is_counted_from_the_end_and_over_bars():
    sound = np.full((SAMPLE_RATE_HZ, 2), 0.1, np.float32)
    assert silence_at_end_s(sound, 7.0) == 0
    sound[SAMPLE_RATE_HZ // 2 :] = 0
    assert silence_at_end_s(sound, 7.0) == pytest.approx(0.5)
    assert silence_at_end_s(np.zeros_like(sound), 7.0) == pytest.approx(8.0)
