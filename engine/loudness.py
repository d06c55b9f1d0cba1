"""Loudness after ITU-R BS.1770: K-weighting, gated integration, true peak. Knows nothing about mixing or files."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

from engine.sections import filtered
from engine.types import SAMPLE_RATE_HZ, FloatArray, Tree

STEP_FRAMES = SAMPLE_RATE_HZ // 10
"""Powers are taken in steps of 100 ms."""
SILENT_LUFS = -120.0

# BS.1770-5 tables 1 and 2: the coefficients at 48 kHz
_K_SECTIONS = np.array(
    [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
)
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = 10.0
_MOMENTARY_STEPS, _SHORT_STEPS = 4, 30
_BINS_A_LU = 20
"""Gating blocks are counted in bins of 0.05 LU, so memory does not grow with uptime."""
OVERSAMPLING = 4
_PEAK_TAPS = 12


def lufs(power: float) -> float:
    """Loudness of a mean K-weighted square, summed over the channels."""
    return -0.691 + 10.0 * float(np.log10(power)) if power > 1e-12 else SILENT_LUFS


def power_of(loudness_lufs: float) -> float:
    """Mean K-weighted square of a loudness."""
    return float(10.0 ** ((loudness_lufs + 0.691) / 10.0))


class KWeighting:
    """The two filters before the square; float32 [2, frames] in, mean squares of whole 100 ms steps out."""

    def __init__(self, before: npt.NDArray[np.float64] | None = None) -> None:
        """Begin.

        Args:
            before: second-order sections that the sound will go through before it is heard; none without.
        """
        self._sections = _K_SECTIONS if before is None else np.concatenate([before, _K_SECTIONS])
        self._state = np.zeros((len(self._sections), 2, 2))
        self._held: npt.NDArray[np.float64] = np.zeros(0)

    def powers(self, samples: FloatArray) -> npt.NDArray[np.float64]:
        """Return the power of each step that these samples complete."""
        if samples.shape[1] == 0:
            return np.zeros(0)
        weighted, self._state = filtered(self._sections, samples, self._state)
        squares = np.concatenate([self._held, np.square(weighted).sum(axis=0)])
        whole = len(squares) // STEP_FRAMES * STEP_FRAMES
        self._held = squares[whole:].copy()  # a part of it would keep the whole of it
        return cast(npt.NDArray[np.float64], squares[:whole].reshape(-1, STEP_FRAMES).mean(axis=1))

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"state": self._state.copy(), "held": self._held.copy()}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._state, self._held = state["state"].copy(), state["held"].copy()


class Meter:
    """A loudness meter that never needs to see the whole: feed it blocks, read it at any time."""

    def __init__(self) -> None:
        self._weighting = KWeighting()
        self._recent: npt.NDArray[np.float64] = np.zeros(0)
        bins = round(-_ABSOLUTE_GATE_LUFS * _BINS_A_LU) + 20 * _BINS_A_LU
        self._counts = np.zeros(bins, np.int64)
        self._powers = np.zeros(bins)

    def add(self, samples: FloatArray) -> None:
        """Take in float32 [frames, 2]."""
        steps = np.concatenate([self._recent, self._weighting.powers(samples.T)])
        fresh = len(steps) - len(self._recent)
        if fresh == 0:
            return
        for end in range(max(len(steps) - fresh + 1, _MOMENTARY_STEPS), len(steps) + 1):
            power = float(steps[end - _MOMENTARY_STEPS : end].mean())
            place = int(np.floor((lufs(power) - _ABSOLUTE_GATE_LUFS) * _BINS_A_LU))
            if place >= 0:
                place = min(place, len(self._counts) - 1)
                self._counts[place] += 1
                self._powers[place] += power
        self._recent = steps[-_SHORT_STEPS:]

    @property
    def momentary_lufs(self) -> float:
        """Loudness of the last 0.4 s."""
        return self._mean(_MOMENTARY_STEPS)

    @property
    def short_term_lufs(self) -> float:
        """Loudness of the last 3 s."""
        return self._mean(_SHORT_STEPS)

    @property
    def integrated_lufs(self) -> float:
        """Gated loudness of all that was taken in."""
        if not self._counts.any():
            return SILENT_LUFS
        gate = lufs(self._powers.sum() / self._counts.sum()) - _RELATIVE_GATE_LU
        first = max(round((gate - _ABSOLUTE_GATE_LUFS) * _BINS_A_LU), 0)
        return lufs(self._powers[first:].sum() / self._counts[first:].sum())

    def _mean(self, steps: int) -> float:
        return lufs(float(self._recent[-steps:].mean())) if len(self._recent) else SILENT_LUFS


class PeakDetector:
    """Largest level between the samples, 4 times oversampled, for each frame."""

    DELAY_FRAMES = _PEAK_TAPS // 2

    def __init__(self) -> None:
        taps = np.arange(_PEAK_TAPS)
        phases = np.arange(1, OVERSAMPLING) / OVERSAMPLING
        place = taps[:, None] - (self.DELAY_FRAMES - 1) - phases
        kernel = (
            np.sinc(place)
            * np.kaiser(_PEAK_TAPS * OVERSAMPLING + 1, 5.0)[
                np.clip(np.round((place + self.DELAY_FRAMES) * OVERSAMPLING).astype(int), 0, _PEAK_TAPS * OVERSAMPLING)
            ]
        )
        self._kernels = (kernel / kernel.sum(axis=0)).T[:, ::-1].astype(np.float32).copy()
        self._past = np.zeros((2, _PEAK_TAPS - 1), np.float32)

    def process(self, samples: FloatArray) -> FloatArray:
        """Return peaks, float32 [frames], of both channels; DELAY_FRAMES late."""
        if samples.shape[1] == 0:
            return cast(FloatArray, samples[0])
        line = np.concatenate([self._past, samples], axis=1)
        self._past = line[:, -(_PEAK_TAPS - 1) :].copy()
        frames = samples.shape[1]
        middle = _PEAK_TAPS - 1 - self.DELAY_FRAMES
        peaks = np.abs(line[:, middle : middle + frames]).max(axis=0)
        for channel in line:
            for kernel in self._kernels:
                between = np.convolve(channel, kernel, "valid")
                np.maximum(peaks, np.abs(between), out=peaks)
        return cast(FloatArray, peaks)

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"past": self._past.copy()}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        self._past = cast(Any, tree["past"]).copy()


def integrated_lufs(samples: FloatArray) -> float:
    """Gated loudness of float32 [frames, 2]."""
    meter = Meter()
    for start in range(0, len(samples), SAMPLE_RATE_HZ):
        meter.add(samples[start : start + SAMPLE_RATE_HZ])
    return meter.integrated_lufs


def true_peak_dbtp(samples: FloatArray) -> float:
    """Highest level between the samples of float32 [frames, 2], dB of full scale."""
    padded = np.pad(samples.T, ((0, 0), (_PEAK_TAPS, _PEAK_TAPS)))
    peak = float(PeakDetector().process(padded.astype(np.float32)).max())
    return 20.0 * float(np.log10(max(peak, 1e-6)))
