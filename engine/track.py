"""A track: a stretch of a station's programme with a beginning and an end. Knows nothing about files or formats.

Either so many seconds, faded out at the end, or so many whole pieces, which end by themselves and ring out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from engine.errors import OrderError
from engine.loudness import Meter, PeakDetector
from engine.station import RenderedBar
from engine.types import SAMPLE_RATE_HZ, AudioBlock, BarStart, FloatArray

FADE_IN_FRAMES = SAMPLE_RATE_HZ // 100
FADE_OUT_S = 6.0
SECONDS_MAX = 4 * 3600
PIECES_MAX = 100
_RING_OUT_S = 4.0


class Player(Protocol):
    """What plays; `Station` is one."""

    def render_bar(self) -> RenderedBar:
        """Return the next bar."""

    def ring_out(self) -> RenderedBar:
        """Return a bar in which what was struck rings on."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a track is."""

    seconds: float | None = 60.0
    """None where pieces say it."""
    pieces: int = 0
    """Whole pieces; 0 where seconds say it."""
    fade_out_s: float = FADE_OUT_S

    def __post_init__(self) -> None:
        """Refuse what cannot be done before any work begins."""
        if self.pieces:
            if not 1 <= self.pieces <= PIECES_MAX:
                raise OrderError(f"{self.pieces} pieces: must be 1 to {PIECES_MAX}.")
        elif self.seconds is None or not 1 <= self.seconds <= SECONDS_MAX:
            raise OrderError(f"--seconds {self.seconds or 0:g}: must be 1 to {SECONDS_MAX}.")
        if not 0 <= self.fade_out_s <= 60:
            raise OrderError(f"fade-out of {self.fade_out_s:g} s: must be 0 to 60.")

    @property
    def frames(self) -> int | None:
        """Length in frames; None where it is not known before the music is."""
        return None if self.pieces or self.seconds is None else round(self.seconds * SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True, eq=False)
class TrackBlock:
    """A stretch of a track, a bar or less."""

    samples: FloatArray
    """float32 [frames, 2]"""
    bars: tuple[BarStart, ...] = ()
    """Bars that begin in it; their frames count from the track's first one."""
    stems: Mapping[str, FloatArray] = field(default_factory=dict)
    frames_total: int = 0
    """Length of the whole track, as far as it is known by now."""


class Track:
    """Blocks in order, from the first frame to the last."""

    def __init__(self, player: Player, extent: Extent) -> None:
        self._player, self._extent = player, extent
        self._done = 0

    def __iter__(self) -> Iterator[TrackBlock]:
        return self._whole_pieces() if self._extent.pieces else self._cut()

    def _cut(self) -> Iterator[TrackBlock]:
        total = self._extent.frames
        assert total is not None, "expected a length in seconds"
        fade = min(round(self._extent.fade_out_s * SAMPLE_RATE_HZ), total // 3)
        while self._done < total:
            yield self._block(self._player.render_bar(), total, total, fade)

    def _whole_pieces(self) -> Iterator[TrackBlock]:
        pieces, expected = 0, 0
        while True:
            rendered = self._player.render_bar()
            (start,) = rendered.block.bars
            if start.bar.piece_bar == 0:
                pieces += 1
                expected = self._done + (self._extent.pieces - pieces + 1) * start.bar.piece.bars * start.frames
            yield self._block(rendered, None, expected, 0)
            if start.bar.next_section is None and pieces == self._extent.pieces:
                break
        ring = round(max(self._extent.fade_out_s, _RING_OUT_S) * SAMPLE_RATE_HZ)
        total = self._done + ring
        while self._done < total:
            rendered = self._player.ring_out()
            yield self._block(RenderedBar(_without_bars(rendered), b"", None, rendered.stems), total, total, ring)

    def _block(self, rendered: RenderedBar, total: int | None, shown_total: int, fade: int) -> TrackBlock:
        block = rendered.block
        left = block.frames if total is None else min(block.frames, total - self._done)
        gain = envelope(self._done, left, total, fade)[:, None]
        bars = tuple(
            BarStart(start.frame - block.start_frame + self._done, start.frames, start.bar)
            for start in block.bars
            if start.frame - block.start_frame < left
        )
        self._done += left
        stems = {name: stem[:left] * gain for name, stem in rendered.stems.items()}
        return TrackBlock(block.samples[:left] * gain, bars, stems, shown_total)


def _without_bars(rendered: RenderedBar) -> AudioBlock:
    return AudioBlock(rendered.block.start_frame, rendered.block.samples)


def envelope(start: int, frames: int, total: int | None, fade_out: int) -> FloatArray:
    """Gain of a stretch: 10 ms up at the beginning, a long cosine down at the end if there is one."""
    positions = np.arange(start, start + frames)
    gain = np.sin(np.clip(positions / FADE_IN_FRAMES, 0, 1) * np.pi / 2)
    if total is not None and fade_out:
        gain *= np.sin(np.clip((total - 1 - positions) / fade_out, 0, 1) * np.pi / 2) ** 2
    return gain.astype(np.float32)


class Gauge:
    """Loudness and true peak of a track as it comes."""

    def __init__(self) -> None:
        self._meter = Meter()
        self._detector = PeakDetector()
        self._peak = 0.0

    def add(self, samples: FloatArray) -> None:
        """Take in float32 [frames, 2]."""
        self._meter.add(samples)
        if len(samples):
            self._peak = max(self._peak, float(self._detector.process(np.ascontiguousarray(samples.T)).max()))

    @property
    def integrated_lufs(self) -> float:
        """Gated loudness of all that was taken in."""
        return self._meter.integrated_lufs

    @property
    def true_peak_dbtp(self) -> float:
        """Highest level between the samples."""
        return 20.0 * float(np.log10(max(self._peak, 1e-6)))
