"""The whole radio in one task group: what starts it, what keeps it running and how it ends.

Knows nothing about music; every part of it is another file's.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from engine import Station
from radio.config import Change, Config
from radio.config_file import load_config
from radio.digest_folder import DigestMaker
from radio.edges import edges
from radio.errors import RadioError
from radio.garbage import small_collections
from radio.health import watch_lag
from radio.journal import Journal
from radio.keepalive import Keeper, keepalive
from radio.limits import make_room_for
from radio.log import logging_station
from radio.metrics import Metrics
from radio.notify import sd_notify, watchdog_period_s
from radio.reload import Reloader
from radio.runtime import House, StationRuntime
from radio.sound_recorder import SOUNDS_NAME, Keeping, SoundRecorder
from radio.version import software_version
from radio.web.server import Site, open_web
from radio.web.stream import Streams
from radio.worker import Builder

logger = logging.getLogger(__name__)

FADE_S = 1.0
STOP_FADE_TIMEOUT_S = 2.0
STOP_DRAIN_S = 0.5
DIGESTS_EVERY_S = 600.0
SWITCH_S = 0.0005
"""How long a busy event loop keeps the interpreter from the encoders' threads. They ask for it some twenty times a
block; with Python's own 5 ms the broadcast fell behind by 10 s and more while 4,000 listeners connected."""

Stations = Mapping[str, StationRuntime]


class Shutdown(Exception):  # noqa: N818 - not an error: the way a task group is told to end
    """Raised inside the task group when the radio has said goodbye."""


async def run(config_path: Path, *, builder: Builder = Station.build) -> None:
    """Be on air until SIGTERM or SIGINT; raises RadioError when it cannot start or go on."""
    config = await asyncio.to_thread(load_config, config_path)
    room = make_room_for(config.server.max_listeners)
    sys.setswitchinterval(SWITCH_S)
    await asyncio.to_thread(software_version)  # asks git once, and never while on air
    metrics = Metrics().with_process()
    async with AsyncExitStack() as stack:
        journal = Journal(config.journal.path, metrics, keep_days=config.journal.keep_days)
        journal.start()
        stack.callback(journal.close)
        house = House(metrics, journal, builder=builder, sounds=_sound_recorder(config, metrics, stack))
        stations: dict[str, StationRuntime] = {}
        for name in config.stations:
            stations[name] = StationRuntime(name, config, house)
            stack.callback(stations[name].close)
        reloader = Reloader(config_path, config, _apply_to(stations), metrics)
        site = Site(config, stations, metrics, room)
        streams = await open_web(site, stack)
        stack.enter_context(small_collections())
        try:
            await _supervise(house, stations, streams, reloader)
        except BaseExceptionGroup as group:
            _, problems = group.split(Shutdown)
            if problems is not None:
                raise _plainest(problems) from problems
    logger.info("off air")


def _sound_recorder(config: Config, metrics: Metrics, stack: AsyncExitStack) -> SoundRecorder | None:
    """Have the state of the sound kept, so that what was on air can be played again."""
    if not config.replay.keep_hours:
        return None
    keeping = Keeping(config.replay.state_every_s, config.replay.keep_hours, config.engine.target_lufs)
    recorder = SoundRecorder(config.state.folder / SOUNDS_NAME, keeping, metrics)
    recorder.start()
    stack.callback(recorder.close)
    return recorder


async def _supervise(house: House, stations: Stations, streams: Streams, reloader: Reloader) -> None:
    """Run every part until one of the spine fails or somebody asks for the end."""
    keeper = Keeper(house.metrics, house.clock, rng=random.Random())
    stopping = asyncio.Event()
    _listen_to_signals(stopping, reloader)
    async with asyncio.TaskGroup() as tasks:
        broadcasts = []
        for name, station in stations.items():
            with logging_station(name):
                tasks.create_task(station.producer.run(), name=f"produce {name}")
                broadcasts.append(tasks.create_task(station.broadcast.run(), name=f"broadcast {name}"))
                tasks.create_task(station.conduct(), name=f"conduct {name}")
                tasks.create_task(station.remember(), name=f"remember {name}")
                tasks.create_task(station.ear.run(house.clock), name=f"ear {name}")
                if station.hls is not None:
                    tasks.create_task(station.hls.run(), name=f"hls {name}")
        for edge in edges(reloader.config, stations, house):
            with logging_station(edge.station):
                tasks.create_task(keepalive(edge.name, edge.run, edge.errors, keeper), name=edge.name)
        tasks.create_task(reloader.run(), name="reload")
        tasks.create_task(_sign_days(house, reloader.config), name="digests")
        tasks.create_task(watch_lag(house.clock, house.metrics), name="lag")
        tasks.create_task(_tell_systemd(stations), name="systemd")
        tasks.create_task(_stop(stopping, stations, streams, broadcasts), name="stop")


async def _sign_days(house: House, config: Config) -> None:
    """Sign what was on air each day, soon after midnight UTC."""
    maker = DigestMaker(config.journal.path, config.state.folder)
    while True:
        if house.journal.idle:
            await asyncio.to_thread(maker.make, house.clock.wall())
        await house.clock.sleep_until(house.clock.now_s() + DIGESTS_EVERY_S)


async def _stop(
    stopping: asyncio.Event, stations: Stations, streams: Streams, broadcasts: list[asyncio.Task[None]]
) -> None:
    """Wait for the signal, then end in order: refuse, fade, flush, remember, cancel."""
    await stopping.wait()
    logger.info("stopping")
    sd_notify("STOPPING=1")
    streams.refusing = True
    for station in stations.values():
        station.broadcast.fade_out(FADE_S)
    await asyncio.wait(broadcasts, timeout=STOP_FADE_TIMEOUT_S)
    for station in stations.values():
        station.end_streams()
        await station.save()
    await asyncio.sleep(STOP_DRAIN_S if any(station.hub_listeners() for station in stations.values()) else 0)
    raise Shutdown


def _apply_to(stations: Stations) -> Callable[[Config, tuple[Change, ...]], Awaitable[None]]:
    async def apply(config: Config, _changes: tuple[Change, ...]) -> None:
        for name in stations:
            if name in config.stations:
                config.station_mood(name)  # raises for what cannot be played, before any station has changed
        for name, station in stations.items():
            if name in config.stations:
                station.follow(config)
                await station.director.keep()

    return apply


def _listen_to_signals(stopping: asyncio.Event, reloader: Reloader) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, reloader.trigger)


async def _tell_systemd(stations: Stations) -> None:
    """Say READY when all stations are heard, then feed the watchdog for as long as they are."""
    period_s = watchdog_period_s()
    ready = False
    while True:
        if all(station.healthy()[0] for station in stations.values()):
            if not ready:
                ready = True
                sd_notify("READY=1")
            if period_s is not None:
                sd_notify("WATCHDOG=1")
        await asyncio.sleep(min(1.0, period_s or 1.0))


def _plainest(problems: BaseExceptionGroup[BaseException]) -> BaseException:
    """Choose what to tell: a sentence for the operator if there is one, else everything."""
    plain = [problem for problem in _leaves(problems) if isinstance(problem, RadioError)]
    return plain[0] if plain else problems


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for problem in group.exceptions:
        if isinstance(problem, BaseExceptionGroup):
            yield from _leaves(problem)
        else:
            yield problem
