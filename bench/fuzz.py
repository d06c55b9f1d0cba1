"""Throw malformed requests at a running server and malformed files at the configuration: `python -m bench.fuzz`.

Seeded: the same seed throws the same. Nothing may crash, leak or be answered with a 5xx of our own.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
from aiohttp import web

from bench.malformed import document, request
from radio.config import Config
from radio.config_file import load_config
from radio.config_security import Security
from radio.errors import ConfigError
from radio.hub import Hub
from radio.journal import Journal
from radio.journal_bars import Airing, bar_row
from radio.metrics import Metrics
from radio.web.app import Rules, make_app
from radio.web.control import Conducted, Control, ControlRoom
from radio.web.doors import Doors, GatedSite
from radio.web.guard import Attempts, Guard
from radio.web.history import History
from radio.web.moods import Moods
from radio.web.obs import ObsPage
from radio.web.stream import Mount, Streams
from radio.web.views import StationView

PATIENCE_S = 0.5
_AT_ONCE = 50


@dataclass(slots=True)
class Result:
    """What came of it."""

    answers: Counter[str] = field(default_factory=Counter)
    worst: list[bytes] = field(default_factory=list)
    """Requests that were answered with a 5xx, or left the server dead."""


async def fuzz_http(view: StationView, conducted: Callable[[Path], Conducted], count: int, seed: int) -> Result:
    """Throw requests at the whole front: pages, API, streams, control, behind the doors."""
    rng, result = random.Random(seed), Result()
    async with AsyncExitStack() as stack:
        port = await _serve(view, conducted, stack)
        for begin in range(0, count, _AT_ONCE):
            batch = [request(rng) for _ in range(min(_AT_ONCE, count - begin))]
            for raw, status in zip(batch, await asyncio.gather(*(_throw(port, raw) for raw in batch)), strict=True):
                result.answers[status] += 1
                if status.startswith("5") and status not in ("501", "505"):
                    result.worst.append(raw)
        await asyncio.sleep(PATIENCE_S)
        if await _throw(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") != "200":
            result.worst.append(b"the server is dead")
    return result


def fuzz_config(good: str, count: int, seed: int, load: Callable[[Path], Config] = load_config) -> Result:
    """Load configurations; anything but a tree or a ConfigError is a fault."""
    rng, result = random.Random(seed), Result()
    with tempfile.TemporaryDirectory(prefix="lofi-fuzz-") as folder:
        path = Path(folder) / "config.yaml"
        for _ in range(count):
            raw = document(rng, good)
            path.write_bytes(raw)
            try:
                load(path)
                result.answers["right"] += 1
            except ConfigError as problem:
                result.answers["refused" if str(problem).strip() else "refused without a word"] += 1
            except Exception as problem:  # this is what we look for
                result.answers[type(problem).__name__] += 1
                result.worst.append(raw)
    return result


async def _serve(view: StationView, conducted: Callable[[Path], Conducted], stack: AsyncExitStack) -> int:
    metrics, settings = Metrics(), Security(connections_per_address=1_000)
    doors = Doors(settings, 2_000, metrics)
    guard = Guard("sixteen-letters-or-more", Attempts(10**9), doors.client, metrics)
    app = make_app({"lofi": view}, metrics, rules=Rules(settings, doors, guard))
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lofi-fuzz-"))
    station = conducted(Path(folder))
    Control(guard, ControlRoom({"lofi": station}, ("rain",), 4.0, in_query=True)).add_routes(app)
    Moods(station.director.moods).add_routes(app)
    History(_journal(Path(folder), view), ["lofi"]).add_routes(app)
    ObsPage().add_routes(app)
    hub = Hub(65_536)
    hub.close()  # a stream ends at once: what is thrown is the request
    Streams(metrics, 500).add_routes(app, [Mount("lofi", "lofi", "about", "lo-fi", hub, 128)])
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=0.1, max_line_size=8_192, max_field_size=8_192, max_headers=64,
        lingering_time=0.2, handler_cancellation=True,
    )  # fmt: skip
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await GatedSite(runner, ("127.0.0.1", 0), 256, doors).start()
    return int(runner.addresses[0][1])


def _journal(folder: Path, view: StationView) -> Path:
    """A journal with one bar."""
    journal = Journal(folder / "journal.sqlite3", Metrics())
    journal.start()
    if view.now.current is not None:
        journal.append(bar_row(view.now.current, Airing("lofi", datetime.now(UTC), seed=1, assets="x")))
    journal.close()
    return journal.path


async def _throw(port: int, raw: bytes) -> str:
    """Send a request; the answer's status, or how it ended without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(raw)
        async with asyncio.timeout(PATIENCE_S):
            head = await reader.read(64)
        words = head.split(b" ", 2)
        return words[1].decode("latin-1") if len(words) > 1 else "closed"
    except ConnectionError:
        return "reset"
    except TimeoutError:
        return "waited for more"  # and was left by us; the doors would cut it after 10 s
    finally:
        writer.close()


async def main() -> int:
    """Throw everything and print what came of it; 1 when something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--configs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "radio"))
    from fakes_web import FakeConducted, FakeStation  # the station that the tests of the pages look at

    view, process = FakeStation(), psutil.Process()
    view.play_past()
    await fuzz_http(view, FakeConducted, 500, options.seed + 1)  # libraries fill their caches
    gc.collect()
    files, memory = process.num_fds(), process.memory_info().rss
    http = await fuzz_http(view, FakeConducted, options.requests, options.seed)
    gc.collect()
    grown = (process.memory_info().rss - memory) / 1e6
    print(f"requests: {sum(http.answers.values())}: {dict(http.answers.most_common())}, {len(http.worst)} faults")
    print(f"files open before and after: {files}, {process.num_fds()}; memory grew by {grown:.1f} MB")
    good = (Path(__file__).parent.parent / "config.yaml").read_text(encoding="utf-8")
    configs = fuzz_config(good, options.configs, options.seed)
    print(
        f"configs: {sum(configs.answers.values())}: {dict(configs.answers.most_common())}, {len(configs.worst)} faults"
    )
    for raw in (*http.worst[:3], *configs.worst[:3]):
        print(repr(raw[:600]))
    return 1 if http.worst or configs.worst or process.num_fds() > files else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
