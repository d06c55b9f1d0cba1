"""Recordings: what went on air in files of equal length, the oldest of which go when all are larger than the budget.

Knows nothing about when to try again after a full disk (`radio.keepalive` does).
"""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import UTC, datetime
from io import BufferedWriter
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile

from engine import SAMPLE_RATE_HZ
from radio.clock import Clock
from radio.config_outputs import Record
from radio.errors import OutputError
from radio.hub import Hub, Sound
from radio.ledger import Ledger
from radio.metrics import Metrics
from radio.outputs.tally import Tally

logger = logging.getLogger(__name__)

ERRORS: tuple[type[Exception], ...] = (OSError, OutputError)
UNFINISHED = ".part"
_MEGABYTE = 1_000_000


class RecordOutput:
    """One station's recordings in one folder."""

    def __init__(self, settings: Record, hub: Hub, metrics: Metrics, clock: Clock) -> None:
        self.name = f"record {settings.name}"
        self._settings, self._hub, self._clock = settings, hub, clock
        self._tally = Tally(metrics, self.name)
        self._ledger = Ledger(settings.folder)

    async def run(self) -> None:
        """Record until the stream ends; raises OSError or OutputError when the disk refuses."""
        listener = self._hub.listen(0, skips=True)
        writer = _Writer(self._settings, self._ledger)
        try:
            await asyncio.to_thread(writer.finish_leftovers)
            with self._tally.connected():
                skipped = 0
                while sounds := await listener.read():
                    self._tally.sent(await asyncio.to_thread(writer.write, sounds, self._clock.wall()))
                    if listener.skipped_chunks > skipped:
                        self._tally.dropped(
                            (listener.skipped_chunks - skipped) * sounds[0].chunk.frames / SAMPLE_RATE_HZ
                        )
                        skipped = listener.skipped_chunks
        finally:
            self._hub.leave(listener)
            # also when cancelled: a recording that is cut off has all that was heard up to then
            writer.finish()


class _Sink(Protocol):
    def write(self, data: bytes) -> None:
        """Add a chunk."""

    def close(self) -> None:
        """Finish the file."""


class _FlacSink:
    def __init__(self, path: Path) -> None:
        self._file = soundfile.SoundFile(path, "w", SAMPLE_RATE_HZ, 2, "PCM_16", format="FLAC")

    def write(self, data: bytes) -> None:
        self._file.write(np.frombuffer(data, "<f4").reshape(-1, 2))

    def close(self) -> None:
        self._file.close()


class _ByteSink:
    def __init__(self, path: Path) -> None:
        self._file: BufferedWriter = path.open("wb")

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def close(self) -> None:
        self._file.close()


class _Writer:
    """Writes to the disk, in a thread; one file after the other."""

    def __init__(self, settings: Record, ledger: Ledger) -> None:
        self._settings, self._ledger = settings, ledger
        self._frames_max = int(settings.minutes * 60 * SAMPLE_RATE_HZ)
        self._sink: _Sink | None = None
        self._path = Path()
        self._frames = 0

    def finish_leftovers(self) -> None:
        """Give what a killed run left unfinished its name: all but the last moment of it is there."""
        self._settings.folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(self._ledger.names):
            if name.endswith(UNFINISHED) and name.startswith(f"{self._settings.station}-"):
                path = self._settings.folder / name
                if path.exists():
                    self._rename(path)
                self._ledger.remove(name)

    def write(self, sounds: tuple[Sound, ...], wall: datetime) -> int:
        """Write sound, begin the next file when it is time: number of bytes."""
        size_bytes = 0
        try:
            for sound in sounds:
                if self._sink is None:
                    self._begin(wall)
                assert self._sink is not None, "expected an open file"
                self._sink.write(sound.chunk.data)
                size_bytes += len(sound.chunk.data)
                self._frames += sound.chunk.frames
                if self._frames >= self._frames_max:
                    self.finish()
        except (OSError, soundfile.LibsndfileError) as problem:
            raise OutputError(
                f"{self._settings.folder}: cannot be written ({problem}). "
                "Free some disk space, lower record.budget_mb, or make the folder writable."
            ) from problem
        return size_bytes

    def finish(self) -> None:
        """Close the file and give it its name; nothing when none is open. What a full disk refuses is logged."""
        sink, self._sink = self._sink, None
        if sink is None:
            return
        try:
            sink.close()
            self._rename(self._path)
            self._ledger.remove(self._path.name)
        except (OSError, soundfile.LibsndfileError) as problem:
            logger.warning("%s: could not be finished (%s); the next start gives it its name", self._path, problem)

    def _begin(self, wall: datetime) -> None:
        folder = self._settings.folder
        folder.mkdir(parents=True, exist_ok=True)
        self._keep_to_budget()
        stem = f"{self._settings.station}-{wall.astimezone(UTC):%Y%m%dT%H%M%S%fZ}.{self._settings.format}"
        self._path, self._frames = folder / (stem + UNFINISHED), 0
        self._ledger.add([self._path.name])
        self._sink = _FlacSink(self._path) if self._settings.format == "flac" else _ByteSink(self._path)

    def _rename(self, path: Path) -> None:
        with path.open("rb") as file:
            os.fsync(file.fileno())
        final = path.with_name(path.name.removesuffix(UNFINISHED))
        self._ledger.add([final.name])
        path.replace(final)

    def _keep_to_budget(self) -> None:
        """Delete our oldest recordings until there is room for one more file like the largest."""
        sizes = {}
        for name in sorted(self._ledger.names):  # names begin with the time: the oldest first
            try:
                sizes[name] = (self._settings.folder / name).stat().st_size
            except FileNotFoundError:
                self._ledger.remove(name)
        left_bytes = self._settings.budget_mb * _MEGABYTE - max(sizes.values(), default=0) - sum(sizes.values())
        for name, size in sizes.items():
            if left_bytes >= 0:
                break
            self._ledger.remove(name)
            left_bytes += size
            logger.info("record %s: %s is deleted to keep to the budget", self._settings.name, name)
