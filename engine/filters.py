"""Stateful building blocks of sound: filters, glides, delays. Knows nothing about parts, moods or files.

Every block takes float32 [channels, frames] of any length and gives the same sound for any way of cutting it.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from engine.sections import Sections, butterworth, filtered
from engine.types import SAMPLE_RATE_HZ, FloatArray, Tree


def db_to_gain(db: float) -> float:
    """Amplitude factor of a level."""
    return float(10.0 ** (db / 20.0))


class Glide:
    """A number that moves to its goal in a straight line instead of jumping."""

    def __init__(self, value: float, frames: int = SAMPLE_RATE_HZ) -> None:
        self._from = self._to = value
        self._length = frames
        self._at = frames

    @property
    def goal(self) -> float:
        """Where the number stands or is going."""
        return self._to

    def aim(self, value: float) -> None:
        """Set a new goal, reached after the glide's length."""
        if value != self._to:
            self._from, self._to, self._at = self._now(), value, 0

    def take(self, frames: int) -> FloatArray | float:
        """Advance; return the values of the next frames (one number while it stands still)."""
        if self._at >= self._length:
            return self._to
        steps = np.minimum(np.arange(self._at + 1, self._at + frames + 1), self._length)
        self._at = min(self._at + frames, self._length)
        return (self._from + (self._to - self._from) * (steps / self._length)).astype(np.float32)

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"from": self._from, "to": self._to, "at": self._at}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._from, self._to, self._at = state["from"], state["to"], state["at"]

    def _now(self) -> float:
        return self._from + (self._to - self._from) * (self._at / self._length)


class Filter:
    """A chain of second-order sections."""

    def __init__(self, *sections: Sections, channels: int = 2) -> None:
        self._sections = np.concatenate(sections)
        self._state = np.zeros((len(self._sections), channels, 2))

    def process(self, samples: FloatArray) -> FloatArray:
        """Filter float32 [channels, frames]."""
        if samples.shape[1] == 0:
            return samples
        out, self._state = filtered(self._sections, samples, self._state)
        return cast(FloatArray, out.astype(np.float32))

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"state": self._state.copy()}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        self._state = cast(Any, tree["state"]).copy()


def high_pass(hz: float) -> Sections:
    """Design a gentle high-pass, 12 dB an octave."""
    return butterworth(2, hz, "highpass")


def low_pass(hz: float, order: int = 2) -> Sections:
    """Design a low-pass, 6 dB an octave for each order."""
    return butterworth(order, min(hz, 20_000.0), "lowpass")


def shelf(hz: float, db: float, *, high: bool) -> Sections:
    """Design a shelf that turns the high or the low side of a frequency up or down (after the RBJ cookbook)."""
    amplitude, angle = 10.0 ** (db / 40.0), 2.0 * np.pi * hz / SAMPLE_RATE_HZ
    sign = -1.0 if high else 1.0
    cosine = np.cos(angle)
    slope = np.sin(angle) * np.sqrt(2.0 * amplitude)
    plus, minus = amplitude + 1.0, amplitude - 1.0
    zeros = [
        amplitude * (plus - sign * minus * cosine + slope),
        sign * 2.0 * amplitude * (minus - sign * plus * cosine),
        amplitude * (plus - sign * minus * cosine - slope),
    ]
    poles = [
        plus + sign * minus * cosine + slope,
        -sign * 2.0 * (minus + sign * plus * cosine),
        plus + sign * minus * cosine - slope,
    ]
    return cast(Sections, np.array([[*zeros, *poles]]) / poles[0])


class LowPass:
    """A low-pass, 12 dB an octave, that crosses over to a new cut-off in half a second."""

    CROSS_FRAMES = SAMPLE_RATE_HZ // 2

    def __init__(self, hz: float) -> None:
        self._hz = hz
        self._filter = Filter(low_pass(hz))
        self._next_hz = hz
        self._crossing_hz = hz
        self._next: Filter | None = None
        self._at = 0

    def aim(self, hz: float) -> None:
        """Cross over to another cut-off frequency; a change during a crossing waits for its end."""
        self._next_hz = hz

    def process(self, samples: FloatArray) -> FloatArray:
        """Filter float32 [2, frames]."""
        done: list[FloatArray] = []
        rest = samples
        while rest.shape[1]:
            if self._next is None and self._next_hz == self._hz:
                done.append(self._filter.process(rest))
                break
            piece, rest = np.split(rest, [self.CROSS_FRAMES - self._at], axis=1)
            done.append(self._cross(piece))
        return done[0] if len(done) == 1 else np.concatenate([*done, samples[:, :0]], axis=1)

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "hz": self._hz,
            "filter": self._filter.snapshot(),
            "next_hz": self._next_hz,
            "crossing_hz": self._crossing_hz,
            "next": self._next.snapshot() if self._next else None,
            "at": self._at,
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._hz, self._next_hz, self._crossing_hz = state["hz"], state["next_hz"], state["crossing_hz"]
        self._at = state["at"]
        self._filter = Filter(low_pass(self._hz))
        self._filter.restore(state["filter"])
        self._next = None
        if state["next"] is not None:
            self._next = Filter(low_pass(self._crossing_hz))
            self._next.restore(state["next"])

    def _cross(self, piece: FloatArray) -> FloatArray:
        """Fade from the old filter to the new one, which is still settling while it is silent."""
        if self._next is None:
            self._crossing_hz = self._next_hz
            self._next = Filter(low_pass(self._crossing_hz))
        frames = piece.shape[1]
        share = (np.arange(self._at, self._at + frames) / self.CROSS_FRAMES).astype(np.float32)
        old, new = self._filter.process(piece), self._next.process(piece)
        self._at += frames
        if self._at == self.CROSS_FRAMES:
            self._filter, self._hz, self._next, self._at = self._next, self._crossing_hz, None, 0
        return old + (new - old) * share
