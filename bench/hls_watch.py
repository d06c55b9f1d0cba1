"""Follow a live HLS address as a suspicious player does and say which rules it broke: `python -m bench.hls_watch URL`.

Every poll is compared with all before it (RFC 8216, 6.2.1 and 6.2.2): numbers never fall or skip, no number and no URI
means two things, discontinuity numbers stay, dates go on, what was listed can be fetched for as long as the rule says,
and all renditions agree. Knows nothing about who serves it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urljoin

import aiohttp

_ENTRY = re.compile(
    r"(?P<tag>#EXT-X-DISCONTINUITY\n)?(?:#EXT-X-PROGRAM-DATE-TIME:(?P<at>\S+)\n)?"
    r"#EXTINF:(?P<length>[\d.]+),[^\n]*\n(?P<uri>[^#\s]\S*)"
)
_SLACK_S = 0.0015
"""Dates are written in whole milliseconds."""
_PROBLEMS_MAX = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One segment as a playlist lists it."""

    uri: str
    at: str
    length_s: float
    discontinuity: int
    """Its discontinuity sequence number."""


@dataclass
class Watch:
    """Everything that one media playlist has said up to now."""

    problems: list[str] = field(default_factory=list)
    entries: dict[int, Entry] = field(default_factory=dict)
    """By sequence number."""
    until_s: dict[str, float] = field(default_factory=dict)
    """By URI: until when it must be served."""
    last_new_s: float | None = None
    longest_wait_s: float = 0.0
    _first: int = 0
    _target_s: int = 0

    def take(self, text: str, now_s: float) -> list[int]:
        """Compare a playlist with all before it; the numbers that are new."""
        target_s, first = _number(text, "TARGETDURATION"), _number(text, "MEDIA-SEQUENCE")
        breaks = _number(text, "DISCONTINUITY-SEQUENCE")
        if not text.startswith("#EXTM3U\n") or not target_s:
            self._say(f"not a media playlist: {text[:60]!r}")
            return []
        if self._target_s not in (0, target_s):
            self._say(f"the target duration changed from {self._target_s} to {target_s}")
        if first < self._first:
            self._say(f"the media sequence fell from {self._first} to {first}")
        self._first, self._target_s = max(first, self._first), target_s
        new, found = [], list(_ENTRY.finditer(text))
        if len(found) != text.count("#EXTINF:"):
            self._say("a segment has no address")
        total_s = sum(float(one["length"]) for one in found)
        for number, one in enumerate(found, first):
            breaks += bool(one["tag"])
            entry = Entry(one["uri"], one["at"] or "", float(one["length"]), breaks)
            new += self._compare(number, entry)
            self.until_s[entry.uri] = now_s + total_s + entry.length_s
        if new:
            if self.last_new_s is not None:
                self.longest_wait_s = max(self.longest_wait_s, now_s - self.last_new_s)
            self.last_new_s = now_s
        return new

    def _compare(self, number: int, entry: Entry) -> list[int]:
        if round(entry.length_s) > self._target_s:
            self._say(f"segment {number} is longer ({entry.length_s} s) than the target duration")
        before = self.entries.get(number)
        if before is not None:
            if before != entry:
                self._say(f"segment {number} was {before}, is {entry}")
            return []
        if any(one.uri == entry.uri for one in self.entries.values()):
            self._say(f"{entry.uri} names a second segment")
        if self.entries:
            self._follow(max(self.entries), number, entry)
        self.entries[number] = entry
        return [number]

    def _follow(self, last: int, number: int, entry: Entry) -> None:
        previous = self.entries[last]
        if number > last + 1:
            self._say(f"segments {last + 1} to {number - 1} were never listed")
        if entry.discontinuity < previous.discontinuity:
            self._say(f"the discontinuity number fell to {entry.discontinuity} at segment {number}")
        if entry.at and previous.at:
            step_s = (datetime.fromisoformat(entry.at) - datetime.fromisoformat(previous.at)).total_seconds()
            off_s = step_s - previous.length_s * (number - last)
            if off_s < -_SLACK_S or (entry.discontinuity == previous.discontinuity and abs(off_s) > 2 * _SLACK_S):
                self._say(
                    f"segment {number} begins {step_s:.3f} s after the one before, which has {previous.length_s} s"
                )

    def _say(self, problem: str) -> None:
        if len(self.problems) < _PROBLEMS_MAX and problem not in self.problems:
            self.problems.append(problem)


