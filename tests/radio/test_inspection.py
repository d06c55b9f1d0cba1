"""What may go on air, and what may not."""

from dataclasses import replace

import numpy as np
import pytest
from fakes_station import FakeSetup, FakeStation

from radio.inspection import flaw_in

GOOD = FakeStation(FakeSetup()).render_bar()


def bar(samples, **changes):
    return replace(GOOD, block=replace(GOOD.block, samples=samples), **changes)


def spoilt(value, at=4_000):
    samples = GOOD.block.samples.copy()
    samples[at] = value
    return bar(samples)


def test_a_bar_of_music_is_fit():
    assert flaw_in(GOOD) == ""


@pytest.mark.parametrize(
    ("rendered", "said"),
    [
        (spoilt(np.nan), "NaN"),
        (spoilt(np.inf), "NaN"),
        (spoilt(-np.inf), "NaN"),
        (spoilt(30.0), "peaks at 30"),
        (bar(np.sign(GOOD.block.samples)), "noise at full scale"),
        (bar(GOOD.block.samples + np.float32(0.3)), "offset"),
        (bar(np.zeros_like(GOOD.block.samples)), "silent"),
        (bar(GOOD.block.samples[:0]), "0 frames"),
        (bar(np.tile(GOOD.block.samples, (200, 1))), "1920000 frames"),
        (bar(GOOD.block.samples.T.copy()), "shape"),
        (bar(GOOD.block.samples[:, 0].copy()), "shape"),
        (bar(GOOD.block.samples.astype(np.float64)), "float64"),
        (bar(None), "shape"),
        (bar(GOOD.block.samples, snapshot=None), "without a snapshot"),
        (bar(GOOD.block.samples, snapshot=b""), "without a snapshot"),
        (replace(GOOD, block=replace(GOOD.block, start_frame=-9_600)), "outside"),
    ],
)
def test_a_bar_that_is_no_music_is_not(rendered, said):
    assert said in flaw_in(rendered)
