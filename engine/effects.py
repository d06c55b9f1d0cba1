"""Effects with a memory: tape, room, side-chain, auto-pan. Knows nothing about parts, moods or files.

Every effect takes float32 [channels, frames] of any length and gives the same sound for any way of cutting it. Slow
movements come from tables read at the absolute frame, so that no rounding piles up over months.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import numpy as np

from engine.filters import Glide
from engine.sections import band_pass, filtered
from engine.types import SAMPLE_RATE_HZ, FloatArray, Tree


class Wave:
    """A sine of a whole number of frames, read from a table."""

    def __init__(self, hz: float, phase: float = 0.0) -> None:
        period = round(SAMPLE_RATE_HZ / hz)
        self._table = np.sin(2 * np.pi * (np.arange(period) / period + phase)).astype(np.float32)

    def at(self, frame: int, frames: int) -> FloatArray:
        """Values from an absolute frame on."""
        period = len(self._table)
        first = frame % period
        if first + frames <= period:
            return self._table[first : first + frames]
        return np.take(self._table, np.arange(first, first + frames), mode="wrap")


class Wow:
    """The uneven speed of a tape: a delay that sways by a few cents, slowly (wow) and quickly (flutter)."""

    WOW_HZ = ((0.37, 0.7), (0.83, 0.3))
    FLUTTER_HZ = ((6.3, 0.6), (11.7, 0.4))
    """Rate and share of the pitch deviation; the shares add up to 1."""
    CENTRE_FRAMES = 256
    DEEPEST_CENTS = 18.0

    def __init__(self, wow_cents: float, flutter_cents: float) -> None:
        self._depths = [Glide(min(cents, self.DEEPEST_CENTS)) for cents in (wow_cents, flutter_cents)]
        self._waves = [
            [(Wave(hz), self._swing_frames(hz) * share) for hz, share in waves]
            for waves in (self.WOW_HZ, self.FLUTTER_HZ)
        ]
        self._frame = 0
        self._past = np.zeros((2, 2 * self.CENTRE_FRAMES), np.float32)

    def aim(self, wow_cents: float, flutter_cents: float) -> None:
        """Glide to other depths."""
        for depth, cents in zip(self._depths, (wow_cents, flutter_cents), strict=True):
            depth.aim(min(cents, self.DEEPEST_CENTS))

    def process(self, samples: FloatArray) -> FloatArray:
        """Bend float32 [2, frames]; the sound comes CENTRE_FRAMES later on average."""
        frames = samples.shape[1]
        line = np.concatenate([self._past, samples], axis=1)
        delay = np.full(frames, self.CENTRE_FRAMES, np.float32)
        for depth, waves in zip(self._depths, self._waves, strict=True):
            sway = np.zeros(frames, np.float32)
            for wave, swing_frames in waves:
                sway += wave.at(self._frame, frames) * np.float32(swing_frames)
            delay += sway * depth.take(frames)
        whole = np.floor(delay)
        share = (1.0 - (delay - whole)).astype(np.float32)
        # `share` of the way from frame `index` to the next, bent by Hermite's cubic through four frames
        index = np.arange(self._past.shape[1], self._past.shape[1] + frames) - whole.astype(np.int64) - 1
        out = _hermite(line, index, share)
        self._past = line[:, -self._past.shape[1] :].copy()
        self._frame += frames
        return out

    def snapshot(self) -> Tree:
        """Take the state."""
        depths = [depth.snapshot() for depth in self._depths]
        return {"depths": depths, "frame": self._frame, "past": self._past.copy()}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        for depth, saved in zip(self._depths, state["depths"], strict=True):
            depth.restore(saved)
        self._frame, self._past = state["frame"], state["past"].copy()

    @staticmethod
    def _swing_frames(hz: float) -> float:
        """How far the delay must swing to bend the pitch by one cent at its steepest."""
        return float((2.0 ** (1 / 1200) - 1.0) * SAMPLE_RATE_HZ / (2 * np.pi * hz))


def _hermite(line: FloatArray, index: Any, share: FloatArray) -> FloatArray:  # noqa: ANN401 - integer array
    """Read between frames."""
    out = np.empty((len(line), len(index)), np.float32)
    for row, channel in enumerate(line):
        a, b, c, d = (channel.take(index + k) for k in (-1, 0, 1, 2))
        slope = 0.5 * (c - a)
        bend = b - c
        knee = slope + bend
        curve = knee + 0.5 * (d - b) + bend
        out[row] = b + share * (slope - share * (knee + curve - share * curve))
    return out


def saturate(samples: FloatArray, drive: FloatArray | float) -> FloatArray:
    """Round off peaks as tape does; quiet sound passes unchanged. Drive 0-1."""
    gain = np.float32(1.0) + np.float32(4.0) * np.asarray(drive, np.float32)
    return cast(FloatArray, np.tanh(samples * gain) / gain)


class Room:
    """A small room: convolution with a short tail of decaying noise, one sound in, two out."""

    TAIL_FRAMES = 14_400
    _SIZE = 65_536
    _DECAY_S = 0.075
    _PREDELAY_FRAMES = 480

    def __init__(self) -> None:
        self._spectrum = np.fft.rfft(self._tail_sound(), self._SIZE, axis=1)
        self._rest = np.zeros((2, self.TAIL_FRAMES - 1), np.float32)

    def process(self, send: FloatArray) -> FloatArray:
        """Return the room's answer, float32 [2, frames], to a mono send, float32 [frames]."""
        largest = self._SIZE - self.TAIL_FRAMES + 1
        pieces = [self._answer(send[i : i + largest]) for i in range(0, len(send), largest)]
        return np.concatenate(pieces, axis=1) if pieces else np.zeros((2, 0), np.float32)

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"rest": self._rest.copy()}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        self._rest = cast(Any, tree["rest"]).copy()

    def _answer(self, send: FloatArray) -> FloatArray:
        """Convolve one piece and carry its tail over."""
        frames = len(send)
        answer = np.fft.irfft(np.fft.rfft(send, self._SIZE) * self._spectrum, self._SIZE, axis=1)
        wet = answer[:, : frames + self.TAIL_FRAMES - 1].astype(np.float32)
        wet[:, : self.TAIL_FRAMES - 1] += self._rest
        self._rest = wet[:, frames:].copy()
        return wet[:, :frames]

    def _tail_sound(self) -> FloatArray:
        """Make the tail: two independent noises, darker than the source, of unit energy."""
        rng = np.random.default_rng(1)
        noise = rng.standard_normal((2, self.TAIL_FRAMES))
        time_s = np.arange(self.TAIL_FRAMES) / SAMPLE_RATE_HZ
        fade = np.minimum(1.0, np.linspace(12.0, 0.0, self.TAIL_FRAMES))  # the last twelfth runs out to nothing
        tail = noise * np.exp(-time_s / self._DECAY_S) * fade
        tail[:, : self._PREDELAY_FRAMES] = 0.0
        tail, _ = filtered(band_pass(180.0, 3200.0), tail, np.zeros((1, 2, 2)))
        return cast(FloatArray, (tail / np.sqrt((tail**2).sum(axis=1, keepdims=True))).astype(np.float32))


