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

from radio.config import Config
from radio.config_file import load_config
from radio.config_security import Security
from radio.errors import ConfigError
from radio.hub import Hub
from radio.journal import Journal
from radio.journal_bars import Airing, bar_row
from radio.metrics import Metrics
from radio.web.app import Rules, make_app
from radio.web.control import Conducted, Control
from radio.web.control import Room as ControlRoom
from radio.web.doors import Doors, GatedSite
from radio.web.guard import Attempts, Guard
from radio.web.history import History
from radio.web.moods import Moods
from radio.web.obs import ObsPage
from radio.web.stream import Mount, Streams
from radio.web.views import StationView

PATIENCE_S = 0.5
_AT_ONCE = 50
_METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "TRACE", "CONNECT", "get", "G\0T", "", "GET GET", "é")
_PATHS = (
    "/", "/stream.mp3?burst=low", "/api/nowplaying", "/api/nowplaying?station=%00", "/static/../../etc/passwd",
    "/static/..%2f..%2fetc%2fpasswd", "/static/%2e%2e/app.py", "//etc/passwd", "/hls/..%5c..%5cx.aac", "/lofi/../lofi/",
    "/api/control/mood", "/%", "/%zz", "/\xff", "/" + "a" * 9_000, "*", "http://x/", "", "/?" + "&a=b" * 500, "/\u0000",
)  # fmt: skip
_SERVED = (
    "/", "/stream.mp3", "/stream.mp3?burst=\xff", "/lofi/stream.mp3", "/stream.m3u", "/stream.pls", "/api/nowplaying",
    "/api/nowplaying?station=lofi", "/api/nowplaying?station=" + "%27" * 300, "/api/control/mood", "/static/app.js",
    "/healthz", "/readyz", "/metrics", "/favicon.ico", "/hls/live.m3u8", "/lofi/hls/live.m3u8",
    "/api/events?station=%00", "/api/events?after=" + "9" * 400, "/api/ws", "/api/ws?station=\xff", "/api/stations",
    "/api/openapi.json", "/api/moods", "/api/history?limit=-1", "/api/history?before=1e9", "/api/history?limit=%F0",
    "/api/history", "/api/history?before=0001-01-01T00:00:00%2B14:00", "/obs-control", "/obs-control/",
    "/api/nowplaying/lofi", "/api/nowplaying/%2e%2e", "/api/nowplaying/" + "x" * 300,
)  # fmt: skip
_CONTROL = ("mood", "blend", "skip", "bpm", "layers", "schedule")
_ASKED = (
    "mood=rainy",
    "mood=",
    "mood=%00",
    "mood=" + "x" * 900,
    "study=1&rainy=nan",
    "study=1e999",
    "blend=study:1,rainy",
    "blend=" + "study:1," * 30,
    "%ff=1",
    "ending=maybe",
    "bpm=-1",
    "bpm=null",
    "bpm=1e400",
    "bpm=66",
    "vinyl=inf",
    "ambience=3",
    "loops=rain:-3,:",
    "loops=rain:-20",
    "reset=true",
    "pause=1",
    "pause=x",
    "release=true",
    "override=snow&hours=1e-9",
    "override=snow&until=0001-01-01T00:00:00+14:00",
    "until=9999-12-31T23:59:59-12:00",
    "hours=&mood=snow",
    "station=none",
    "format=text",
    "drift_minutes=%D9%A3&mood=snow",
    "",
)
"""Of the control routes; some are right."""
_AUTHORIZED = "Authorization: Bearer sixteen-letters-or-more"
_JSON = (
    "", "{}", "[]", "null", "1e999", '"rainy"', '{"mood": 1}', '{"mood": "x"}', '{"mood": ["rainy"]}',
    '{"mood": "rainy"',
    '{"mood": "rainy", "station": null}', '{"mood": {"a": 1}}', '{"station": "none", "mood": "rainy"}', "[" * 5_000,
    '{"mood": "\\ud800"}', '{"mood": "rainy"}', '{"study": 1e400}', '{"blend": {"study": "1"}}', '{"bpm": []}',
    '{"loops": {"rain": NaN}}', '{"override": {"snow": 1}, "until": 7}', '{"pause": {}}', '{"hours": -0.0}',
    '{"blend": {' + ", ".join(f'"{n}": 1' for n in range(50)) + "}}", '{"until": "\\u0000", "mood": "snow"}',
)  # fmt: skip
_VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", "HTTP/1.1.1", "", "ICY", "HTTP/1.1\0")
_HEADERS = (
    "Host: x", "Host: x\r\nHost: y", "Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999999999",
    "Content-Length: 1e3", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4",
    "Icy-MetaData: 1",
    "Icy-MetaData: \u0661", "If-None-Match: \"", "If-None-Match: *", "Range: bytes=99-1", "Connection: close",
    "Connection: Upgrade\r\nUpgrade: websocket", "Expect: 100-continue", "Authorization: Bearer \xff\xfe",
    "Authorization: Bearer", "X-Forwarded-For: ,,,1.2.3.4.5,::g", "X-Forwarded-For: " + "1.1.1.1," * 900,
    "X-Forwarded-Proto: javascript", ": empty", "No colon", " folded: x", "X: " + "y" * 9_000, "Cookie: \0\x01\x02",
    "Accept-Encoding: " + "gzip," * 100, "X-A: b\nX-C: d", "Content-Encoding: deflate",
)  # fmt: skip
_BODIES = (b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"{" * 4_000, b"\0" * 100, b"ffffffffffffffff\r\nx")
_YAML = (
    "[", "}", ": ", "- ", "&a ", "*a", "!!python/object:os.system x", "\t", "\0", "\x85", "null", "true", "-1", "1e999",
    ".nan", "0x7fffffffffffffffff", "2026-11-22", "'", '"\\x', "<<: *b", "%YAML 9", "---\n", "? ", "|", "é", "\ud800",
    "99999999999999999999", "{a: {a: {a: 1}}}", "[[[[", "~", "../../etc/passwd", "on",
)  # fmt: skip


