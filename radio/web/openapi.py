"""The OpenAPI document: made from the routes that are there, with what is known of each. Knows nothing about handlers.

A route under /api/ that nobody has described is in it all the same, with the first sentence of its handler.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Iterator
from typing import Any

from aiohttp import web

from radio.web.answers import told
from radio.web.facts import Json
from radio.web.openapi_schemas import SCHEMAS
from radio.web.operations import OPERATIONS, SAYS, Body, Operation, Value

VERSION = "3.1.0"
_METHODS = ("GET", "POST")
_ABOUT = (
    "Every time is UTC and says when the first frame goes out. Streams and HLS are those of the first station; "
    "those of the station NAME are at /NAME/stream.mp3 and so on. Every route may answer 405 to a method it does "
    "not take, and 429 or 503 with Retry-After while too many connections are open. See docs/api.md."
)


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
        return told(self._document, cache="public, max-age=300")


def document(app: web.Application) -> Json:
    """Describe every route that an application has for programs; pages for people are not in it."""
    paths: dict[str, Json] = {}
    for method, path, handler in api_routes(app):
        known = OPERATIONS.get(path)
        operation = _operation(method, path, known) if known else _plain(method, path, handler)
        paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": VERSION,
        "info": {
            "title": "lofi-radio",
            "version": importlib.metadata.version("lofi-radio"),
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def api_routes(app: web.Application) -> Iterator[tuple[str, str, Any]]:
    """Method, path and handler of every route under /api/, and of what else is described."""
    for route in app.router.routes():
        path = "" if route.resource is None else route.resource.canonical
        if route.method in _METHODS and (path.startswith("/api/") or path in OPERATIONS):
            yield route.method, path, route.handler


def _operation(method: str, path: str, known: Operation) -> Json:
    in_words = any(value.name == "format" for value in known.values if known.guarded)
    answers: Json = {str(status): _answer(known, in_words) for status in (known.status, *known.also)}
    kinds = ("application/json",) * path.startswith("/api/") + ("text/plain",) * (in_words or path[:5] != "/api/")
    answers |= {str(status): _error(status, kinds) for status in known.refusals}
    made: Json = {"summary": known.summary, "operationId": _name(method, path), "responses": answers}
    in_address = [value for value in known.values if method == "GET" or known.bodies or value.name == "format"]
    made["parameters"] = [*_in_path(path), *(_parameter(value) for value in in_address)]
    if known.bodies:
        content = {body.kind: _media(body) for body in known.bodies}
        made["requestBody"] = {"required": True, "content": content}
    elif method != "GET":
        made["requestBody"] = {"content": {"application/json": {"schema": _body(known)}}}
        if any(value.needed for value in known.values):
            made["requestBody"]["required"] = True
    if known.guarded:
        made["security"] = [{"token": []}]
    return made


def _plain(method: str, path: str, handler: Any) -> Json:  # noqa: ANN401 - whatever aiohttp was given
    lines = (handler.__doc__ or path).strip().splitlines()
    made: Json = {
        "summary": lines[0],
        "operationId": _name(method, path),
        "parameters": _in_path(path),
        "responses": {"default": {"description": "See docs/api.md."}},
    }
    return made | {"security": [{"token": []}]} if path.startswith("/api/control/") else made


def _name(method: str, path: str) -> str:
    return "_".join([method.lower(), *re.findall(r"\w+", path)])


def _in_path(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)", path)
    ]


def _parameter(value: Value) -> Json:
    kind = value.kind.partition("|")[0]
    made: Json = {"name": value.name, "in": value.place, "description": value.about, "schema": {"type": kind}}
    made |= {"required": True} if value.needed else {}
    return made | ({} if value.example is None else {"example": value.example})


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
    for value in known.values:
        if value.example is not None:
            shapes[value.name]["examples"] = [value.example]
    needed = [value.name for value in known.values if value.needed]
    return {"type": "object", "properties": shapes} | ({"required": needed} if needed else {})


def _answer(known: Operation, in_words: bool) -> Json:
    if known.answer == "websocket":
        return {"description": "Messages such as {event, id, data}."}
    if "/" in known.answer:
        return {"description": known.summary, "content": {known.answer: {"schema": {"type": "string"}}}}
    content: Json = {"application/json": {"schema": {"$ref": f"#/components/schemas/{known.answer}"}}}
    return {"description": known.summary, "content": content | (_IN_WORDS if in_words else {})}


def _error(status: int, kinds: Iterable[str]) -> Json:
    shapes: Json = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}} | _IN_WORDS
    return {"description": SAYS[status], "content": {kind: shapes[kind] for kind in kinds}}


_IN_WORDS = {"text/plain": {"schema": {"type": "string"}}}