def disagreements(watches: Mapping[str, Watch]) -> list[str]:
    """Say where renditions differ in numbers, dates, lengths or discontinuities."""
    found = []
    for (one, left), (other, right) in itertools.combinations(watches.items(), 2):
        for number in left.entries.keys() & right.entries.keys():
            here, there = left.entries[number], right.entries[number]
            if (here.at, here.length_s, here.discontinuity) != (there.at, there.length_s, there.discontinuity):
                found.append(f"segment {number}: {one} says {here}, {other} says {there}")
    return found


def variants(text: str) -> list[str]:
    """Addresses of the renditions that a playlist of playlists names; empty for a media playlist."""
    return re.findall(r"^#EXT-X-STREAM-INF:[^\n]*\n([^#\s]\S*)$", text, re.MULTILINE)


class Client:
    """Polls all renditions and fetches every segment, at once and again before it may go."""

    def __init__(self, url: str) -> None:
        self.watches: dict[str, Watch] = {}
        self.polls = self.away = 0
        """Answers, and times without one."""
        self._url = url
        self._sizes: dict[str, int] = {}

    @property
    def problems(self) -> list[str]:
        """Every rule that was broken."""
        told = [f"{url}: {problem}" for url, watch in self.watches.items() for problem in watch.problems]
        return told + disagreements(self.watches)

    async def run(self, seconds: float, interval_s: float) -> None:
        """Follow for so long."""
        end_s = time.monotonic() + seconds
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as web:
            while time.monotonic() < end_s:
                try:
                    await self._poll(web)
                except (aiohttp.ClientError, TimeoutError):
                    self.away += 1
                await asyncio.sleep(interval_s)

    async def _poll(self, web: aiohttp.ClientSession) -> None:
        if not self.watches:
            named = variants(await self._get(web, self._url))
            self.watches = {urljoin(self._url, uri): Watch() for uri in named} or {self._url: Watch()}
        for url, watch in self.watches.items():
            text = await self._get(web, url)
            now_s = time.monotonic()
            new = [watch.entries[number].uri for number in watch.take(text, now_s)]
            due = [uri for uri, until_s in watch.until_s.items() if now_s < until_s < now_s + 2.0]
            for uri in new + due:
                await self._fetch(web, urljoin(url, uri), watch)
        self.polls += 1

    async def _get(self, web: aiohttp.ClientSession, url: str) -> str:
        async with web.get(url, raise_for_status=True) as answer:
            return await answer.text()

    async def _fetch(self, web: aiohttp.ClientSession, url: str, watch: Watch) -> None:
        async with web.get(url) as answer:
            size = len(await answer.read())
        if answer.status != 200 or not size:
            watch.problems.append(f"{url}: status {answer.status}, {size} bytes, although it must be served")
        elif self._sizes.setdefault(url, size) != size:
            watch.problems.append(f"{url}: had {self._sizes[url]} bytes, has {size}")


def _number(text: str, tag: str) -> int:
    found = re.search(rf"^#EXT-X-{tag}:(\d+)$", text, re.MULTILINE)
    return int(found.group(1)) if found else 0


def main() -> None:
    """Watch and print; 1 when a rule was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.hls_watch", description=__doc__)
    parser.add_argument("url", help="http://…/hls/live.m3u8")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--interval-s", type=float, default=1.0, help="between two polls")
    options = parser.parse_args()
    client = Client(options.url)
    asyncio.run(client.run(options.seconds, options.interval_s))
    for url, watch in client.watches.items():
        breaks = len({entry.discontinuity for entry in watch.entries.values()}) - 1
        told = f"{len(watch.entries)} segments, {breaks} discontinuities, longest wait {watch.longest_wait_s:.1f} s"
        print(f"{url}: {told}")
    print(f"{client.polls} polls, {client.away} without an answer, {len(client.problems)} rules broken")
    print("\n".join(client.problems[:_PROBLEMS_MAX]))
    sys.exit(1 if client.problems or not client.polls else 0)


if __name__ == "__main__":
    main()
