"""Looks at each bar before it may go on air. Knows nothing about where it comes from or what becomes of a bad one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from radio.worker import Rendered

BAR_S_MAX = 30.0
"""The longest bar that a mood allows (40 bpm) lasts 6 s."""
PEAK_MAX = 1.0
"""The limiter ends at 0.8; only something that went around it is louder."""
LOUD_RMS = 0.5
"""-6 dBFS all through a bar: ten decibels above the loudest music, so noise."""
OFFSET_MAX = 0.1
SILENT_PEAK = 1e-5
"""-100 dBFS: what is on air never falls so low, the vinyl alone is 50 dB louder."""


def flaw_in(rendered: Rendered) -> str:
    """Say what is wrong with a bar; empty when it is fit for the air."""
    samples = rendered.block.samples
    shape, kind = np.shape(samples), getattr(samples, "dtype", None)
    if len(shape) != 2 or shape[1] != 2 or kind != np.float32:
        return f"the sound has shape {shape} of {kind}, not [frames, 2] of float32"
    if not 0 < shape[0] <= BAR_S_MAX * SAMPLE_RATE_HZ:
        return f"the bar has {shape[0]} frames"
    if not isinstance(rendered.snapshot, bytes) or not rendered.snapshot:
        return "the bar came without a snapshot"
    if any(not 0 <= start.frame - rendered.block.start_frame < shape[0] for start in rendered.block.bars):
        return "the bar's first frame lies outside of its sound"
    return _flaw_in_sound(np.asarray(samples))


def _flaw_in_sound(samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> str:
    peak = float(np.abs(samples).max())
    if not np.isfinite(peak):
        return "the sound holds numbers that are none (NaN or infinite)"
    if peak > PEAK_MAX:
        return f"the sound peaks at {peak:.3g} of full scale"
    if peak < SILENT_PEAK:
        return "the bar is silent"
    if float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) > LOUD_RMS:
        return "the sound is as loud as noise at full scale"
    if float(np.abs(samples.mean(axis=0)).max()) > OFFSET_MAX:
        return "the sound is offset from zero"
    return ""
