"""The OpenAPI document: made from the routes that are there, with what is known of each. Knows nothing about handlers.

A route that nobody has described here is in it all the same, with the first sentence of its handler.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from radio.web.facts import Json
from radio.web.openapi_schemas import SCHEMAS

VERSION = "3.1.0"
_METHODS = ("GET", "POST")


@dataclass(frozen=True, slots=True)
class Value:
    """One value that a route takes."""

    name: str
    about: str
    kind: str = "string"
    """`string`, `number`, `integer`, `boolean`, `number|null` or `object`: as JSON knows it."""


@dataclass(frozen=True, slots=True)
class Body:
    """One kind of body that a route takes as it is; its values then stand in the address."""

    kind: str
    """Content type."""
    about: str
    example: str | None = None
    """Of a body that is text."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What is known about a route."""

    summary: str
    answer: str
    """Name of the schema of what it answers, or a content type that is no JSON."""
    values: tuple[Value, ...] = ()
    status: int = 200
    guarded: bool = False
    refusals: tuple[int, ...] = ()
    bodies: tuple[Body, ...] = ()
    """What a POST carries instead of its values as JSON."""


_STATION = Value("station", "Name of a station; the first one without it.")
_SPAN = (
    Value("hours", "Hold for so long, whatever the schedule says.", "number"),
    Value("until", "Hold until a moment, such as 2026-12-24T18:00:00Z."),
    Value("drift_minutes", "How long the music takes to get there.", "number"),
)
_FORMAT = Value("format", "`text`: answer with one sentence.")
_EVENTS = (_STATION, Value("after", "Go on after the event with this id."))


def _control(summary: str, *values: Value) -> Operation:
    return Operation(summary, "Change", (*values, _STATION, _FORMAT), 202, True, (400, 401, 429))


_MOOD = _control("Play a mood.", Value("mood", "Its name."), *_SPAN)
_BLEND = _control("Play a mixture of moods; their names with weights.", Value("blend", "study:0.7,rainy:0.3"), *_SPAN)
_SKIP = _control("End the piece.", Value("ending", "False: without its ending.", "boolean"))
_BPM = _control("Set the tempo of the pieces to come.", Value("bpm", "40-140; null: the mood's.", "number|null"))
_LAYERS = _control(
    "Move the loops.",
    Value("vinyl", "dB over the mood, -60 to 30.", "number"),
    Value("ambience", "dB over the mood, -60 to 30.", "number"),
    Value("loops", "rain:-25,fire:-30 instead of the mood's."),
    Value("reset", "Leave all to the mood again.", "boolean"),
)
_SCHEDULE = _control(
    "Read the schedule, or overrule it.",
    Value("pause", "It says nothing until it goes on.", "boolean"),
    Value("override", "A mood, or moods with weights."),
    Value("release", "Forget what was asked for.", "boolean"),
    *_SPAN,
)
_SEED = Operation(
    "A piece goes on from what is sent.",
    "Seeded",
    (
        Value("name", "What people call it, such as song.mid; 80 characters are kept."),
        Value("quote", "So many of its bars open the piece, 0-32; 4 without it.", "integer"),
        _STATION,
    ),
    202,
    True,
    (400, 401, 429),
    (
        Body("audio/midi", "A MIDI file; it is known by its first bytes, too, whatever type is told."),
        Body("audio/*", "A recording: WAV, FLAC, MP3, Ogg, Opus, M4A …; its notes are heard."),
        Body("text/plain", "Notes as MIDICompact: pitch:velocity in hexadecimal, waits of 8 ms.", "3c:d t62 3c:0"),
        Body("application/octet-stream", "A MIDI file or a recording; which one is found out."),
    ),
)
OPERATIONS: Mapping[str, Operation] = {
    "/api/nowplaying": Operation("What a station plays.", "NowPlaying", (_STATION,), refusals=(404,)),
    "/api/nowplaying/{station}": Operation("The same, by name or number.", "NowPlaying", refusals=(404,)),
    "/api/stations": Operation("All stations and what they play.", "Stations"),
    "/api/moods": Operation("All moods, as tiles show them.", "Moods"),
    "/api/history": Operation(
        "Pieces that went on air, newest first.", "History",
        (_STATION, Value("before", "Begun before this moment."), Value("limit", "1-100 pieces.", "number")),
        refusals=(400, 404, 503),
    ),
    "/api/events": Operation("What happens, as Server-Sent Events.", "text/event-stream", _EVENTS, refusals=(404, 503)),
    "/api/ws": Operation("The same over WebSocket.", "websocket", _EVENTS, 101, refusals=(404, 426, 503)),
    "/api/openapi.json": Operation("This document.", "Document"),
    "/api/control/mood": _MOOD,
    "/api/control/blend": _BLEND,
    "/api/control/skip": _SKIP,
    "/api/control/bpm": _BPM,
    "/api/control/layers": _LAYERS,
    "/api/control/schedule": _SCHEDULE,
    "/api/control/seed": _SEED,
}  # fmt: skip
_SAYS = {
    400: "Asked wrongly; the sentence says how.", 401: "Not the control token.", 404: "There is no such station.",
    426: "Not a WebSocket.", 429: "Too many wrong tokens, or another seed is being read.", 503: "Not now; ask again.",
}  # fmt: skip


