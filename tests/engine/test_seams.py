"""Where something changes: a mood, a piece. No click there, and no step in level. (Loops: test_loops.)"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bench import listening
from bench.steps import step_at
from engine.banks import find_bank
from engine.errors import SoundBankError
from engine.layout import parse_layout
from engine.moods import find_mood
from engine.station import Station
from engine.station_setup import StationSetup
from engine.studio import DOWNBEAT_FRAMES
from engine.types import SAMPLE_RATE_HZ

STEP_LU = 1.5
SEAM = 1.5
"""A bend at a seam may stand so far over all bends around it before it counts as a click."""


FORM = "intro:4 A:4 outro:8"
"""As short as a piece can be that begins and ends as all do; at this tempo 10 s are five or six bars."""


def brisk(mood):
    return replace(find_mood(mood), bpm_low=132, bpm_high=138)


@pytest.fixture(scope="module")
def programme(root):
    """Two pieces in a mood and the next mood, three times: (sound, bars). Moods that stepped by 1.8-3.5 LU once."""
    try:
        find_bank(None)
    except SoundBankError as error:
        pytest.skip(str(error))
    setup = StationSetup(brisk("rainy"), 5, composer="rules", loops=root / "loops", form=parse_layout(FORM))
    station = Station.build(setup)
    blocks = [station.render(45 * SAMPLE_RATE_HZ)]
    for mood in ("morning", "night-drive", "sleep"):
        station.apply(brisk(mood))
        blocks.append(station.render(35 * SAMPLE_RATE_HZ))
    station.close()
    return np.concatenate([block.samples for block in blocks]), tuple(start for block in blocks for start in block.bars)


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
    lines = [start.frame + DOWNBEAT_FRAMES for start in bars]
    steps = {
        f"{what} at {start.frame / SAMPLE_RATE_HZ:.1f} s": step_at(powers, lines, bars.index(start))
        for what, start in changes(bars)
    }
    steps = {where: step for where, step in steps.items() if step is not None}
    assert len(steps) >= 8
    for where, step in steps.items():
        assert abs(step.bars_lu) < STEP_LU, f"{where}: {step.bars_lu:+.1f} LU"
        assert abs(step.flat_lu) < STEP_LU, f"{where}: {step.flat_lu:+.1f} LU over 10 s flat"
