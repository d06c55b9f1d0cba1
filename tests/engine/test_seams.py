"""Where something changes: a mood, a piece. No click there, and no step in level. (Loops: test_loops.)"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bench import listening
from engine.banks import find_bank
from engine.errors import SoundBankError
from engine.moods import find_mood
from engine.station import DOWNBEAT_FRAMES, Station, StationSetup
from engine.types import SAMPLE_RATE_HZ

STEP_LU = 1.5
SEAM = 1.5
"""A bend at a seam may stand so far over all bends around it before it counts as a click."""


@pytest.fixture(scope="module")
def programme(root):
    """A short piece, the beginning of the next one, then another mood: (sound, bars, frame of the mood's change)."""
    try:
        find_bank(None)
    except SoundBankError as error:
        pytest.skip(str(error))
    brisk = replace(find_mood("study"), bpm_low=132, bpm_high=138, piece_bars_low=36, piece_bars_high=36)
    station = Station.build(StationSetup(brisk, 5, composer="rules", loops=root / "loops"))
    first = station.render(95 * SAMPLE_RATE_HZ)
    station.apply(replace(find_mood("rainy"), bpm_low=132, bpm_high=138, keys=brisk.keys, minor_share=0.5))
    second = station.render(35 * SAMPLE_RATE_HZ)
    station.close()
    return np.concatenate([first.samples, second.samples]), (*first.bars, *second.bars)


def changes(bars):
    pairs = list(pairwise(bars))
    yield from (("piece", after) for before, after in pairs if after.bar.piece.number != before.bar.piece.number)
    yield from (("mood", after) for before, after in pairs if after.bar.mood != before.bar.mood)


def test_no_bar_line_and_no_change_of_piece_or_mood_clicks(programme):
    sound, bars = programme
    assert {what for what, _ in changes(bars)} == {"piece", "mood"}
    for start in bars[1:]:
        assert listening.seam(sound, start.frame) < SEAM
    for _, start in changes(bars):
        assert listening.seam(sound, start.frame) < 1.0
    assert listening.clicks(sound) == []


def test_no_change_of_piece_or_mood_makes_a_step_in_level(programme):
    sound, bars = programme
    powers = listening.step_powers(sound)
    for what, start in changes(bars):
        at = (start.frame + DOWNBEAT_FRAMES) * 10 // SAMPLE_RATE_HZ
        if at + 100 > len(powers):
            continue
        before, after = (listening.integrated_lufs(powers[part]) for part in (slice(at - 100, at), slice(at, at + 100)))
        at_s = start.frame / SAMPLE_RATE_HZ
        assert abs(after - before) < STEP_LU, f"{what} at {at_s:.1f} s: {after - before:+.1f} LU"
