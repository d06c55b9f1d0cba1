"""Listens to what was encoded as a listener would: decodes the newest second of a format that is on air.

It takes from a hub's past and is no listener of it, so it makes no encoder run. Knows nothing about the engine.
"""

from __future__ import annotations

import asyncio
import io
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from engine import SAMPLE_RATE_HZ
from radio.channel import Channel
from radio.clock import Clock
from radio.health import SILENCE_DBFS, Health
from radio.hub import Heads, Sound
from radio.metrics import Metrics

logger = logging.getLogger(__name__)

PERIOD_S = 2.0
WINDOW_FRAMES = SAMPLE_RATE_HZ
PATIENCE_TIMES = 2
"""A format found bad so often in a row gets a new encoder."""
CONTAINERS = {"audio/mpeg": "mp3", "audio/aac": "aac", "audio/ogg": "ogg"}
FLOOR_DBFS = -120.0


class Ear:
    """One station's; each time another of the formats that are encoded just now."""

    def __init__(self, station: str, channels: Mapping[str, Channel], health: Health, metrics: Metrics) -> None:
        self._station = station
        self._channels = {name: channel for name, channel in channels.items() if channel.content_type in CONTAINERS}
        self._health = health
        self._metrics = metrics
        self._heard_frame: dict[str, int] = {}
        self._bad: dict[str, int] = {}
        self._turn = 0
        metrics.expect_formats(station, list(self._channels))

    async def run(self, clock: Clock) -> None:
        """Listen every two seconds, for ever."""
        while True:
            await clock.sleep_until(clock.now_s() + PERIOD_S)
            await self.listen()

    async def listen(self) -> None:
        """Judge the format whose turn it is; one that is not encoded is forgotten."""
        for ending, channel in self._channels.items():
            if not channel.running:
                self._forget(ending)
        endings = [ending for ending, channel in self._channels.items() if channel.running]
        if not endings:
            return
        self._turn += 1
        ending = endings[self._turn % len(endings)]
        sounds = self._channels[ending].hub.latest(WINDOW_FRAMES)
        end_frame = sounds[-1].chunk.start_frame if sounds else None
        if end_frame is None or self._heard_frame.get(ending) == end_frame:
            return  # too short a past is kept to judge it, or nothing came: that the sound stands still others see
        self._heard_frame[ending] = end_frame
        try:
            level_dbfs = await asyncio.to_thread(decoded_level_dbfs, self._channels[ending].content_type, sounds)
        except av.FFmpegError as problem:
            self._note(ending, FLOOR_DBFS, f"the {ending} that goes out cannot be decoded ({problem})")
            return
        silent = level_dbfs < SILENCE_DBFS
        self._note(
            ending, level_dbfs, f"the {ending} that goes out is silent ({level_dbfs:.0f} dBFS)" if silent else ""
        )

    def _note(self, ending: str, level_dbfs: float, fault: str) -> None:
        self._metrics.decoded_level_dbfs.labels(self._station, ending).set(level_dbfs)
        if not fault:
            self._bad.pop(ending, None)
            self._health.faults.pop(ending, None)
            return
        self._metrics.decoded_faults.labels(self._station, ending).inc()
        self._health.faults[ending] = fault
        self._bad[ending] = self._bad.get(ending, 0) + 1
        if self._bad[ending] % PATIENCE_TIMES == 0 and not self._health.silence_s:  # else the music is what is silent
            logger.warning("station %s: %s, a new encoder takes over", self._station, fault)
            self._channels[ending].renew()

    def _forget(self, ending: str) -> None:
        self._bad.pop(ending, None)
        self._health.faults.pop(ending, None)


def decoded_level_dbfs(content_type: str, sounds: Sequence[Sound]) -> float:
    """Level of a stretch of a stream after decoding, dBFS (RMS); raises av.FFmpegError when it is no such stream."""
    squares, count = 0.0, 0
    with av.open(io.BytesIO(Heads().join(sounds)), "r", format=CONTAINERS[content_type]) as container:
        for frame in container.decode(audio=0):
            samples: npt.NDArray[Any] = frame.to_ndarray()
            if samples.dtype.kind != "f":
                samples = samples / np.float32(np.iinfo(samples.dtype).max)
            squares += float(np.square(samples, dtype=np.float64).sum())
            count += samples.size
    if not count:
        raise av.InvalidDataError(0, "no frame in it")
    power = squares / count
    return 10 * math.log10(power) if power > 10 ** (FLOOR_DBFS / 10) else FLOOR_DBFS
