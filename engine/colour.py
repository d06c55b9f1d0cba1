"""Effects that colour a part: chorus, and the coarse samples of an old machine. Knows nothing about parts or moods.

As all effects, they take float32 [2, frames] of any length and give the same sound for any way of cutting it.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

from engine.effects import Wave
from engine.filters import Glide
from engine.types import SAMPLE_RATE_HZ, FloatArray, Tree


class Chorus:
    """A second player a few cents off: each side adds itself from a delay that sways, a quarter turn apart."""

    HZ = 0.61
    CENTRE_FRAMES = 620
    """13 ms."""
    SWING_FRAMES = 110
    """How far the delay sways: 15 cents at its steepest."""
    _WET = 0.6

    def __init__(self, share: float) -> None:
        self._share = Glide(share)
        self._waves = (Wave(self.HZ), Wave(self.HZ, 0.25))
        self._frame = 0
        self._past = np.zeros((2, self.CENTRE_FRAMES + self.SWING_FRAMES + 2), np.float32)

    def aim(self, share: float) -> None:
        """Glide to another share, 0-1."""
        self._share.aim(share)

    def process(self, samples: FloatArray) -> FloatArray:
        """Thicken float32 [2, frames]."""
        frames = samples.shape[1]
        line = np.concatenate([self._past, samples], axis=1)
        share = self._share.take(frames)
        out = samples
        if np.any(share):
            wet = np.stack([self._voice(line, side, frames) for side in range(2)])
            amount = np.asarray(share, np.float32) * np.float32(self._WET)
            out = samples * (1 - np.float32(0.4) * amount) + wet * amount
        self._past = line[:, frames:].copy()
        self._frame += frames
        return out

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"share": self._share.snapshot(), "frame": self._frame, "past": self._past.copy()}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._share.restore(state["share"])
        self._frame, self._past = state["frame"], state["past"].copy()

    def _voice(self, line: FloatArray, side: int, frames: int) -> FloatArray:
        """Read one side a little late, between the frames in a straight line."""
        delay = self.CENTRE_FRAMES + self._waves[side].at(self._frame, frames) * np.float32(self.SWING_FRAMES)
        whole = np.floor(delay)
        share = delay - whole
        index = np.arange(self._past.shape[1], self._past.shape[1] + frames) - whole.astype(np.int64)
        now, before = line[side].take(index), line[side].take(index - 1)
        return cast(FloatArray, now + share * (before - now))


class Crush:
    """An old sampler: holds each sample until the next one of a lower rate, in steps of fewer bits.

    Which samples are held follows from the absolute frame in whole numbers, so that nothing drifts over months.
    """

    FULL_SCALE = 0.5
    """Level at which a drum bus of an even mix has its highest peaks."""
    CROSS_FRAMES = SAMPLE_RATE_HZ // 2
    _PAST_FRAMES = 16
    CLEAN_BITS = 16.0

    def __init__(self, bits: float, rate_hz: float) -> None:
        self._bits = Glide(bits)
        self._rate_hz = self._next_hz = self._crossing_hz = round(rate_hz)
        self._at: int | None = None
        self._frame = 0
        self._past = np.zeros((2, self._PAST_FRAMES), np.float32)

    def aim(self, bits: float, rate_hz: float) -> None:
        """Glide to other bits; cross over to another rate in half a second, after a crossing that is on its way."""
        self._bits.aim(bits)
        self._next_hz = round(rate_hz)

    def process(self, samples: FloatArray) -> FloatArray:
        """Crush float32 [2, frames]."""
        pieces: list[FloatArray] = []
        rest = samples
        while rest.shape[1]:
            if self._at is None and self._next_hz != self._rate_hz:
                self._at, self._crossing_hz = 0, self._next_hz
            span = rest.shape[1] if self._at is None else self.CROSS_FRAMES - self._at
            pieces.append(self._crush(rest[:, :span]))
            rest = rest[:, span:]
        return np.concatenate(pieces, axis=1) if pieces else samples

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "bits": self._bits.snapshot(),
            "rates_hz": [self._rate_hz, self._next_hz, self._crossing_hz],
            "at": self._at,
            "frame": self._frame,
            "past": self._past.copy(),
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._bits.restore(state["bits"])
        self._rate_hz, self._next_hz, self._crossing_hz = state["rates_hz"]
        self._at, self._frame, self._past = state["at"], state["frame"], state["past"].copy()

    def _crush(self, samples: FloatArray) -> FloatArray:
        """Crush a stretch that lies inside or outside a crossing."""
        frames = samples.shape[1]
        line = np.concatenate([self._past, samples], axis=1)
        out = self._held(line, frames, self._rate_hz)
        if self._at is not None:
            share = (np.arange(self._at, self._at + frames) / self.CROSS_FRAMES).astype(np.float32)
            out = out + (self._held(line, frames, self._crossing_hz) - out) * share
            self._at += frames
            if self._at == self.CROSS_FRAMES:
                self._rate_hz, self._at = self._crossing_hz, None
        self._past = line[:, frames:].copy()
        self._frame += frames
        return self._stepped(out, self._bits.take(frames))

    def _held(self, line: FloatArray, frames: int, rate_hz: int) -> FloatArray:
        """Hold samples at a rate."""
        if rate_hz >= SAMPLE_RATE_HZ:
            return line[:, self._PAST_FRAMES :]
        at = np.arange(self._frame, self._frame + frames, dtype=np.int64)
        taken = -(-(at * rate_hz // SAMPLE_RATE_HZ * SAMPLE_RATE_HZ) // rate_hz)
        index = cast(npt.NDArray[np.int64], taken - self._frame + self._PAST_FRAMES)
        return line.take(index, axis=1)

    def _stepped(self, samples: FloatArray, bits: FloatArray | float) -> FloatArray:
        """Round to steps."""
        if isinstance(bits, float) and bits >= self.CLEAN_BITS:
            return samples
        steps = np.asarray(2.0 ** (np.asarray(bits) - 1.0) / self.FULL_SCALE, np.float32)
        return np.divide(np.round(samples * steps), steps, dtype=np.float32)
