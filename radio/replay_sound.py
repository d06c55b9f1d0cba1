"""The sound of a span: bars, repeats and gaps put together as they went out. Knows nothing about files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from engine import SAMPLE_RATE_HZ, STEMS, FloatArray
from radio.airtime import What
from radio.bed import Bed
from radio.join import Join
from radio.replay import Replay
from radio.replay_plan import Gap, Plan, Slot

EDGE_FRAMES = 960
"""Noise fades in and out so fast."""
_GAP_FRAMES = 10 * SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the span's sound."""

    samples: FloatArray
    """float32 [frames, 2]."""
    apart: Mapping[str, FloatArray] = field(default_factory=dict)


class SpanSound:
    """Plays a plan from its first frame to its last."""

    def __init__(self, plan: Plan, replay: Replay) -> None:
        self.exact_frames = 0
        """So much of it is what went out."""
        self._plan, self._replay = plan, replay
        self._join, self._bed = Join(), Bed()
        self._before: Slot | None = None

    def __iter__(self) -> Iterator[Piece]:
        """Yield the sound in order; together exactly as long as the span."""
        parts: list[Slot | Gap] = sorted((*self._plan.slots, *self._plan.gaps), key=lambda part: max(part.at, 0))
        for part in parts:
            yield from self._gap(part) if isinstance(part, Gap) else self._bar(part)

    def _bar(self, slot: Slot) -> Iterator[Piece]:
        first = max(-slot.at, 0)
        last = min(slot.frames, self._plan.span.frames - slot.at)
        if first >= last:
            return
        played = self._replay.play(slot.source, first)
        samples = played.samples
        if self._meets(slot):
            self._join.meet(samples[0])
        samples = self._faded(self._join.take(samples), slot)[first:last]
        self._before = slot
        self.exact_frames += len(samples) if played.exact else 0
        yield Piece(samples, {name: stem[first:last] for name, stem in played.apart.items()})

    def _meets(self, slot: Slot) -> bool:
        """Whether the broadcast joined this bar to one that it was not made for."""
        before = self._before
        if before is None or not (slot.row.repeated or before.row.repeated):
            return False
        follows = slot.source.engine_frame == before.source.engine_frame + before.source.frames
        return not (slot.row.repeated and before.row.repeated and follows)

    def _faded(self, samples: FloatArray, slot: Slot) -> FloatArray:
        """Turn down the end of a run as the broadcast did."""
        for fade in self._plan.fades:
            if fade.run != slot.row.run or fade.frame >= slot.row.frame + slot.row.frames:
                continue
            frames = round(float(fade.detail.split()[0]) * SAMPLE_RATE_HZ)
            left = frames - (np.arange(1, len(samples) + 1) + slot.row.frame - fade.frame)
            samples = samples * np.clip(left / frames, 0, 1).astype(np.float32)[:, None]
        return samples

    def _gap(self, gap: Gap) -> Iterator[Piece]:
        self._join.rest()
        for at in range(0, gap.frames, _GAP_FRAMES):
            frames = min(_GAP_FRAMES, gap.frames - at)
            samples = self._bed.take(frames) if gap.what is What.BED else np.zeros((frames, 2), np.float32)
            if gap.what is What.BED:
                places = np.arange(at, at + frames)
                edge = np.minimum(np.minimum(places, gap.frames - 1 - places) / EDGE_FRAMES, 1.0)
                samples = samples * edge.astype(np.float32)[:, None]
            elif gap.what is What.OFF:
                self.exact_frames += frames
            silent = np.zeros((frames, 2), np.float32)
            yield Piece(samples, dict.fromkeys(STEMS, silent))
