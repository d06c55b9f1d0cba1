"""The web server's front: pages, JSON, health and metrics. Knows nothing about sound; streams are added beside it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware

from radio.config_security import Security
from radio.metrics import CONTENT_TYPE, Metrics
from radio.web.api import Api
from radio.web.doors import Doors
from radio.web.events import Events
from radio.web.guard import Guard
from radio.web.news import News
from radio.web.openapi import OpenApi
from radio.web.pages import Pages
from radio.web.views import StationView

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may do what, and how much."""

    settings: Security = field(default_factory=Security)
    doors: Doors | None = None
    guard: Guard | None = None
    """None: there is no control token."""
    max_event_clients: int = 500


def make_app(
    stations: Mapping[str, StationView], metrics: Metrics, *, latency_s: float = 4.0, rules: Rules | None = None
) -> web.Application:
    """Build the application; `latency_s`: how far behind the broadcast a new listener's player starts (the burst)."""
    rules = Rules() if rules is None else rules
    watch: list[Middleware] = [] if rules.doors is None else [rules.doors.middleware]
    app = web.Application(middlewares=[*watch, _say_it_in_a_sentence], client_max_size=rules.settings.body_bytes)
    app.on_response_prepare.append(_add_headers)
    logging.getLogger("aiohttp.server").addFilter(_worth_a_line)
    Pages(stations).add_routes(app)
    news = {name: News(view, metrics) for name, view in stations.items()}
    Api(stations, news, latency_s).add_routes(app)
    OpenApi().add_routes(app)
    Events(news, metrics, rules.max_event_clients).add_routes(app)
    Health(stations, metrics).add_routes(app, rules)
    return app


class Health:
    """Answers machines that watch over the station."""

    def __init__(self, stations: Mapping[str, StationView], metrics: Metrics) -> None:
        self._stations = stations
        self._metrics = metrics

    def add_routes(self, app: web.Application, rules: Rules) -> None:
        """Add /healthz, /readyz and, for those who may, /metrics."""
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._ready)
        if rules.settings.metrics == "open":
            app.router.add_get("/metrics", self._numbers)
        elif rules.settings.metrics == "token" and rules.guard is not None:
            app.router.add_get("/metrics", rules.guard.keeps(self._numbers))

    async def _alive(self, request: web.Request) -> web.Response:
        return _plain("The process is alive.\n")

    async def _ready(self, request: web.Request) -> web.Response:
        states = {name: view.healthy() for name, view in self._stations.items()}
        lines = "".join(f"{name}: {'on air' if healthy else reason}\n" for name, (healthy, reason) in states.items())
        return _plain(lines, status=200 if all(healthy for healthy, _ in states.values()) else 503)

    async def _numbers(self, request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})


@web.middleware
async def _say_it_in_a_sentence(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:
        said = f"There is nothing at {request.path[:80]}. The player is at /, the stream at /stream.mp3."
        return _error(request, 404, said)
    except web.HTTPRequestEntityTooLarge:
        return _error(request, 413, "The body is too long.")
    except web.HTTPMethodNotAllowed as refused:
        methods = ", ".join(sorted(refused.allowed_methods))
        answer = _error(request, 405, f"{request.method} is not possible at {request.path[:80]}; it takes {methods}.")
        answer.headers["Allow"] = methods
        return answer


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Tell a failure of ours from what is no HTTP: scanners send such day and night, and it was answered with 400."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _error(request: web.Request, status: int, said: str) -> web.Response:
    if request.path.startswith("/api/"):
        return web.json_response({"error": said}, status=status)
    return _plain(f"{said}\n", status)


def _plain(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, headers={"Cache-Control": "no-store"})


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
