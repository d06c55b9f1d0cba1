"""Writes what one station sends into the journal: every bar, and what happens between bars.

Knows nothing about files, and nothing about why a bar is on air.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Any, Protocol

from engine import Bar, BarStart
from radio.journal import Journal
from radio.journal_bars import Airing, bar_row
from radio.journal_rows import EventRow
from radio.lead import HEARD_BARS, Lead, LeadBar
from radio.sound_recorder import Offer, SoundRecorder


class Maker(Protocol):
    """Where the bars come from; `radio.producer.Producer` is one."""

    assets: tuple[Any, ...]
    seed: int


class Logbook:
    """One station's hand in the journal."""

    def __init__(self, station: str, journal: Journal, lead: Lead, sounds: SoundRecorder | None = None) -> None:
        self._station, self._journal, self._lead, self._sounds = station, journal, lead, sounds
        self._run = 0
        self._registered: tuple[tuple[Any, ...] | None, str] = (None, "")
        self._recent: deque[tuple[Bar, int, int]] = deque(maxlen=2 * HEARD_BARS)
        """The last bars and where their engine counted them; one that comes again is a repeat."""

    def write(self, start: BarStart, wall: datetime, maker: Maker) -> None:
        """Note a bar whose first frame goes on air."""
        if self._registered[0] is not maker.assets:
            self._registered = (maker.assets, self._journal.register(maker.assets))
        source = self._lead.source(start)
        known = next((one for one in self._recent if one[0] is start.bar), None)
        origin = _origin(start, source) if known is None else known
        if known is None:
            self._recent.append(origin)
            if source is not None and self._sounds is not None:
                self._sounds.offer(Offer(self._station, self._run, _ms(wall), source))
        airing = Airing(
            self._station,
            wall,
            maker.seed,
            self._registered[1],
            self._run,
            known is not None,
            "" if start.mood is None else self._journal.register_mood(start.mood, _ms(wall)),
            *origin[1:],
        )
        self._journal.append(bar_row(start, airing))

    def tell(self, kind: str, frame: int, wall: datetime, detail: str) -> None:
        """Note what happens to the broadcast."""
        if kind == "on air":
            self._run = _ms(wall)
        self._journal.append(EventRow(self._station, self._run, frame, _ms(wall), kind, detail))


def _origin(start: BarStart, source: LeadBar | None) -> tuple[Bar, int, int]:
    piece = start.bar.piece.number
    return (start.bar, -1, piece) if source is None else (start.bar, source.engine_frame, piece - source.added_pieces)


def _ms(wall: datetime) -> int:
    return round(wall.timestamp() * 1000)