@dataclass(slots=True)
class Result:
    """What came of it."""

    answers: Counter[str] = field(default_factory=Counter)
    worst: list[bytes] = field(default_factory=list)
    """Requests that were answered with a 5xx, or left the server dead."""


def request(rng: random.Random) -> bytes:
    """One request that is wrong somewhere, most of the time; half of them wrong only for who handles it."""
    return _handled(rng) if rng.random() < 0.5 else _malformed(rng)


def _handled(rng: random.Random) -> bytes:
    if rng.random() < 0.4:
        body, asked = rng.choice(_JSON).encode(), "&".join(rng.sample(_ASKED, rng.randint(0, 2)))
        line = f"{rng.choice(('GET', 'POST'))} /api/control/{rng.choice(_CONTROL)}?{asked} HTTP/1.1"
        lines = [line, "Host: x", _AUTHORIZED, f"Content-Length: {len(body)}"]
        return "\r\n".join((*lines, "\r\n")).encode() + body
    odd = [one for one in _HEADERS if one.startswith(("Icy", "If-", "Range", "Auth", "X-F", "Accept"))]
    lines = [
        f"{rng.choice(_METHODS[:4])} {rng.choice(_SERVED)} HTTP/1.1",
        "Host: x",
        *rng.sample(odd, rng.randint(0, 2)),
    ]
    return "\r\n".join((*lines, "\r\n")).encode()


def _malformed(rng: random.Random) -> bytes:
    few = rng.random() < 0.6  # most wrongs hide behind the first one: many requests have a single one
    method, version = (rng.choice(_METHODS[:4]), "HTTP/1.1") if few else (rng.choice(_METHODS), rng.choice(_VERSIONS))
    line = " ".join((method, rng.choice(_PATHS), version))
    ends = "\r\n" if few else rng.choice(("\r\n", "\n", "\r"))
    headers = ["Host: x", *(rng.choice(_HEADERS) for _ in range(rng.choice((0, 1) if few else (0, 1, 2, 3, 5, 80))))]
    raw = (ends.join((line, *headers)) + ends * 2).encode("utf-8", "surrogatepass")
    raw += b"" if few and rng.random() < 0.7 else rng.choice(_BODIES)
    for _ in range(0 if few else rng.choice((0, 1, 4))):  # some bytes are turned
        at = rng.randrange(len(raw))
        raw = raw[:at] + bytes([rng.randrange(256)]) + raw[at + rng.choice((0, 1)) :]
    return raw[: rng.randrange(len(raw))] if rng.random() < 0.1 else raw


def document(rng: random.Random, good: str) -> bytes:
    """A config.yaml that is wrong somewhere, most of the time."""
    lines = good.splitlines()
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(lines))
        key, colon, value = lines[at].partition(": ")
        wrong = rng.choice(_YAML)
        lines[at] = rng.choice(
            (
                f"{key}{colon}{wrong}",
                f"{wrong}{lines[at]}",
                f"  {lines[at]}",
                lines[at].strip(),
                f"{key}x{colon}{value}",
                "",
            )
        )
        if rng.random() < 0.2:
            lines.insert(at, rng.choice(lines))
    raw = "\n".join(lines).encode("utf-8", "surrogatepass")
    if rng.random() < 0.2:
        at = rng.randrange(len(raw))
        raw = raw[:at] + bytes([rng.randrange(256)]) + raw[at:]
    return raw


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
