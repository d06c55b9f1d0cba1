"""The rung below new music: the last bars that were heard, again, from bar line to bar line, until new ones are ready.

Knows nothing about why there are none or what time it is.
"""

from __future__ import annotations

import logging
from collections import deque

import numpy as np

from engine import SAMPLE_RATE_HZ, AudioBlock, BarStart, FloatArray
from radio.join import Join
from radio.lead import Lead, Pulled

logger = logging.getLogger(__name__)

ENCORE_S = 180.0
"""After so long it is plain to everybody that nothing new comes."""


class Encore:
    """Gives the lead's music, and when there is none the last bars again."""

    def __init__(self, lead: Lead, longest_s: float = ENCORE_S) -> None:
        self.repeated_frames = 0
        """Length of the encore up to now; 0 while new music is on air."""
        self._lead = lead
        self._longest_frames = int(longest_s * SAMPLE_RATE_HZ)
        self._loop: deque[AudioBlock] = deque()
        self._position_frames = 0
        self._join = Join()

    @property
    def dry(self) -> bool:
        """Whether nothing at all will come next."""
        return self._lead.frames == 0 and not self._loop and not self._next_loop()

    def pull(self, frames: int) -> Pulled:
        """Take the next frames; fewer when there is neither a new bar nor an old one to play."""
        pieces: list[FloatArray] = []
        bars: list[tuple[int, BarStart]] = []
        got = repeated_frames = 0
        while got < frames and (part := self._pull_some(frames - got)) is not None:
            bars += [(got + offset, start) for offset, start in part.bars]
            pieces.append(part.samples)
            got += len(part.samples)
            repeated_frames += part.repeated_frames
        if got == 0:
            self._join.rest()
        samples = pieces[0] if len(pieces) == 1 else np.concatenate([np.zeros((0, 2), np.float32), *pieces])
        return Pulled(samples, tuple(bars), repeated_frames)

    def _pull_some(self, frames: int) -> Pulled | None:
        if not self._loop:
            if self._lead.frames:
                return self._from_lead(frames)
            if not self._begin():
                return None
        return self._from_loop(frames)

    def _from_lead(self, frames: int) -> Pulled:
        pulled = self._lead.pull(frames)
        if self.repeated_frames:
            logger.info("new music after %.1f s of bars heard before", self.repeated_frames / SAMPLE_RATE_HZ)
            self.repeated_frames = 0
            self._join.meet(pulled.samples[0])
        return Pulled(self._join.take(pulled.samples), pulled.bars)

    def _begin(self) -> bool:
        loop = self._next_loop()
        if not loop:
            return False
        if not self.repeated_frames:
            logger.warning("no music is ready, the last %d bars are played again", len(loop))
        self._loop.extend(loop)
        self._join.meet(loop[0].samples[0])
        return True

    def _next_loop(self) -> tuple[AudioBlock, ...]:
        """The end of what was heard, as far as it is one piece; nothing when it was repeated for long enough."""
        if self.repeated_frames >= self._longest_frames:
            return ()
        whole = [block for block in self._lead.heard if block.bars]
        return tuple(one for one in whole if one.bars[0].bar.piece.number == whole[-1].bars[0].bar.piece.number)

    def _from_loop(self, frames: int) -> Pulled:
        block, position = self._loop[0], self._position_frames
        piece = block.samples[position : position + frames]
        bars = tuple((0, start) for start in block.bars) if position == 0 else ()
        self._position_frames += len(piece)
        self.repeated_frames += len(piece)
        if self._position_frames == block.frames:  # a bar line: here new music may go on
            self._loop.popleft()
            self._position_frames = 0
            if self._lead.frames:
                self._loop.clear()
        return Pulled(self._join.take(piece), bars, len(piece))
