"""The bars that are rendered ahead of the broadcast. Knows nothing about who makes them or what time it is."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

import numpy as np

from engine import AudioBlock, BarStart, FloatArray

AIRED_BARS = 3
"""No pull begins more bars than that: 2 s at once, and the shortest bar lasts 1.7 s."""
HEARD_BARS = 4
"""Lo-fi lives on loops of four bars: the same four again are music, where noise would be a fault."""


@dataclass(frozen=True, slots=True)
class LeadBar:
    """One rendered bar and the engine's state just before it."""

    block: AudioBlock
    before: bytes
    engine_frame: int = -1
    """Of its first sample as the engine counts; the station's own numbers go on when an engine begins anew."""
    added_pieces: int = 0
    """By so many the station's number of its piece is ahead of the engine's."""


@dataclass(frozen=True, slots=True)
class Resume:
    """From where an engine must go on: restore the snapshot, render `skip_bars` bars for nobody, then go on."""

    snapshot: bytes
    skip_bars: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """What the lead could give, and the bars that begin in it."""

    samples: FloatArray
    """float32 [frames, 2]; maybe fewer frames than asked for."""
    bars: tuple[tuple[int, BarStart], ...]
    """(offset in frames into `samples`, the bar)."""
    repeated_frames: int = 0
    """So many of them are from bars that were heard before."""


class Lead:
    """A queue of bars, bounded in frames, cut anywhere by the clock and re-made from a bar line by a mood."""

    def __init__(self, wanted_frames: int) -> None:
        self.wanted_frames = wanted_frames
        self.changed = asyncio.Event()
        """Set whenever a bar went in or out; who waits for it clears it first."""
        self.heard: deque[AudioBlock] = deque(maxlen=HEARD_BARS)
        """The bars on air last, the one that sounds included."""
        self._aired: deque[LeadBar] = deque(maxlen=AIRED_BARS)
        self._waiting: deque[LeadBar] = deque()
        self._heard: list[AudioBlock] = []
        self._sounding: LeadBar | None = None
        self._position_frames = 0
        """Frames of the sounding bar that are on air already."""

    @property
    def frames(self) -> int:
        """Music in store."""
        return self._left_frames + sum(bar.block.frames for bar in self._waiting)

    @property
    def full(self) -> bool:
        """Whether the bars in store are enough for now."""
        return self.frames >= self.wanted_frames

    @property
    def next_bar_resume(self) -> Resume | None:
        """From where a new engine would go on with the bar after the one that sounds."""
        if self._waiting:
            return Resume(self._waiting[0].before, 0)
        return None if self._sounding is None else Resume(self._sounding.before, 1)

    def add(self, bar: LeadBar) -> None:
        """Put a bar at the end."""
        self._waiting.append(bar)
        self.changed.set()

    def pull(self, frames: int) -> Pulled:
        """Take the next frames; fewer when there are no more."""
        pieces: list[FloatArray] = []
        bars: list[tuple[int, BarStart]] = []
        got = 0
        while got < frames:
            if self._left_frames == 0:
                if not self._waiting:
                    break
                self._sounding, self._position_frames = self._waiting.popleft(), 0
                self.heard.append(self._sounding.block)
                self._aired.append(self._sounding)
                self.changed.set()
                bars += [(got + bar.frame - self._sounding.block.start_frame, bar) for bar in self._sounding.block.bars]
            assert self._sounding is not None
            piece = self._sounding.block.samples[self._position_frames : self._position_frames + frames - got]
            self._position_frames += len(piece)
            got += len(piece)
            pieces.append(piece)
        samples = pieces[0] if len(pieces) == 1 else np.concatenate([np.zeros((0, 2), np.float32), *pieces])
        return Pulled(samples, tuple(bars))

    def bar_after(self, margin_frames: int, since: LeadBar | None = None) -> LeadBar | None:
        """Find the first waiting bar that begins no sooner than `margin_frames` from now; None if none does.

        None before `since` either, if that still waits.
        """
        return self._find(margin_frames, since)[0]

    def reach(self, margin_frames: int, since: LeadBar | None = None) -> tuple[int, int]:
        """How far the bar is that `bar_after` finds, or the end of the store when none: frames, and bar lines."""
        return self._find(margin_frames, since)[1:]

    def _find(self, margin_frames: int, since: LeadBar | None) -> tuple[LeadBar | None, int, int]:
        distance_frames, lines = self._left_frames, 1
        early = since is not None and self.holds(since)
        for bar in self._waiting:
            early = early and bar is not since
            if distance_frames >= margin_frames and not early:
                return bar, distance_frames, lines
            distance_frames += bar.block.frames
            lines += 1
        return None, distance_frames, lines

    def holds(self, bar: LeadBar) -> bool:
        """Whether a bar still waits; False once it is on air."""
        return any(one is bar for one in self._waiting)

    def source(self, start: BarStart) -> LeadBar | None:
        """Find what was stored with a bar that has just begun to sound; None for one that is heard again much later."""
        for aired in self._aired:
            if any(one.bar is start.bar for one in aired.block.bars):
                return aired
        return None

    def replace_from(self, old: LeadBar, new: LeadBar) -> None:
        """Put `new` where `old` waits and forget what came after it."""
        while self._waiting.pop() is not old:
            pass
        self.add(new)

    @property
    def _left_frames(self) -> int:
        return 0 if self._sounding is None else self._sounding.block.frames - self._position_frames
