"""What was on air at a moment and what it was made of, over HTTP, for everybody. Knows nothing about how that is found.

An answer is read in a thread, two at a time, and kept: asking again for the same second costs nothing.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from radio.digest_folder import FOLDER_NAME, DigestFolder
from radio.errors import JournalError, MomentError, ProvenanceError
from radio.journal_reader import JournalReader
from radio.moments import read_moment, to_ms
from radio.provenance import Asked, describe
from radio.signing import public_keys
from radio.web.answers import no_station, refused, told

ANSWERS = 256
"""Kept; one with all its notes takes 20 kB."""
YOUNG_MS = 120_000
"""A moment so young is asked for again each time: its row, or the one after it, may still be on its way to the disk."""
_AT_ONCE = 2
_STEP_MS = 100

Json = dict[str, Any]


class Provenance:
    """The route that tells what was on air."""

    def __init__(self, journal: Path, stations: Sequence[str], state: Path) -> None:
        self._journal, self._state = journal, state
        self._digests = DigestFolder(state / FOLDER_NAME)
        self._stations = tuple(stations)
        self._known: OrderedDict[Asked, Json] = OrderedDict()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def add_routes(self, app: web.Application) -> None:
        """Add /api/provenance (?at=2026-12-01T20:00:05Z&station=name), the public keys and the signed digests."""
        app.router.add_get("/api/provenance", self._answer)
        app.router.add_get("/api/provenance/key", self._keys)
        app.router.add_get("/api/provenance/digests", self._names)
        app.router.add_get("/api/provenance/digests/{name}", self._digest)

    async def _keys(self, request: web.Request) -> web.Response:
        try:
            keys = await asyncio.to_thread(public_keys, self._state)
        except (ProvenanceError, OSError):
            return refused(503, "The keys cannot be read right now.")
        return told({"algorithm": "ed25519", "keys": list(keys)})

    async def _names(self, request: web.Request) -> web.Response:
        return told({"digests": await asyncio.to_thread(self._digests.names)})

    async def _digest(self, request: web.Request) -> web.Response:
        try:
            async with self._turns:
                found = await asyncio.to_thread(self._digests.read, request.match_info["name"])
        except ProvenanceError:
            return refused(404, "There is no such digest; /api/provenance/digests lists them.")
        return told(found, cache="public, max-age=3600")

    async def _answer(self, request: web.Request) -> web.Response:
        now = datetime.now(UTC)
        try:
            asked = self._asked(request, now)
            record = await self._record(asked)
        except (MomentError, ProvenanceError) as problem:
            return refused(400 if isinstance(problem, MomentError) else 404, str(problem))
        except (JournalError, sqlite3.Error):
            return refused(503, "The journal cannot be read right now.")
        if to_ms(now) - asked.wall_ms >= YOUNG_MS:
            self._keep(asked, record)
            return told(record, cache="public, max-age=3600")
        return told(record)

    def _asked(self, request: web.Request, now: datetime) -> Asked:
        station = request.query.get("station", self._stations[0])
        if station not in self._stations:
            raise ProvenanceError(no_station(station, self._stations))
        return Asked(station, to_ms(read_time(request.query.get("at", ""), now)) // _STEP_MS * _STEP_MS)

    async def _record(self, asked: Asked) -> Json:
        if asked in self._known:
            self._known.move_to_end(asked)
            return self._known[asked]
        async with self._turns:
            return await asyncio.to_thread(self._read, asked)

    def _read(self, asked: Asked) -> Json:
        with JournalReader(self._journal) as reader:
            return describe(reader, asked, self._digests)

    def _keep(self, asked: Asked, record: Json) -> None:
        self._known[asked] = record
        if len(self._known) > ANSWERS:
            self._known.popitem(last=False)


def read_time(text: str, now: datetime) -> datetime:
    """Read a moment of a query, in which a plus sign may have become a blank; raises MomentError."""
    return read_moment(re.sub(r" (?=\d\d:?\d\d$)", "+", text) if "T" in text else text, now)
