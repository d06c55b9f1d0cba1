"""THE clock: the only place that waits for musical time. Takes bars from the lead, gives bytes to the hub.

Knows nothing about where the music comes from or who listens.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from engine import SAMPLE_RATE_HZ, AudioBlock, FloatArray, Meter
from radio.bed import Bed
from radio.channel import Batch, Channel, Passage
from radio.clock import Clock, SystemClock
from radio.encore import Encore
from radio.health import Health
from radio.lead import Lead
from radio.metrics import Metrics
from radio.nowplaying import NowPlaying

logger = logging.getLogger(__name__)

BLOCK_FRAMES = 2048
"""43 ms: short against any player's buffer, long against the cost of a turn of the loop."""
BLOCKS_AT_ONCE_MAX = 47
"""When late, what is due goes out in one turn, up to 2 s. A turn needs five wake-ups; on two cores at load 20 each took
as long as two blocks last: one block a turn fell 10 s behind every 15 s, twelve still every 30 s."""
SKIP_S = 10.0
"""Later than this is not caught up: no listener has waited so long."""
EDGE_FRAMES = 960
"""20 ms: how fast music gives way to the bed, and comes back, without a click."""


Tell = Callable[[str, int, datetime, str], None]
"""What happened, at which frame, when, and how much of it (`12.4 s`); must return at once."""


