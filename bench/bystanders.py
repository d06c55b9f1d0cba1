"""Listeners beside a fault: how long each waited for new sound at the longest, and how often it broke.

They know nothing about what the fault is.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

import aiohttp


@dataclass
class Bystander:
    """A listener that must notice nothing."""

    name: str
    longest_wait_s: float = 0.0
    received_bytes: int = 0
    broken: int = 0
    _last_s: float = field(default_factory=time.monotonic)

    def got(self, size_bytes: int) -> None:
        """Note new sound."""
        now_s = time.monotonic()
        if self.received_bytes:
            self.longest_wait_s = max(self.longest_wait_s, now_s - self._last_s)
        self.received_bytes, self._last_s = self.received_bytes + size_bytes, now_s

    def restart(self) -> None:
        """Begin a new measurement."""
        self.longest_wait_s, self.broken, self._last_s = 0.0, 0, time.monotonic()


async def listen(url: str, beside: Bystander) -> None:
    """Take the stream until cancelled."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=timeout) as web:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with web.get(f"{url}/stream.mp3") as answer:
                    async for data in answer.content.iter_any():
                        beside.got(len(data))
            beside.broken += 1
            await asyncio.sleep(0.2)


async def follow(url: str, beside: Bystander) -> None:
    """Ask for the playlist every half a second until cancelled; a new list counts as new sound."""
    last = ""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as web:
        while True:
            try:
                async with web.get(f"{url}/hls/low.m3u8") as answer:
                    text = await answer.text()
                    if answer.status == 200 and text != last:
                        beside.got(len(text))
                        last = text
                    beside.broken += answer.status >= 500
            except (aiohttp.ClientError, TimeoutError):
                beside.broken += 1
            await asyncio.sleep(0.5)
