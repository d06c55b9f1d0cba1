"""HLS as an output: takes AAC from its hub, keeps the playlist in memory and on the shelves it was given.

Knows nothing about HTTP; a disk that is full, read-only or stuck costs files, never sound.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from radio.clock import Clock
from radio.hls import Cut, Playlist, Segmenter
from radio.hls_store import INDEX_NAME, Shelf, load, to_index
from radio.hub import Hub
from radio.metrics import Metrics

logger = logging.getLogger(__name__)

PLAYLIST_NAME = "live.m3u8"
WRITE_PATIENCE_S = 2.0
"""A disk slower than this is not waited for: half a segment's length."""


@dataclass(frozen=True, slots=True)
class HlsHouse:
    """What HLS is given by its station."""

    station: str
    state_folder: Path
    mirror_folder: Path | None
    metrics: Metrics
    clock: Clock


class HlsOutput:
    """One station's live playlist and its segments."""

    def __init__(self, hub: Hub, listed: int, house: HlsHouse) -> None:
        self.playlist = b""
        """What is served; empty until there is a segment."""
        self.etag = ""
        self.files: dict[str, bytes] = {}
        """Content of every segment that is served, by name."""
        self._hub, self._house = hub, house
        house.metrics.expect_hls(house.station)
        kept = load(house.state_folder)
        self._playlist = Playlist(secrets.token_hex(4), listed, house.clock.wall(), kept.memory)
        self._playlist.keep_only(kept.files.keys())
        self._segmenter = Segmenter()
        self._memory = _Keeper("state", Shelf(house.state_folder, INDEX_NAME, durable=True), house)
        self._mirror = None
        if house.mirror_folder is not None:
            shelf = Shelf(house.mirror_folder / house.station, PLAYLIST_NAME, durable=False)
            self._mirror = _Keeper("folder", shelf, house)
        self._set_files(kept.files)
        if self._playlist.memory.listed:
            self._show()

    async def run(self) -> None:
        """Make segments until the stream ends."""
        listener = self._hub.listen(0, skips=True)
        try:
            while sounds := await listener.read():
                wall = self._house.clock.wall()
                for sound in sounds:
                    for cut in self._segmenter.take(sound.chunk, sound.title, wall):
                        await self._publish(cut)
        finally:
            self._hub.leave(listener)

    async def _publish(self, cut: Cut) -> None:
        segment = self._playlist.add(cut)
        self._set_files({**self.files, segment.name: cut.data})
        # first on the disk, then in sight: a number that anybody has seen is never given out again
        await self._memory.write(self.files, to_index(self._playlist.memory, self.files))
        self._show()
        self._house.metrics.hls_segments.labels(self._house.station).inc()
        if self._mirror is not None:
            await self._mirror.write(self.files, self.playlist)

    def _set_files(self, files: Mapping[str, bytes]) -> None:
        names = self._playlist.names
        self.files = {name: data for name, data in files.items() if name in names}

    def _show(self) -> None:
        self.playlist = self._playlist.text().encode()
        self.etag = hashlib.sha256(self.playlist).hexdigest()[:20]


class _Keeper:
    """Writes to one shelf beside the event loop, one thing at a time, and complains once."""

    def __init__(self, what: str, shelf: Shelf, house: HlsHouse) -> None:
        self._what, self._shelf, self._house = what, shelf, house
        self._writing: asyncio.Future[None] | None = None
        self._complained = False

    async def write(self, files: Mapping[str, bytes], index: bytes) -> None:
        """Bring the shelf up to date, or count and say that it could not be done."""
        try:
            async with asyncio.timeout(WRITE_PATIENCE_S):
                if self._writing is not None:  # a write that took too long last time
                    await asyncio.shield(self._writing)
                loop = asyncio.get_running_loop()
                self._writing = loop.run_in_executor(None, self._shelf.write, files, index)
                await asyncio.shield(self._writing)
        except OSError as problem:  # TimeoutError is one, too
            self._complain(str(problem) or f"it takes longer than {WRITE_PATIENCE_S:g} s")
            if self._writing is not None and self._writing.done():
                self._writing = None
        else:
            self._writing, self._complained = None, False

    def _complain(self, problem: str) -> None:
        self._house.metrics.hls_write_errors.labels(self._house.station, self._what).inc()
        if not self._complained:
            logger.warning(
                "%s: HLS cannot write there (%s); listeners are served from memory. "
                "Make the folder writable, or free some disk space.", self._shelf.folder, problem,
            )  # fmt: skip
        self._complained = True