def _tell_nobody(kind: str, frame: int, wall: datetime, detail: str) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything one broadcast works on."""

    name: str
    lead: Lead
    channels: tuple[Channel, ...]
    now: NowPlaying
    health: Health
    metrics: Metrics
    clock: Clock = field(default_factory=SystemClock)
    encore_s: float = 0.0
    """For so long the last bars are played again when none is ready; then, or with 0 at once, the bed takes over."""
    tell: Tell = _tell_nobody
    """Hears what happens to the broadcast beside its bars: `on air`, `bed`, `skip`, `fade`, `off air`."""


class Broadcast:
    """Sends one station's sound, one block after the other, each when it is due."""

    def __init__(self, desk: Desk, start_frame: int = 0) -> None:
        self.frame = start_frame
        """Position of the next frame to go out, counted over all runs."""
        self._desk = desk
        self._encore = Encore(desk.lead, desk.encore_s)
        self._bed = Bed()
        self._meter = Meter()
        self._on_bed = False
        """The last sound was faded into the bed, for what comes next was not there yet."""
        self._gap = False
        self._fade_frames = 0
        self._fade_left_frames: int | None = None
        self._recent: deque[Passage] = deque()
        """What has just gone out: a format that somebody begins to listen to starts with it."""
        self._recent_frames = 0
        self._recent_frames_max = max(channel.past_frames for channel in desk.channels)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"encode-{desk.name}")

    @property
    def without_music(self) -> bool:
        """Whether the engine is so late that old bars or noise are on air."""
        return self._gap or self._encore.repeated_frames > 0

    async def run(self) -> None:
        """Broadcast until a fade-out has ended."""
        desk = self._desk
        while (
            desk.lead.frames == 0 and self._fade_left_frames is None
        ):  # nothing was promised yet: the first listener hears the first note
            desk.lead.changed.clear()
            await desk.lead.changed.wait()
        logger.info("station %s: on air", desk.name)
        desk.tell("on air", self.frame, desk.clock.wall(), "")
        start_s, sent_frames = desk.clock.now_s(), 0
        while self._fade_left_frames != 0:
            await desk.clock.sleep_until(start_s + sent_frames / SAMPLE_RATE_HZ)
            late_s = max(0.0, desk.clock.now_s() - (start_s + sent_frames / SAMPLE_RATE_HZ))
            desk.metrics.clock_skew_seconds.labels(desk.name).set(late_s)
            if late_s > SKIP_S:
                logger.warning("station %s: the clock was held up, %.1f s are skipped", desk.name, late_s)
                desk.metrics.clock_skips.labels(desk.name).inc()
                desk.tell("skip", self.frame, desk.clock.wall(), f"{late_s:.1f} s")
                start_s, late_s = start_s + late_s, 0.0
            blocks = min(1 + int(late_s * SAMPLE_RATE_HZ) // BLOCK_FRAMES, BLOCKS_AT_ONCE_MAX)
            await self._send(blocks * BLOCK_FRAMES)
            sent_frames += blocks * BLOCK_FRAMES
        desk.tell("off air", self.frame, desk.clock.wall(), "")
        self._publish(await asyncio.get_running_loop().run_in_executor(self._pool, self._flush))

    def fade_out(self, seconds: float) -> None:
        """Begin to fade; `run()` ends with the last frame of it."""
        if self._fade_left_frames is None:
            self._fade_frames = self._fade_left_frames = max(1, int(seconds * SAMPLE_RATE_HZ))
            self._desk.lead.changed.set()

    def close(self) -> None:
        """End the encoder's thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _send(self, frames: int) -> None:
        desk = self._desk
        pulled = self._encore.pull(frames)
        desk.metrics.repeated_frames.labels(desk.name).inc(pulled.repeated_frames)
        for offset, start in pulled.bars:
            wall = desk.clock.wall() + timedelta(seconds=offset / SAMPLE_RATE_HZ)
            desk.now.begin(replace(start, frame=self.frame + offset), wall)
            desk.metrics.bars_broadcast.labels(desk.name).inc()
        samples = self._faded(self._filled(pulled.samples, frames))
        self._remember(Passage(AudioBlock(self.frame, samples), desk.now.title))
        recent = tuple(self._recent)
        self._publish(await asyncio.get_running_loop().run_in_executor(self._pool, self._encode, recent))
        self.frame += frames
        desk.health.hear(samples)
        self._count(frames)

    def _remember(self, passage: Passage) -> None:
        self._recent.append(passage)
        self._recent_frames += passage.block.frames
        while self._recent_frames - self._recent[0].block.frames > self._recent_frames_max:
            self._recent_frames -= self._recent.popleft().block.frames

    def _encode(self, recent: tuple[Passage, ...]) -> list[Batch]:
        self._meter.add(recent[-1].block.samples)
        return [channel.encode(recent) for channel in self._desk.channels]

    def _flush(self) -> list[Batch]:
        return [channel.flush(self._desk.now.title) for channel in self._desk.channels]

    def _publish(self, batches: list[Batch]) -> None:
        for channel, batch in zip(self._desk.channels, batches, strict=True):
            channel.publish(batch)

    def _filled(self, music: FloatArray, frames: int) -> FloatArray:
        """Make up what the music lacks with the bed; both meet in ramps, so that nothing clicks."""
        runs_dry = self._encore.dry
        if not (runs_dry or self._on_bed):
            return music
        gain = np.zeros(frames, np.float32)
        gain[: len(music)] = 1.0
        if self._on_bed:
            rise = min(EDGE_FRAMES, len(music))
            gain[:rise] = np.linspace(0.0, 1.0, rise, endpoint=False, dtype=np.float32)
        if runs_dry and len(music):
            fall = min(EDGE_FRAMES, len(music))
            gain[len(music) - fall : len(music)] *= np.linspace(1.0, 0.0, fall, dtype=np.float32)
        missing = frames - len(music)
        if missing:
            self._desk.metrics.underrun_frames.labels(self._desk.name).inc(missing)
            if not self._gap:
                logger.warning("station %s: no music is ready, noise fills the gap", self._desk.name)
                wall = self._desk.clock.wall() + timedelta(seconds=len(music) / SAMPLE_RATE_HZ)
                self._desk.tell("bed", self.frame + len(music), wall, "")
        self._on_bed, self._gap = runs_dry, missing > 0
        filled = self._bed.take(frames) * (1 - gain)[:, None]
        filled[: len(music)] += music * gain[: len(music), None]
        return filled

    def _faded(self, samples: FloatArray) -> FloatArray:
        if self._fade_left_frames is None:
            return samples
        if self._fade_left_frames == self._fade_frames:
            self._desk.tell("fade", self.frame, self._desk.clock.wall(), f"{self._fade_frames / SAMPLE_RATE_HZ:g} s")
        left = self._fade_left_frames - np.arange(1, len(samples) + 1)
        self._fade_left_frames = max(0, self._fade_left_frames - len(samples))
        gain = np.maximum(0, left / self._fade_frames).astype(np.float32)
        return samples * gain[:, None]

    def _count(self, frames: int) -> None:
        desk = self._desk
        desk.metrics.frames_broadcast.labels(desk.name).inc(frames)
        desk.metrics.last_audio_timestamp_seconds.labels(desk.name).set(desk.clock.wall().timestamp())
        desk.metrics.silence_seconds.labels(desk.name).set(desk.health.silence_s)
        desk.metrics.lead_seconds.labels(desk.name).set(desk.lead.frames / SAMPLE_RATE_HZ)
        loudness_lufs = self._meter.short_term_lufs
        desk.health.weigh(loudness_lufs, frames / SAMPLE_RATE_HZ)
        desk.metrics.output_loudness_lufs.labels(desk.name).set(loudness_lufs)
