"""Answers that pages of anybody may read (CORS), as JSON. Knows nothing about what is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from aiohttp import web

from radio.web.facts import Json

OPEN: Mapping[str, str] = {"Access-Control-Allow-Origin": "*"}
SOON = {"Retry-After": "30"}
"""For a refusal that does not last."""


def told(content: Json, status: int = 200, *, cache: str = "no-store") -> web.Response:
    """Answer with what was asked for."""
    return web.json_response(content, status=status, headers={"Cache-Control": cache, **OPEN})


def refused(status: int, said: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer why not, in a sentence."""
    more = {} if headers is None else headers
    return web.json_response({"error": said}, status=status, headers={"Cache-Control": "no-store", **OPEN, **more})


def no_station(name: str, stations: Collection[str]) -> str:
    """Say that there is no such station, and which there are."""
    return f"No station is called {name[:40]!r}. There are: {', '.join(stations)}."
