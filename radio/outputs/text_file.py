"""Keeps a text file that says what plays, replaced whole at every new piece: OBS and others show it.

Knows nothing about how pieces come about.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from engine import Bar, BarStart
from radio.clock import Clock
from radio.config_news import TextFile
from radio.ledger import replace_file
from radio.nowplaying import NowPlaying, key_name

ERRORS: tuple[type[Exception], ...] = (OSError,)
"""A disk that refuses: tried again by `keepalive`, with what plays then."""
WAITING_TEXTS = 16


@dataclass(frozen=True, slots=True)
class Shown:
    """The station that the file tells about."""

    station: str
    title: str
    """For people."""
    now: NowPlaying


class TextFileOutput:
    """The file of one station."""

    def __init__(self, shown: Shown, settings: TextFile, clock: Clock) -> None:
        self.name = f"text {shown.station}"
        self._title, self._now = shown.title, shown.now
        self._settings, self._clock = settings, clock
        self._waiting: deque[tuple[float, str]] = deque(maxlen=WAITING_TEXTS)
        self._news = asyncio.Event()
        self._told = ""

    async def run(self) -> None:
        """Write for ever; raises OSError when the disk refuses."""
        self._told = ""
        if self._now.current is not None and self._now.bar_started_at is not None:
            self._at_bar(self._now.current, self._now.bar_started_at)
        end = self._now.watch(self._at_bar)
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while self._waiting:
                    due_s, text = self._waiting.popleft()
                    await self._clock.sleep_until(due_s)
                    await asyncio.to_thread(self._write, text)
        finally:
            end()

    def text(self, bar: Bar) -> str:
        """What is written while a bar plays."""
        piece = bar.piece
        return self._settings.format.format(
            title=piece.title, key=key_name(piece), bpm=f"{round(piece.bpm, 1):g}", mood=bar.mood, station=self._title
        )

    def _at_bar(self, start: BarStart, _wall: datetime) -> None:
        text = self.text(start.bar)
        if text != self._told:
            self._told = text
            self._waiting.append((self._clock.now_s() + self._settings.delay_s, text))
            self._news.set()

    def _write(self, text: str) -> None:
        path = self._settings.file
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode(), sync=False)
