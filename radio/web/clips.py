"""Past minutes and whole pieces as files, over HTTP. Knows nothing about how they are made."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from engine import SAMPLE_RATE_HZ
from radio.airtime import aired_at
from radio.clips import BusyError, Clip, Clips
from radio.errors import JournalError, MomentError, ReplayError
from radio.journal_bars import read_piece_id
from radio.journal_reader import JournalReader
from radio.metrics import Metrics
from radio.moments import iso, to_ms
from radio.replay_plan import Span, piece_span
from radio.web.answers import OPEN, no_station, refused
from radio.web.guard import Attempts
from radio.web.provenance import read_time

FORMATS = {
    "mp3": "audio/mpeg", "flac": "audio/flac", "wav": "audio/wav", "opus": "audio/ogg", "m4a": "audio/mp4",
    "mid": "audio/midi",
}  # fmt: skip
SHORTEST_S = 1.0


class ClipPages:
    """The route for clips."""

    def __init__(self, clips: Clips, journal: Path, stations: Sequence[str], longest_s: int) -> None:
        self._clips, self._journal, self._stations, self._longest_s = clips, journal, tuple(stations), longest_s
        self._attempts = Attempts(6)
        self._client: Callable[[web.Request], str] = lambda request: request.remote or ""
        self._metrics: Metrics | None = None

    def limited(self, a_minute: int, client: Callable[[web.Request], str], metrics: Metrics) -> ClipPages:
        """Let each address have so many new clips a minute."""
        self._attempts, self._client, self._metrics = Attempts(a_minute), client, metrics
        return self

    def add_routes(self, app: web.Application) -> None:
        """Add /api/clip (?from=&seconds= or ?piece= or ?piece_at=, &format=mp3&station=)."""
        app.router.add_get("/api/clip", self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            suffix, kind = self._format(request)
            span = await asyncio.to_thread(self._span, request)
            clip = await asyncio.to_thread(self._clips.known, span, suffix)
            if clip is not None:
                self._count("kept")
            elif wait_s := self._attempts.wait_s(self._client(request)):
                self._count("refused")
                return refused(
                    429, f"That is enough for now. Wait {wait_s:.0f} s.", {"Retry-After": str(int(wait_s) + 1)}
                )
            else:
                self._attempts.failed(self._client(request))
                clip = await self._clips.make(span, suffix)
        except MomentError as problem:
            return refused(400, str(problem))
        except BusyError as problem:
            self._count("refused")
            return refused(503, str(problem), {"Retry-After": "60"})
        except ReplayError as problem:
            return refused(404, str(problem))
        except (JournalError, sqlite3.Error, OSError):
            return refused(503, "The journal or the disk is in the way right now.")
        return _file(clip, kind, f"{span.station} {iso(span.from_ms)[:19]}{suffix}")

    def _format(self, request: web.Request) -> tuple[str, str]:
        name = request.query.get("format", "mp3").lower()
        if name not in FORMATS:
            raise MomentError(f"format must be one of {', '.join(FORMATS)}, got {name[:20]!r}.")
        return f".{name}", FORMATS[name]

    def _span(self, request: web.Request) -> Span:
        """What is asked for; not for the event loop."""
        query, now = request.query, datetime.now(UTC)
        station = query.get("station", self._stations[0])
        if station not in self._stations:
            raise ReplayError(no_station(station, self._stations))
        if "piece" in query or "piece_at" in query:
            span = self._piece(station, query.get("piece", ""), query.get("piece_at", ""), now)
        else:
            span = Span(station, to_ms(read_time(query.get("from", ""), now)), _frames(query.get("seconds", "60")))
        seconds = span.frames / SAMPLE_RATE_HZ
        if not SHORTEST_S <= seconds <= self._longest_s:
            raise MomentError(f"A clip lasts {SHORTEST_S:g} to {self._longest_s} s, this would be {seconds:.0f} s.")
        if span.from_ms + seconds * 1000 > to_ms(now):
            raise MomentError("This has not been on air yet.")
        return span

    def _piece(self, station: str, text: str, at: str, now: datetime) -> Span:
        with JournalReader(self._journal) as reader:
            if text:
                number = read_piece_id(text)
                if number is None:
                    raise MomentError("piece must be an id as /api/provenance has it, such as 118-6f3a09c2d1e45b78.")
                return piece_span(reader, station, number)
            aired = aired_at(reader, station, to_ms(read_time(at, now)))[0]
            if aired.bar is None:
                raise ReplayError(f"No piece was on air then: {aired.what.value}.")
            return piece_span(reader, station, (aired.bar.piece, aired.bar.piece_seed))

    def _count(self, result: str) -> None:
        if self._metrics is not None:
            self._metrics.clips.labels(result).inc()


def _frames(text: str) -> int:
    if not re.fullmatch(r"\d{1,5}(\.\d{1,3})?", text):
        raise MomentError(f"seconds must be a number, got {text[:20]!r}.")
    return round(float(text) * SAMPLE_RATE_HZ)


def _file(clip: Clip, kind: str, name: str) -> web.FileResponse:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    headers = {
        "Content-Type": kind,
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}",
        "Cache-Control": "public, max-age=3600",
        **OPEN,
        "X-Lofi-Exact": "yes" if clip.exact else "no",
    }
    if clip.warnings:
        headers["X-Lofi-Note"] = quote(" ".join(clip.warnings)[:800], safe=" ,.:;+-()'")
    return web.FileResponse(clip.path, headers=headers)
