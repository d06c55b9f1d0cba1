"""Second-order sections: designs them after Butterworth, filters with them. Knows nothing about what is filtered.

scipy has both, but `import scipy.signal` takes 0.6 s of processor and 60 MB in each process for two functions. So its
compiled filter is loaded alone, and only where that fails the whole.
"""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import itertools
from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from engine.types import SAMPLE_RATE_HZ

Sections = npt.NDArray[np.float64]
"""As scipy writes them: [sections, 6], b0 b1 b2 1 a1 a2."""
SectionState = npt.NDArray[np.float64]
"""[sections, channels, 2], as scipy keeps it."""

_NOTHING = 1e-60
"""A state below this is none: float32 ends at 1e-45. When a part pauses, its filters fade until their states are
subnormal and stay so, for which many processors take a hundred times as long: a silent bar of three seconds took 147 ms
instead of 2 on a Xeon (5 % of a core for each silent part)."""
_RING_FRAMES = 4800

_Loop = Callable[[Any, Any, Any], None]
"""Filters [channels, frames] in place with sections and a state [channels, sections, 2]."""


def butterworth(order: int, hz: float, kind: Literal["lowpass", "highpass"]) -> Sections:
    """Design a low-pass or high-pass with no ripple, 6 dB an octave for each order."""
    warped = np.tan(np.pi * hz / SAMPLE_RATE_HZ)
    low, sections = kind == "lowpass", []
    if order % 2:
        scale = (warped if low else 1.0) / (1.0 + warped)
        sections.append([scale, scale if low else -scale, 0.0, 1.0, (warped - 1.0) / (warped + 1.0), 0.0])
    for pair in range(order // 2):
        damping = 2.0 * np.sin(np.pi * (2 * pair + 1) / (2 * order))
        norm = 1.0 / (1.0 + damping * warped + warped**2)
        first = warped**2 * norm if low else norm
        poles = [1.0, 2.0 * (warped**2 - 1.0) * norm, (1.0 - damping * warped + warped**2) * norm]
        sections.append([first, 2.0 * first if low else -2.0 * first, first, *poles])
    return np.array(sections)


def band_pass(low_hz: float, high_hz: float) -> Sections:
    """Design a gentle band-pass, 6 dB an octave on either side."""
    low, high = (np.tan(np.pi * hz / SAMPLE_RATE_HZ) for hz in (low_hz, high_hz))
    width, centre = high - low, low * high
    section = [width, 0.0, -width, 1.0 + width + centre, 2.0 * (centre - 1.0), 1.0 - width + centre]
    return cast(Sections, np.array([section]) / (1.0 + width + centre))


def filtered(
    sections: Sections, samples: npt.NDArray[Any], state: SectionState
) -> tuple[npt.NDArray[np.float64], SectionState]:
    """Return samples [channels, frames] filtered, float64, and the state after them."""
    out = np.array(samples, np.float64, order="C")
    after = np.ascontiguousarray(state.swapaxes(0, 1))
    sounding = _sounding(samples)
    if sounding == out.shape[1]:
        _loop()(sections, out, after)
    else:
        _ring_out(sections, out, after, sounding)
    return out, after.swapaxes(0, 1)


def _sounding(samples: npt.NDArray[Any]) -> int:
    """Frames up to the last one that is not silent."""
    frames: int = samples.shape[1]
    if not frames or samples[:, -1].any():
        return frames
    heard = np.flatnonzero(samples.any(axis=0))
    return int(heard[-1]) + 1 if len(heard) else 0


def _ring_out(sections: Sections, out: npt.NDArray[np.float64], after: SectionState, sounding: int) -> None:
    """Filter in place what ends in silence: only until the filter has come to rest."""
    frames = out.shape[1]
    for begin, end in itertools.pairwise((0, *range(sounding, frames, _RING_FRAMES), frames)):
        piece = np.ascontiguousarray(out[:, begin:end])
        _loop()(sections, piece, after)
        out[:, begin:end] = piece
        after[np.abs(after) < _NOTHING] = 0.0
        if not after.any():
            break


@functools.cache
def _loop() -> _Loop:
    package = importlib.util.find_spec("scipy")
    folders = [f"{folder}/signal" for folder in (package.submodule_search_locations if package else None) or ()]
    found = importlib.machinery.PathFinder.find_spec("_sosfilt", folders)
    try:
        spec = importlib.util.spec_from_file_location("scipy.signal._sosfilt", found.origin if found else None)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return cast(_Loop, module._sosfilt)
    except (AssertionError, ImportError, AttributeError):
        from scipy.signal import _sosfilt

        return cast(_Loop, _sosfilt._sosfilt)
