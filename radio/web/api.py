"""What is playing, as JSON for pages, overlays and scripts. Knows nothing about sound or how a station works."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from engine import SAMPLE_RATE_HZ, BarStart, Chord, chord_name
from radio.nowplaying import key_name
from radio.web.views import PlayedPiece, StationView

HISTORY_PIECES = 12
TRAIL_BARS = 16
"""Bars told with each answer: the ear is up to 20 s behind the broadcast, and a page shows what it hears."""
SECTIONS = {
    "intro": "intro",
    "a": "first theme",
    "b": "second theme",
    "breakdown": "breakdown",
    "a_return": "first theme again",
    "outro": "outro",
}

Json = dict[str, Any]


class Trail:
    """The last bars of a station, each with the wall clock of its first frame."""

    def __init__(self, view: StationView) -> None:
        self.bars: deque[tuple[BarStart, datetime]] = deque(maxlen=TRAIL_BARS)
        if view.now.current is not None and view.now.bar_started_at is not None:
            self.bars.append((view.now.current, view.now.bar_started_at))
        view.now.watch(lambda start, wall: self.bars.append((start, wall)))


class Api:
    """The read-only JSON interface; the same for everybody, so any page may ask."""

    def __init__(self, stations: Mapping[str, StationView], latency_s: float) -> None:
        self._stations = stations
        self._latency_s = latency_s
        self._trails = {name: Trail(view) for name, view in stations.items()}

    def add_routes(self, app: web.Application) -> None:
        """Add /api/nowplaying (?station=name) and /api/stations."""
        app.router.add_get("/api/nowplaying", self._now_playing)
        app.router.add_get("/api/stations", self._all)

    async def _now_playing(self, request: web.Request) -> web.Response:
        name = request.query.get("station", next(iter(self._stations)))
        if name not in self._stations:
            known = ", ".join(self._stations)
            return _json({"error": f"No station is called {name[:40]!r}. There are: {known}."}, status=404)
        return _json(self.describe(name))

    async def _all(self, request: web.Request) -> web.Response:
        return _json({"stations": [self.describe(name) for name in self._stations]})

    def describe(self, name: str) -> Json:
        """Tell all there is to tell about one station."""
        view = self._stations[name]
        healthy, reason = view.healthy()
        now = datetime.now(UTC)
        return {
            "station": name,
            "station_title": view.title,
            "description": view.description,
            "stream": stream_path(name, self._stations),
            "now": _iso(now),
            "latency_s": self._latency_s,
            "on_air": healthy,
            "reason": "" if healthy else reason,
            **self._piece(view, now),
            "bars": [_bar(start, wall) for start, wall in self._trails[name].bars],
            "history": [_played(piece) for piece in list(view.now.history)[:HISTORY_PIECES]],
            "listeners": view.hub_listeners(),
            "troubles": list(view.troubles),
        }

    def _piece(self, view: StationView, now: datetime) -> Json:
        start, began = view.now.current, view.now.piece_started_at
        if start is None or began is None:
            unknown = ("key", "bpm", "mood", "section", "composer", "started_at", "elapsed_s", "length_s")
            return {"title": "", **dict.fromkeys(unknown), "chords": []}
        bar, piece = start.bar, start.bar.piece
        return {
            "title": piece.title,
            "key": key_name(piece),
            "bpm": round(piece.bpm, 1),
            "mood": bar.mood,
            "section": SECTIONS.get(bar.section.value, bar.section.value),
            "chords": [chord_text(chord) for chord in bar.chords],
            "composer": bar.composer,
            "started_at": _iso(began),
            "elapsed_s": round(max(0.0, (now - began).total_seconds()), 1),
            "length_s": round(piece.bars * start.frames / SAMPLE_RATE_HZ, 1),
        }


def stream_path(name: str, stations: Mapping[str, StationView]) -> str:
    """Where a station's MP3 stream is; the first station has the short address."""
    return "/stream.mp3" if name == next(iter(stations)) else f"/{name}/stream.mp3"


def chord_text(chord: Chord | None) -> str | None:
    """Write a chord as musicians do, with real flats: `B♭m7♭5`."""
    return None if chord is None else re.sub(r"(?<=[A-G])b|b(?=5)", "♭", chord_name(chord))


def _bar(start: BarStart, wall: datetime) -> Json:
    bar = start.bar
    return {
        "started_at": _iso(wall),
        "seconds": round(start.frames / SAMPLE_RATE_HZ, 3),
        "piece": bar.piece.number,
        "piece_bar": bar.piece_bar,
        "piece_bars": bar.piece.bars,
        "title": bar.piece.title,
        "key": key_name(bar.piece),
        "bpm": round(bar.bpm, 1),
        "mood": bar.mood,
        "section": SECTIONS.get(bar.section.value, bar.section.value),
        "chords": [chord_text(chord) for chord in bar.chords],
    }


def _played(piece: PlayedPiece) -> Json:
    return {
        "title": piece.title,
        "key": piece.key,
        "bpm": round(piece.bpm, 1),
        "mood": piece.mood,
        "started_at": _iso(piece.started_at),
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(content: Json, status: int = 200) -> web.Response:
    return web.json_response(
        content, status=status, headers={"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
    )
