"""The pieces that went on air, page after page into the past, from the journal. Knows nothing about who writes it.

The journal is read in a thread, one question at a time, and an answer is kept for a few seconds: a crowd that asks for
the same page costs one reading.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from radio.errors import JournalError
from radio.journal_reader import JournalReader, PieceRow
from radio.web.answers import no_station, refused, told
from radio.web.facts import Json, iso

PIECES, PIECES_MAX = 25, 100
KEPT_S = 5.0
PAGES_KEPT = 64
_LONGEST_MS = 30 * 60_000
"""No piece is so long: between two that are further apart the station was away."""

_Asked = tuple[str, int, int]
"""Station, before which wall time, how many pieces."""


class History:
    """The route that tells the past."""

    def __init__(self, journal: Path, stations: Sequence[str], now_s: Callable[[], float] = time.monotonic) -> None:
        self._journal = journal
        self._stations = tuple(stations)
        self._now_s = now_s
        self._turn = asyncio.Lock()
        self._kept: OrderedDict[_Asked, tuple[float, Json]] = OrderedDict()

    def add_routes(self, app: web.Application) -> None:
        """Add /api/history (?station=name&before=2026-12-01T20:00:00Z&limit=25)."""
        app.router.add_get("/api/history", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        """Pieces that went on air, newest first; `next` asks for those before."""
        try:
            asked = self._asked(request)
        except ValueError as problem:
            return refused(400, str(problem))
        if asked[0] not in self._stations:
            return refused(404, no_station(asked[0], self._stations))
        try:
            return told(await self._page(asked))
        except (JournalError, sqlite3.Error):
            return refused(503, "The journal cannot be read right now.")

    async def _page(self, asked: _Asked) -> Json:
        async with self._turn:
            kept = self._kept.get(asked)
            if kept is not None and self._now_s() - kept[0] < KEPT_S:
                return kept[1]
            rows = await asyncio.to_thread(self._read, asked)
            page = _page(asked, rows)
            self._kept[asked] = self._now_s(), page
            while len(self._kept) > PAGES_KEPT:
                self._kept.popitem(last=False)
            return page

    def _read(self, asked: _Asked) -> list[PieceRow]:
        station, before_ms, limit = asked
        with JournalReader(self._journal) as reader:
            return reader.pieces_before(station, before_ms, limit + 1)

    def _asked(self, request: web.Request) -> _Asked:
        query = request.query
        limit = query.get("limit", str(PIECES))
        if not limit.isascii() or not limit.isdigit() or len(limit) > 3 or not 1 <= int(limit) <= PIECES_MAX:
            raise ValueError(f'"limit" must be a whole number from 1 to {PIECES_MAX}.')
        # the present in steps: who asks for the newest page shares it with others
        before = datetime.fromtimestamp((time.time() // KEPT_S + 1) * KEPT_S, UTC)
        if "before" in query:
            try:
                before = datetime.fromisoformat(query["before"].replace(" ", "+"))
                before = before.replace(tzinfo=UTC) if before.tzinfo is None else before.astimezone(UTC)
            except (ValueError, OverflowError) as problem:
                raise ValueError('"before" must be a moment such as 2026-12-01T20:00:00Z.') from problem
        return query.get("station", self._stations[0]), round(before.timestamp() * 1000), int(limit)


def _page(asked: _Asked, rows: Sequence[PieceRow]) -> Json:
    station, before_ms, limit = asked
    shown, later_ms = rows[:limit], before_ms
    pieces = []
    for row in shown:
        length_ms = later_ms - row.wall_ms
        pieces.append(
            {
                "number": row.piece,
                "title": row.title,
                "key": row.key,
                "bpm": round(row.bpm, 1),
                "mood": row.mood,
                "composer": row.composer,
                "started_at": iso(datetime.fromtimestamp(row.wall_ms / 1000, UTC)),
                "seconds": round(length_ms / 1000, 1) if row is not rows[0] and 0 < length_ms < _LONGEST_MS else None,
            }
        )
        later_ms = row.wall_ms
    page: Json = {"station": station, "pieces": pieces, "next": None}
    if len(rows) > limit:
        page["next"] = f"/api/history?station={station}&before={pieces[-1]['started_at']}&limit={limit}"
    return page
