"""What is playing, as JSON for pages, overlays and scripts. Knows nothing about sound or how a station works."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web

from engine import SAMPLE_RATE_HZ
from radio.nowplaying import key_name
from radio.web.answers import no_station, refused, told
from radio.web.azuracast import Place, now_playing, station
from radio.web.facts import Json, bar_facts, chord_text, iso, played_facts, section_name
from radio.web.news import News
from radio.web.views import StationView

HISTORY_PIECES = 12


class Api:
    """The read-only JSON interface; the same for everybody, so any page may ask."""

    def __init__(self, stations: Mapping[str, StationView], news: Mapping[str, News], latency_s: float) -> None:
        self._stations = stations
        self._news = news
        self._latency_s = latency_s

    def add_routes(self, app: web.Application) -> None:
        """Add /api/nowplaying (?station=name), /api/nowplaying/{station} and /api/stations."""
        app.router.add_get("/api/nowplaying", self._now_playing)
        app.router.add_get("/api/nowplaying/{station}", self._now_playing)
        app.router.add_get("/api/stations", self._all)

    async def _now_playing(self, request: web.Request) -> web.Response:
        """What a station plays, in AzuraCast's shape, and under `lofi` what only this radio knows."""
        first = next(iter(self._stations))
        name = request.match_info.get("station", request.query.get("station", first))
        if name.isascii() and name.isdigit() and len(name) < 5:  # AzuraCast's clients may ask by number
            name = dict(enumerate(self._stations, 1)).get(int(name), name)
        if name not in self._stations:
            return refused(404, no_station(name, self._stations))
        found = self.describe(name)
        place = self._place(name, request)
        seconds, now = found["length_s"], datetime.now(UTC)
        return told({**now_playing(self._stations[name], place, now, seconds), "lofi": found})

    async def _all(self, request: web.Request) -> web.Response:
        """Every station, where it is heard and what it plays."""
        found = [
            {**station(view, self._place(name, request)), "lofi": self.describe(name)}
            for name, view in self._stations.items()
        ]
        return told({"stations": found})

    def _place(self, name: str, request: web.Request) -> Place:
        number = list(self._stations).index(name) + 1
        scheme = "https" if request.headers.get("X-Forwarded-Proto") == "https" else request.scheme
        return Place(number, f"{scheme}://{request.host}", "" if number == 1 else f"/{name}")

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
            "now": iso(now),
            "latency_s": self._latency_s,
            "on_air": healthy,
            "reason": "" if healthy else reason,
            **self._piece(view, now),
            "bars": [bar_facts(start, wall) for start, wall in self._news[name].bars],
            "history": [played_facts(piece) for piece in list(view.now.history)[:HISTORY_PIECES]],
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
            "section": section_name(bar),
            "chords": [chord_text(chord, bar.piece) for chord in bar.chords],
            "composer": bar.composer,
            "started_at": iso(began),
            "elapsed_s": round(max(0.0, (now - began).total_seconds()), 1),
            "length_s": round(piece.bars * start.frames / SAMPLE_RATE_HZ, 1),
        }


def stream_path(name: str, stations: Mapping[str, StationView]) -> str:
    """Where a station's MP3 stream is; the first station has the short address."""
    return "/stream.mp3" if name == next(iter(stations)) else f"/{name}/stream.mp3"
