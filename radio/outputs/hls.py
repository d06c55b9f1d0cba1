"""HLS as an output: takes AAC from its hubs, keeps the playlists in memory and on the shelves it was given.

Knows nothing about HTTP; a disk that is full, read-only or stuck costs files, never sound.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from radio.clock import Clock
from radio.hls import PLAIN, Collector, Cut, Playlist, file_name, master_text
from radio.hls_store import INDEX_NAME, Shelf, load, to_index
from radio.hub import Hub, Listener
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


@dataclass(frozen=True, slots=True)
class Rendition:
    """One quality: where its AAC comes from."""

    hub: Hub
    bitrate_kbps: int


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that players may ask for at one moment."""

    playlists: Mapping[str, bytes]
    """By name; `live.m3u8` is the one to begin with. Empty until there is a segment."""
    files: Mapping[str, bytes]
    """Content of every segment that is served, by name."""


class HlsOutput:
    """One station's live playlists and their segments."""

    def __init__(self, renditions: Mapping[str, Rendition], listed: int, house: HlsHouse) -> None:
        self.shown = Shown({}, {})
        self.changed = asyncio.Event()
        """Set whenever something new is shown; who waits for it clears it."""
        self._renditions, self._house = renditions, house
        house.metrics.expect_hls(house.station)
        kept = load(house.state_folder)
        wall, names = house.clock.wall(), tuple(renditions)
        self._playlist = Playlist(secrets.token_hex(4), listed, wall, kept.memory, names)
        self._playlist.keep_only(kept.files.keys())
        self._collector = Collector(names)
        self._state = _Keeper("state", Shelf(house.state_folder, durable=True), house)
        self._mirror = None
        if house.mirror_folder is not None:
            self._mirror = _Keeper("folder", Shelf(house.mirror_folder / house.station, durable=False), house)
        if self._playlist.memory.listed:
            self._show(kept.files)

    @property
    def station(self) -> str:
        """Whose it is."""
        return self._house.station

    async def run(self) -> None:
        """Make segments until the stream ends."""
        listeners = {name: one.hub.listen(0, skips=True) for name, one in self._renditions.items()}
        async with asyncio.TaskGroup() as tasks:
            for name, listener in listeners.items():
                tasks.create_task(self._take(name, listener), name=f"hls {self.station} {name}".strip())

    async def _take(self, name: str, listener: Listener) -> None:
        try:
            while sounds := await listener.read():
                wall = self._house.clock.wall()
                for sound in sounds:
                    for cuts in self._collector.take(name, sound.chunk, sound.title, wall):
                        await self._publish(cuts)
        finally:
            self._renditions[name].hub.leave(listener)

    async def _publish(self, cuts: Mapping[str, Cut]) -> None:
        segment = self._playlist.add(next(iter(cuts.values())))
        new = {file_name(name, segment): cut.data for name, cut in cuts.items()}
        names = self._playlist.names
        files = {name: data for name, data in {**self.shown.files, **new}.items() if name in names}
        # first on the disk, then in sight: a number that anybody has seen is never given out again
        await self._state.write(files, {INDEX_NAME: to_index(self._playlist.memory, files)})
        self._show(files)
        metrics, wall = self._house.metrics, self._house.clock.wall()
        metrics.hls_segments.labels(self.station).inc()
        metrics.hls_last_segment_timestamp_seconds.labels(self.station).set(wall.timestamp())
        if self._mirror is not None:
            await self._mirror.write(files, self.shown.playlists)

    def _show(self, files: Mapping[str, bytes]) -> None:
        names = self._playlist.names
        if tuple(self._renditions) == (PLAIN,):
            texts = {PLAYLIST_NAME: self._playlist.text()}
        else:
            texts = {f"{name}.m3u8": self._playlist.text(name) for name in self._renditions}
            texts[PLAYLIST_NAME] = master_text({name: one.bitrate_kbps for name, one in self._renditions.items()})
        self.shown = Shown(
            {name: text.encode() for name, text in texts.items()},
            {name: data for name, data in files.items() if name in names},
        )
        self.changed.set()


class _Keeper:
    """Writes to one shelf beside the event loop, one thing at a time, and complains once."""

    def __init__(self, what: str, shelf: Shelf, house: HlsHouse) -> None:
        self._what, self._shelf, self._house = what, shelf, house
        self._writing: asyncio.Future[None] | None = None
        self._complained = False

    async def write(self, files: Mapping[str, bytes], indexes: Mapping[str, bytes]) -> None:
        """Bring the shelf up to date, or count and say that it could not be done."""
        try:
            async with asyncio.timeout(WRITE_PATIENCE_S):
                if self._writing is not None:  # a write that took too long last time
                    await asyncio.shield(self._writing)
                loop = asyncio.get_running_loop()
                self._writing = loop.run_in_executor(None, self._shelf.write, files, indexes)
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