class OpenApi:
    """The route of the document."""

    def __init__(self) -> None:
        self._document: Json | None = None

    def add_routes(self, app: web.Application) -> None:
        """Add /api/openapi.json."""
        app.router.add_get("/api/openapi.json", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        """This document."""
        if self._document is None:
            self._document = document(request.app)
        headers = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
        return web.json_response(self._document, headers=headers)


def document(app: web.Application) -> Json:
    """Describe every route under /api/ that an application has."""
    paths: dict[str, Json] = {}
    for method, path, handler in api_routes(app):
        known = OPERATIONS.get(path)
        told = _told(method, path, known) if known else _plain(method, path, handler)
        paths.setdefault(path, {})[method.lower()] = told
    return {
        "openapi": VERSION,
        "info": {
            "title": "lofi-radio",
            "version": importlib.metadata.version("lofi-radio"),
            "description": "Every time is UTC and says when the first frame goes out. See docs/api.md.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def api_routes(app: web.Application) -> Iterator[tuple[str, str, Any]]:
    """Method, path and handler of every route under /api/."""
    for route in app.router.routes():
        path = "" if route.resource is None else route.resource.canonical
        if path.startswith("/api/") and route.method in _METHODS:
            yield route.method, path, route.handler


def _told(method: str, path: str, known: Operation) -> Json:
    answers: Json = {str(known.status): _answer(known)}
    if known is _SCHEDULE:
        answers["200"] = answers["202"]
    answers |= {str(status): _error(status) for status in known.refusals}
    told: Json = {"summary": known.summary, "operationId": _name(method, path), "responses": answers}
    if method == "GET" or known.bodies:
        told["parameters"] = [*_in_path(path), *(_parameter(value) for value in known.values)]
    if known.bodies:
        content = {body.kind: _media(body) for body in known.bodies}
        told["requestBody"] = {"required": True, "content": content}
    elif method != "GET":
        told["requestBody"] = {"content": {"application/json": {"schema": _body(known)}}}
    if known.guarded:
        told["security"] = [{"token": []}]
    return told


def _plain(method: str, path: str, handler: Any) -> Json:  # noqa: ANN401 - whatever aiohttp was given
    lines = (handler.__doc__ or path).strip().splitlines()
    told: Json = {
        "summary": lines[0],
        "operationId": _name(method, path),
        "parameters": _in_path(path),
        "responses": {"default": {"description": "See docs/api.md."}},
    }
    return told | {"security": [{"token": []}]} if path.startswith("/api/control/") else told


def _name(method: str, path: str) -> str:
    return "_".join([method.lower(), *re.findall(r"\w+", path)])


def _in_path(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)", path)
    ]


def _parameter(value: Value) -> Json:
    kind = value.kind.partition("|")[0]
    return {"name": value.name, "in": "query", "description": value.about, "schema": {"type": kind}}


def _media(body: Body) -> Json:
    """A body as it is: bytes have no type in OpenAPI 3.1, text has one."""
    if body.example is None:
        return {"schema": {"description": body.about}}
    return {"schema": {"type": "string", "description": body.about}, "example": body.example}


def _body(known: Operation) -> Json:
    shapes: dict[str, Json] = {
        value.name: {"type": value.kind.split("|") if "|" in value.kind else value.kind, "description": value.about}
        for value in known.values
    }
    for name in ("blend", "loops", "override"):
        if name in shapes:
            shapes[name]["type"] = ["string", "object", "null"]
            shapes[name]["additionalProperties"] = {"type": "number"}
    shapes.pop("format", None)
    return {"type": "object", "properties": shapes}


def _answer(known: Operation) -> Json:
    if known.answer == "websocket":
        return {"description": "Messages such as {event, id, data}."}
    if "/" in known.answer:
        return {"description": known.summary, "content": {known.answer: {"schema": {"type": "string"}}}}
    schema = {"$ref": f"#/components/schemas/{known.answer}"}
    return {"description": known.summary, "content": {"application/json": {"schema": schema}}}


def _error(status: int) -> Json:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": _SAYS[status], "content": {"application/json": {"schema": schema}}}
