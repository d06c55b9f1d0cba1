"""The web server: every route behind the doors, at one address. Knows nothing about what keeps the radio running."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from aiohttp import web

from radio.clips import Clips
from radio.config import Config
from radio.errors import PortError
from radio.limits import Room
from radio.metrics import Metrics
from radio.replay_place import replay_place
from radio.runtime import StationRuntime
from radio.web.ambience import Ambience
from radio.web.app import Rules, make_app
from radio.web.arrivals import Arrivals
from radio.web.clips import ClipPages
from radio.web.control import Control, ControlRoom
from radio.web.doors import Doors, GatedSite
from radio.web.guard import Attempts, Guard
from radio.web.history import History
from radio.web.hls import Hls
from radio.web.moods import Moods
from radio.web.obs import ObsPage
from radio.web.provenance import Provenance
from radio.web.seed import Seed
from radio.web.stream import Streams
from radio.web.words import Words

logger = logging.getLogger(__name__)

SHUTDOWN_S = 0.5
IDLE_S = 30.0
"""A connection that asks for nothing more for so long is closed: aiohttp's own hour lets scanners use up all."""
HEADERS_MAX = 64
BACKLOG_CONNECTIONS = 1024
"""Icecast's 5 loses listeners that come back all at once after a drop."""

_ADDRESS_REMEDIES = {
    errno.EADDRINUSE: "Another program holds it: stop that one, or set server.port in config.yaml.",
    errno.EADDRNOTAVAIL: "This machine has no such address: set server.host in config.yaml to 127.0.0.1 or 0.0.0.0.",
    errno.EACCES: "Ports below 1024 need privileges: set server.port in config.yaml to 1024 or more.",
}


@dataclass(frozen=True, slots=True)
class Site:
    """What the server shows."""

    config: Config
    stations: Mapping[str, StationRuntime]
    metrics: Metrics
    room: Room


async def open_web(site: Site, stack: AsyncExitStack) -> Streams:
    """Listen until the stack is closed; raises PortError, and SecretError when the control token is missing."""
    config, stations = site.config, site.stations
    settings, token = config.security, config.security.token()
    doors = Doors(settings, site.room.connections, site.metrics)
    guard = None if token is None else Guard(token, Attempts(settings.attempts), doors.client, site.metrics)
    bytes_a_second = config.encoders.mp3.bitrate_kbps * 125
    latency_s = config.server.burst_bytes / bytes_a_second
    rules = Rules(settings, doors, guard, config.server.max_event_clients)
    app = make_app(stations, site.metrics, latency_s=latency_s, rules=rules)
    if guard is not None:
        ambiences = sorted(path.stem for path in (config.engine.loops / "ambience").glob("*.flac"))
        desk = ControlRoom(stations, ambiences, latency_s, settings.token_in_query)
        control = Control(guard, desk)
        control.add_routes(app)
        Words(control).add_routes(app)
        Seed(guard, desk, settings.seed_bytes).add_routes(app)
    Provenance(config.journal.path, list(stations), config.state.folder).add_routes(app)
    History(config.journal.path, list(stations)).add_routes(app)
    Moods(next(iter(stations.values())).director.moods).add_routes(app)
    ObsPage().add_routes(app)
    arrivals = Arrivals()
    arrivals.add_routes(app)
    Ambience(config.engine.loops).add_routes(app)
    if config.replay.clip_s:
        clips = Clips(replay_place(config), config.state.folder, config.replay.clips_mb, site.metrics)
        pages = ClipPages(clips, config.journal.path, list(stations), config.replay.clip_s)
        pages.limited(config.replay.clips_a_minute, doors.client, site.metrics).add_routes(app)
    streams = Streams(site.metrics, site.room.listeners, arrivals)
    streams.add_routes(app, [mount for station in stations.values() for mount in station.mounts])
    Hls({name: station.hls for name, station in stations.items() if station.hls is not None}).add_routes(
        app, first=next(iter(stations))
    )
    runner = web.AppRunner(
        app, access_log=None, keepalive_timeout=IDLE_S, shutdown_timeout=SHUTDOWN_S, handler_cancellation=True,
        max_line_size=settings.header_bytes, max_field_size=settings.header_bytes, max_headers=HEADERS_MAX,
    )  # fmt: skip
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await _listen(runner, config, doors)
    return streams


async def _listen(runner: web.AppRunner, config: Config, doors: Doors) -> None:
    host, port = config.server.host, config.server.port
    try:
        await GatedSite(runner, (host.strip("[]"), port), BACKLOG_CONNECTIONS, doors).start()
    except OSError as problem:
        said = os.strerror(problem.errno or 0)
        remedy = _ADDRESS_REMEDIES.get(problem.errno or 0, "Check server.host and server.port in config.yaml.")
        raise PortError(f"{host}:{port}: the web server cannot have this address ({said}). {remedy}") from problem
    shown_host, shown_port = runner.addresses[0][:2]
    logger.info("listen at http://%s:%d/", f"[{shown_host}]" if ":" in shown_host else shown_host, shown_port)
