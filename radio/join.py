"""Where two bars meet that were not made for each other: the step between them is spread out, so nothing clicks.

Knows nothing about which bars those are.
"""

from __future__ import annotations

import numpy as np

from engine import FloatArray

JOIN_FRAMES = 960
"""20 ms."""


class Join:
    """Hears all sound that goes out, and takes the step at a join away little by little."""

    def __init__(self) -> None:
        self._last: FloatArray = np.zeros(2, np.float32)
        self._step: FloatArray = np.zeros(2, np.float32)
        self._left_frames = 0

    def rest(self) -> None:
        """Say that there was no sound."""
        self._last = np.zeros(2, np.float32)

    def meet(self, first: FloatArray) -> None:
        """Say that what begins with this sample was not made for what went before."""
        self._step, self._left_frames = self._last - first, JOIN_FRAMES

    def take(self, samples: FloatArray) -> FloatArray:
        """Pass on the next float32 [frames, 2]."""
        if len(samples) == 0:
            return samples
        if self._left_frames:
            left = np.arange(self._left_frames, max(0, self._left_frames - len(samples)), -1)
            samples = samples.copy()
            samples[: len(left)] += self._step * (left / JOIN_FRAMES).astype(np.float32)[:, None]
            self._left_frames -= len(left)
        self._last = samples[-1]
        return samples
