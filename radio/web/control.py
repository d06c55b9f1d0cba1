"""Changing what plays, over HTTP, for those with the token. Knows nothing about how music changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from engine import Mood, MoodError
from radio.web.guard import Guard

BODY_TIMEOUT_S = 5.0
"""Nobody needs longer for a few hundred bytes; a client that drips them holds a connection."""

Change = Callable[[Mood], None]


class Control:
    """The control routes of all stations."""

    def __init__(self, guard: Guard, stations: Mapping[str, Change], find_mood: Callable[[str], Mood]) -> None:
        self._guard = guard
        self._stations = stations
        self._find_mood = find_mood

    def add_routes(self, app: web.Application) -> None:
        """Add POST /api/control/mood: `{"mood": "rainy", "station": "lofi"}`; without a station the first one."""
        app.router.add_post("/api/control/mood", self._guard.keeps(self._mood))

    async def _mood(self, request: web.Request) -> web.StreamResponse:
        try:
            asked = await read_object(request)
            name, station = asked.get("mood"), asked.get("station", next(iter(self._stations)))
            if not isinstance(name, str):
                raise BadRequestError('"mood" must be the name of a mood, such as "rainy".')
            if not isinstance(station, str) or station not in self._stations:
                raise BadRequestError(f'"station" must be one of: {", ".join(self._stations)}.')
            mood = self._find_mood(name[:100])
        except (BadRequestError, MoodError) as problem:
            return _json({"error": str(problem)}, 400)
        self._stations[station](mood)
        return _json({"station": station, "mood": mood.name}, 202)


class BadRequestError(Exception):
    """Raised when a request's body is not what it must be; the text is fit for its sender."""


async def read_object(request: web.Request) -> dict[str, Any]:
    """Read the body as a JSON object; raises BadRequestError, and HTTP 413 when it is too long."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await request.read()
        found = json.loads(body)
    except TimeoutError as problem:
        raise BadRequestError(f"The body did not come within {BODY_TIMEOUT_S:g} s.") from problem
    except (ValueError, RecursionError) as problem:  # ValueError: no JSON, no UTF-8
        raise BadRequestError(f"The body is not JSON ({type(problem).__name__}).") from problem
    if not isinstance(found, dict):
        raise BadRequestError("The body must be a JSON object.")
    return found


def _json(content: dict[str, Any], status: int) -> web.Response:
    return web.json_response(content, status=status, headers={"Cache-Control": "no-store"})
