"""Those who listen to a radio under test, and what they write down. Know nothing about faults."""

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import av
import numpy as np

BYTES_A_SECOND = 16_000
"""MP3 at 128 kbit/s."""
HOLE_DBFS = -60.0
"""The noise bed lies at -42: quieter than this is a hole."""


@dataclass
class Stretch:
    """One connection's worth of the stream."""

    began_s: float
    ended_s: float = 0.0
    received_bytes: int = 0
    longest_wait_s: float = 0.0


@dataclass
class Recorder:
    """Writes a stream down whole, connecting again whenever it breaks."""

    url: str
    path: Path
    stretches: list[Stretch] = field(default_factory=list)

    async def run(self) -> None:
        """Record until cancelled."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=30)
        async with aiohttp.ClientSession(timeout=timeout) as web:
            while True:
                with suppress(aiohttp.ClientError, OSError, TimeoutError):
                    async with web.get(self.url) as answer:
                        if answer.status == 200:
                            await self._record(answer)
                await asyncio.sleep(0.2)

    async def _record(self, answer: aiohttp.ClientResponse) -> None:
        stretch = Stretch(time.monotonic())
        self.stretches.append(stretch)
        last_s = stretch.began_s
        with self.path.with_suffix(f".{len(self.stretches)}.mp3").open("wb", buffering=0) as file:
            async for data in answer.content.iter_any():
                now_s = time.monotonic()
                stretch.longest_wait_s = max(stretch.longest_wait_s, now_s - last_s)
                stretch.received_bytes += len(data)
                stretch.ended_s = last_s = now_s
                file.write(data)

    def files(self) -> list[Path]:
        """The recordings, one a connection."""
        return [self.path.with_suffix(f".{number + 1}.mp3") for number in range(len(self.stretches))]


@dataclass(frozen=True)
class Hole:
    """A stretch of a recording without sound."""

    at_s: float
    seconds: float


def holes(path: Path, shortest_s: float = 0.05) -> tuple[float, list[Hole]]:
    """Decode a recording: its length in seconds, and every silence of at least `shortest_s`."""
    window = 480
    quiet: list[bool] = []
    rest = np.zeros(0, np.float32)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            sound = np.concatenate([rest, np.abs(frame.to_ndarray()).max(axis=0)])
            whole = len(sound) // window * window
            quiet += (sound[:whole].reshape(-1, window).max(axis=1) < 10 ** (HOLE_DBFS / 20)).tolist()
            rest = sound[whole:]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.array(quiet, int), [0]])))
    runs = zip(edges[::2], edges[1::2], strict=True)
    found = [Hole(begin / 100, (end - begin) / 100) for begin, end in runs if (end - begin) / 100 >= shortest_s]
    return len(quiet) / 100, found


class HlsWatcher:
    """Follows a playlist as a player does, remembers every rule that was broken, and plays on by itself."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.broken: list[str] = []
        self.segments = self.polls = self.discontinuities = 0
        self.last_new_s = 0.0
        self.longest_wait_s = 0.0
        """Longest time without a new segment."""
        self._lengths: dict[str, int] = {}
        self._uris: dict[int, str] = {}
        self._breaks: dict[int, int] = {}
        """Discontinuity sequence number of each segment."""
        self._sequence = -1

    async def run(self) -> None:
        """Follow until cancelled; a server that is away is asked again."""
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=timeout) as web:
            while True:
                with suppress(aiohttp.ClientError, OSError, TimeoutError):
                    await self._poll(web)
                await asyncio.sleep(1.0)

    async def _poll(self, web: aiohttp.ClientSession) -> None:
        async with web.get(self.url) as answer:
            if answer.status != 200:
                return
            text = await answer.text()
        self.polls += 1
        for number, uri in self.check(text):
            base = self.url.rsplit("/", 1)[0]
            async with web.get(uri if "://" in uri else f"{base}/{uri}") as answer:
                data = await answer.read()
            if answer.status != 200 or not data:
                self._say(f"segment {number} ({uri}): status {answer.status}, {len(data)} bytes")
            self._note(uri, len(data))

    def check(self, text: str) -> list[tuple[int, str]]:
        """Compare a playlist with all before it; the segments that are new."""
        first = _number(text, "EXT-X-MEDIA-SEQUENCE")
        number, breaks = first, _number(text, "EXT-X-DISCONTINUITY-SEQUENCE")
        if first < self._sequence:
            self._say(f"the media sequence went back from {self._sequence} to {first}")
        self._sequence = first
        new = []
        for line in text.splitlines():
            if line == "#EXT-X-DISCONTINUITY":
                breaks += 1
            elif line and not line.startswith("#"):
                new += self._check_segment(number, line, breaks)
                number += 1
        return new

    def _check_segment(self, number: int, uri: str, breaks: int) -> list[tuple[int, str]]:
        if number in self._uris:
            if self._uris[number] != uri:
                self._say(f"segment {number} was {self._uris[number]}, is {uri}")
            if self._breaks[number] != breaks:
                self._say(f"segment {number} had discontinuity {self._breaks[number]}, has {breaks}")
            return []
        if uri in self._uris.values():
            self._say(f"{uri} names a second segment")
        if self._uris and number > max(self._uris) + 1:
            self._say(f"segments {max(self._uris) + 1} to {number - 1} were never listed")
        if self._uris and breaks > self._breaks[max(self._uris)]:
            self.discontinuities += 1
        self._uris[number], self._breaks[number] = uri, breaks
        now_s = time.monotonic()
        if self.last_new_s:
            self.longest_wait_s = max(self.longest_wait_s, now_s - self.last_new_s)
        self.last_new_s = now_s
        self.segments += 1
        return [(number, uri)]

    def _note(self, uri: str, length: int) -> None:
        if self._lengths.setdefault(uri, length) != length:
            self._say(f"{uri} changed from {self._lengths[uri]} to {length} bytes")

    def _say(self, problem: str) -> None:
        if len(self.broken) < 100:
            self.broken.append(problem)


def _number(text: str, tag: str) -> int:
    found = re.search(rf"^#{tag}:(\d+)$", text, re.MULTILINE)
    return int(found.group(1)) if found else 0
