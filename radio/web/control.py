"""Changing what plays, over HTTP, for those with the token: `/api/control/…` by GET or POST.

Knows nothing about how music changes or whose word counts. No answer may be read by pages of others (no CORS), and no
cookie opens anything, so a page of somebody else's can do nothing here without the token.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from aiohttp import web

from engine import End, Hands, Mood, MoodError
from radio.config_moods import MOST_WEIGHT
from radio.direction import Director, Music
from radio.orders import Choice
from radio.web.asked import Asked, BadRequestError, read_asked
from radio.web.facts import Json, iso
from radio.web.guard import Guard
from radio.wishes import Reach

DRIFT_MINUTES_MAX = 240.0
SHOWN_HOURS = 24.0
LEAST_WEIGHT = 1e-6
_SPAN = ("hours", "until", "drift_minutes")


class Conducted(Protocol):
    """A station that takes orders; `radio.runtime.StationRuntime` is one."""

    @property
    def director(self) -> Director:
        """Who decides for it."""

    @property
    def producer(self) -> Music:
        """What its music can be asked for."""

    def direct(self) -> bool:
        """Have the music follow whoever has the say now; False when it does already."""


@dataclass(frozen=True, slots=True)
class ControlRoom:
    """What the control routes need to know."""

    stations: Mapping[str, Conducted]
    ambiences: Collection[str] = ()
    """Loops that `layers` may name."""
    latency_s: float = 4.0
    """How far behind the broadcast a player is."""
    in_query: bool = False
    """Whether the token may stand in the address."""


class Control:
    """The control routes of all stations."""

    def __init__(self, guard: Guard, room: ControlRoom) -> None:
        self._guard = guard
        self._room = room

    def add_routes(self, app: web.Application) -> None:
        """Add /api/control/mood, blend, skip, bpm, layers and schedule."""
        doings = {
            "mood": self._mood, "blend": self._blend, "skip": self._skip, "bpm": self._bpm, "layers": self._layers,
            "schedule": self._schedule,
        }  # fmt: skip
        for name, do in doings.items():
            self.add(app, name, do)

    def add(self, app: web.Application, name: str, do: Callable[[Conducted, Asked], Awaitable[Json]]) -> None:
        """Add one route, for who has the token."""
        handler = self._guard.keeps(self._handler(do), in_query=self._room.in_query)
        app.router.add_get(f"/api/control/{name}", handler, allow_head=False)
        app.router.add_post(f"/api/control/{name}", handler)

    def _handler(
        self, do: Callable[[Conducted, Asked], Awaitable[Json]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            plain = request.query.get("format") == "text"
            try:
                asked = await read_asked(request)
                name = asked.values.get("station", next(iter(self._room.stations)))
                if not isinstance(name, str) or name not in self._room.stations:
                    raise BadRequestError(f'"station" must be one of: {", ".join(self._room.stations)}.')
                told = {"station": name, **await do(self._room.stations[name], asked)}
            except (BadRequestError, MoodError) as problem:
                return _answer({"error": str(problem)}, 400, str(problem) if plain else None)
            return _answer(told, 202 if "in_s" in told else 200, str(told["said"]) if plain else None)

        return handle

    async def _mood(self, station: Conducted, asked: Asked) -> Json:
        asked.only(("mood", *_SPAN))
        name = asked.values.get("mood")
        if not isinstance(name, str) or not name:
            raise BadRequestError('"mood" must be the name of a mood, such as "rainy".')
        return await self._speak(station, name[:100], asked)

    async def _blend(self, station: Conducted, asked: Asked) -> Json:
        moods = Asked({name: value for name, value in asked.others.items() if name not in _SPAN})
        weights = moods.weights("blend" if "blend" in moods else None, LEAST_WEIGHT, MOST_WEIGHT)
        if not weights:
            raise BadRequestError("Name moods with their weights: ?study=0.7&rainy=0.3, or the same as a JSON object.")
        return await self._speak(station, weights, asked)

    async def _speak(self, station: Conducted, choice: Choice, asked: Asked) -> Json:
        mood = self._ask_for(station.director, choice, asked)
        return {"mood": mood.name, **await self.changed(station, mood.name)}

    def _ask_for(self, director: Director, choice: Choice, asked: Asked) -> Mood:
        drift = asked.number("drift_minutes", 0, DRIFT_MINUTES_MAX)
        mood, until = director.find(choice), asked.until(director.now())
        director.speak(choice, until, drift)
        return mood

    async def _skip(self, station: Conducted, asked: Asked) -> Json:
        asked.only(("ending",))
        how = End.NOW if asked.truth("ending") is False else End.ENDING
        reach = station.producer.reach
        station.producer.end_piece(how)
        said = "the piece plays its ending" if how is End.ENDING else "another piece begins"
        return {"skip": how.value, **self._when(station, reach, said)}

    async def _bpm(self, station: Conducted, asked: Asked) -> Json:
        asked.only(("bpm",))
        if "bpm" not in asked:
            raise BadRequestError('"bpm" must be a tempo, 40-140, or null to leave it to the mood again.')
        bpm = asked.number("bpm", 40, 140)
        director = station.director
        director.lay(replace(director.orders.hands, bpm=bpm))
        said = (
            "the mood has the tempo again, from the next piece" if bpm is None else f"{bpm:g} bpm from the next piece"
        )
        return {"bpm": bpm, **await self.changed(station, said, "Skip to hear it sooner.")}

    async def _layers(self, station: Conducted, asked: Asked) -> Json:
        asked.only(("vinyl", "ambience", "loops", "reset"))
        if not asked.others:
            raise BadRequestError('Say "vinyl" or "ambience" in dB over the mood, "loops" with their dB, or "reset".')
        director = station.director
        hands = Hands(bpm=director.orders.hands.bpm) if asked.truth("reset") else director.orders.hands
        if "vinyl" in asked:
            hands = replace(hands, vinyl_db=asked.number("vinyl", -60, 30) or 0.0)
        if "ambience" in asked:
            hands = replace(hands, ambience_db=asked.number("ambience", -60, 30) or 0.0)
        if "loops" in asked:
            loops = asked.weights("loops", -90, 0)
            unknown = [name for name in loops or () if name not in self._room.ambiences]
            if unknown:
                known = ", ".join(self._room.ambiences)
                raise BadRequestError(f"No ambience is called {unknown[0][:40]!r}. There are: {known}.")
            hands = replace(hands, layers=None if loops is None else tuple(loops.items()))
        director.lay(hands)
        layers = None if hands.layers is None else dict(hands.layers)
        told: Json = {"vinyl": hands.vinyl_db, "ambience": hands.ambience_db, "loops": layers}
        return told | await self.changed(station, "the loops cross over in 3 s")

    async def _schedule(self, station: Conducted, asked: Asked) -> Json:
        asked.only(("pause", "release", "override", "mood", *_SPAN))
        director = station.director
        if not asked.others:
            return _programme(director)
        pause, release = asked.truth("pause"), asked.truth("release")
        override = asked.values.get("override", asked.values.get("mood"))
        if override is not None:
            choice = override if isinstance(override, str) else asked.weights("override", LEAST_WEIGHT, MOST_WEIGHT)
            if not choice:
                raise BadRequestError('"override" must be a mood, or moods with their weights.')
            self._ask_for(director, choice, asked)
        elif release:
            director.release()
        if pause is not None:
            director.pause(pause)
        changed = await self.changed(station, director.said(director.now()).mood.name)
        return {**_programme(director), **changed}

    async def changed(self, station: Conducted, said: str, more: str = "") -> Json:
        """Have the music follow, and tell when that will be heard."""
        reach = station.producer.reach
        changed = station.direct()
        kept = await station.director.keep()
        lost = "" if kept else "It could not be written down: a restart forgets it."
        told = self._when(station, reach if changed else Reach(0.0, 0), said)
        words = told["said"] if changed else f"{said}: nothing changes."
        return told | {"changed": changed, "kept": kept, "said": " ".join(filter(None, (words, more, lost)))}

    def _when(self, station: Conducted, reach: Reach, said: str) -> Json:
        return when(station, reach, said, self._room.latency_s)


def when(station: Conducted, reach: Reach, said: str, latency_s: float) -> Json:
    """Tell at which bar line a change is on air, and when a player is heard to play it."""
    now, heard_s = station.director.now(), reach.seconds + latency_s
    bars = f"{reach.bars} {'bar' if reach.bars == 1 else 'bars'}"
    return {
        "on_air_at": _after(now, reach.seconds),
        "in_s": round(reach.seconds, 2),
        "in_bars": reach.bars,
        "heard_at": _after(now, heard_s),
        "heard_in_s": round(heard_s, 2),
        "said": f"{said}: on air in {reach.seconds:.0f} s ({bars}), heard in {heard_s:.0f} s.",
    }


def _programme(director: Director) -> Json:
    now = director.now()
    say = director.said(now)
    slots = [
        {
            "from": iso(max(slot.since, now)),
            "until": None if slot.until is None else iso(slot.until),
            "mood": slot.entry.choice,
            "drift_minutes": slot.entry.drift_minutes,
        }
        for slot in director.slots(SHOWN_HOURS)
    ]
    return {
        "mood": say.mood.name,
        "by": say.by,
        "until": None if say.until is None else iso(say.until),
        "paused": director.orders.paused,
        "timezone": director.timezone,
        "now": iso(now),
        "next_24_hours": slots,
        "said": f"{say.mood.name}, by {say.by}" + ("" if say.until is None else f", until {iso(say.until)}") + ".",
    }


def _after(now: datetime, seconds: float) -> str:
    return iso(now + timedelta(seconds=seconds))


def _answer(content: Json, status: int, plain: str | None) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    if plain is not None:  # what a chat bot repeats
        return web.Response(text=plain, status=status, headers=headers)
    return web.json_response(content, status=status, headers=headers)