class Duck:
    """The breath of a side-chain: each kick pushes the level down for a fifth of a second."""

    _SHAPE_FRAMES = 12_000
    _ATTACK_FRAMES = 480

    def __init__(self) -> None:
        falling = np.linspace(0.0, 1.0, self._ATTACK_FRAMES)
        rising = np.linspace(1.0, 0.0, self._SHAPE_FRAMES - self._ATTACK_FRAMES)
        self._shape = np.concatenate([falling, rising**2 * (3.0 - 2.0 * rising)]).astype(np.float32)
        self._rest = np.zeros(self._SHAPE_FRAMES, np.float32)

    def process(self, kicks: Iterable[tuple[int, int]], frames: int) -> FloatArray:
        """Return the push, float32 [frames] in [0, 1], of kicks given as (frame in the block, velocity)."""
        push = np.zeros(frames + self._SHAPE_FRAMES, np.float32)
        push[: self._SHAPE_FRAMES] = self._rest
        for at, velocity in kicks:
            span = push[at : at + self._SHAPE_FRAMES]
            np.maximum(span, self._shape * np.float32(min(velocity / 100.0, 1.0)), out=span)
        self._rest = push[frames:].copy()
        return push[:frames]

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"rest": self._rest.copy()}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        self._rest = cast(Any, tree["rest"]).copy()


class Pan:
    """A slow swing between left and right, as a stage piano's tremolo."""

    def __init__(self, hz: float, depth: float) -> None:
        self._wave = Wave(hz)
        self._depth = Glide(depth)
        self._frame = 0

    def aim(self, depth: float) -> None:
        """Glide to another depth, 0-1."""
        self._depth.aim(depth)

    def process(self, samples: FloatArray) -> FloatArray:
        """Swing float32 [2, frames]."""
        swing = self._wave.at(self._frame, samples.shape[1]) * self._depth.take(samples.shape[1])
        self._frame += samples.shape[1]
        return samples * np.stack([1 + swing, 1 - swing]).astype(np.float32)

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"depth": self._depth.snapshot(), "frame": self._frame}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._depth.restore(state["depth"])
        self._frame = state["frame"]
