"""What clients of /api/events cost the server: `python -m bench.events --clients 500 --seconds 30`.

The front runs in a process of its own with a station whose bars come six times as fast as music, so that bars rather
than idling are measured; the cost for music is told, too. Clients are sockets of one thread here.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
from aiohttp import web

from bench.crowd import Crowd
from engine import NoteEvent, Part
from radio.metrics import Metrics
from radio.web.app import Rules, make_app

BAR_S, MUSIC_BAR_S = 0.5, 3.0
NOTES_A_BAR = 45
"""As many as a bar of the second theme has."""


def main() -> int:
    """Measure, print; 1 when a client was refused or missed a bar."""
    parser = argparse.ArgumentParser(prog="python -m bench.events", description=__doc__)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, options.clients), daemon=True)
    server.start()
    port = ours.recv()
    process = psutil.Process(server.pid)
    idle_mb = process.memory_info().rss / 1e6
    alone_s, alone_bars = _busy(process, ours, lambda: time.sleep(options.seconds / 3))
    crowd = Crowd(port, "/api/events")
    for _ in range(options.clients):
        crowd.add(keeps=True)
    crowd.listen_until(time.monotonic() + 2.0)
    full_mb = process.memory_info().rss / 1e6
    busy_s, bars = _busy(process, ours, lambda: crowd.listen_until(time.monotonic() + options.seconds))
    crowd.listen_until(time.monotonic() + 1.0)
    server.terminate()
    got = [ear.sound.count(b"event: bar\n") for ear in crowd.ears]
    sizes = sorted(len(ear.sound) for ear in crowd.ears)
    refused = sum(ear.refused for ear in crowd.ears)
    a_bar_s = (busy_s - alone_s * bars / max(1, alone_bars)) / bars
    print(f"load {os.getloadavg()[0]:.1f}; {options.clients} clients, {refused} refused")
    print(f"{bars} bars; each client had {min(got)}-{max(got)} and {sizes[0] / 1e3:.0f}-{sizes[-1] / 1e3:.0f} kB")
    print(f"{a_bar_s * 1e3:.1f} ms of a core a bar for all, {a_bar_s / options.clients * 1e6:.0f} us a client")
    print(f"with music ({MUSIC_BAR_S:g} s a bar): {a_bar_s / MUSIC_BAR_S:.2%} of a core")
    print(f"memory: {full_mb - idle_mb:.1f} MB for all, {(full_mb - idle_mb) * 1e3 / options.clients:.0f} kB a client")
    return 1 if refused or min(got) < bars else 0


def _busy(process: psutil.Process, pipe: Connection, wait: Callable[[], None]) -> tuple[float, int]:
    """Processor seconds and bars while something waits."""
    pipe.send("bars")
    before, bars = process.cpu_times(), pipe.recv()
    wait()
    pipe.send("bars")
    after = process.cpu_times()
    return after.user + after.system - before.user - before.system, pipe.recv() - bars


def _serve(pipe: Connection, clients: int) -> None:
    asyncio.run(_run(pipe, clients))


async def _run(pipe: Connection, clients: int) -> None:
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "radio"))
    from fakes_web import FakeStation, bar_start  # the station that the tests of the pages look at

    station = FakeStation()
    app = make_app({"lofi": station}, Metrics(), rules=Rules(max_event_clients=clients))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    pipe.send(runner.addresses[0][1])
    notes = tuple(NoteEvent(4 * place, 24, 60 + place % 12, 80, Part.KEYS) for place in range(NOTES_A_BAR))
    bars, due_s = 0, time.monotonic()
    while True:
        start = bar_start(bars, piece=bars // 48, piece_bar=bars % 48)
        station.now.begin(replace(start, bar=replace(start.bar, events=notes)), datetime.now(UTC))
        bars, due_s = bars + 1, due_s + BAR_S
        while (left_s := due_s - time.monotonic()) > 0:
            await asyncio.sleep(min(left_s, 0.05))
            if pipe.poll():
                pipe.recv()
                pipe.send(bars)


if __name__ == "__main__":
    sys.exit(main())
