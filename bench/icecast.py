"""Break the way to a real Icecast and measure when sound and title are back: `python -m bench.icecast`.

Between the station and Icecast stands a proxy that swallows, resets and crawls (tests/chaos.py). Beside it a listener
of `/stream.mp3` and one of HLS are timed: they must notice nothing. Needs icecast2; takes a quarter of an hour.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.chaos import FAIR, ChaosProxy, Weather, chaos_proxy

_PASSWORD = "chaos-test"
_MOUNT = "/lofi.mp3"
_CONFIG = """\
server: {{port: {port}}}
engine:
  composer: rules
  spare: false
  piano_model: {root}/models/piano
  drums_model: {root}/models/drums
  loops: {root}/loops
hls: {{renditions: [{{name: low, bitrate_kbps: 48}}, {{name: high, bitrate_kbps: 128}}]}}
icecast:
  - {{name: main, host: 127.0.0.1, port: {proxy_port}, mount: {mount}, password_env: CHAOS_PASSWORD}}
"""
_ICECAST = """\
<icecast><limits><clients>50</clients><sources>4</sources><burst-on-connect>0</burst-on-connect></limits><hostname>localhost</hostname>
<authentication><source-password>{password}</source-password><admin-user>admin</admin-user>
<admin-password>{password}</admin-password></authentication>
<listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
<paths><basedir>/usr/share/icecast2</basedir><logdir>{folder}</logdir><webroot>/usr/share/icecast2/web</webroot>
<adminroot>/usr/share/icecast2/admin</adminroot></paths><logging><loglevel>1</loglevel></logging>
<security><chroot>0</chroot>{owner}</security></icecast>
"""
_AS_NOBODY = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>"
_PATIENCE_S = 90.0


@dataclass
class Beside:
    """A listener that must notice nothing."""

    name: str
    longest_wait_s: float = 0.0
    received_bytes: int = 0
    broken: int = 0
    _last_s: float = field(default_factory=time.monotonic)

    def got(self, size_bytes: int) -> None:
        """Note new sound."""
        now_s = time.monotonic()
        if self.received_bytes:
            self.longest_wait_s = max(self.longest_wait_s, now_s - self._last_s)
        self.received_bytes, self._last_s = self.received_bytes + size_bytes, now_s

    def restart(self) -> None:
        """Begin a new measurement."""
        self.longest_wait_s, self.broken, self._last_s = 0.0, 0, time.monotonic()


class Icecast:
    """A real server."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port, self._config = port, folder / "icecast.xml"
        owner = _AS_NOBODY if os.getuid() == 0 else ""
        folder.chmod(0o777)
        self._config.write_text(_ICECAST.format(password=_PASSWORD, port=port, folder=folder, owner=owner))
        self._process: subprocess.Popen[bytes] | None = None
        self.crashes = 0
        """Icecast 2.4.4 may segfault on who connects within its first milliseconds; systemd would start it again."""

    async def start(self) -> None:
        """Start it and wait until it serves its own pages."""
        program = shutil.which("icecast2") or shutil.which("icecast") or "icecast2"
        while True:
            self._process = await asyncio.to_thread(
                subprocess.Popen,
                [program, "-c", str(self._config)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            while self._process.poll() is None:
                if await self.page("/status-json.xsl"):
                    return
                await asyncio.sleep(0.1)
            self.crashes += 1

    async def page(self, path: str) -> bytes:
        """Fetch a page; empty when it does not answer."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                    return await reader.read()
                finally:
                    writer.close()
        return b""

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    async def back_s(self, title: Callable[[], Awaitable[str]]) -> float:
        """Seconds until a fresh listener has a second of new sound and the station's title; 90: never."""
        began_s = time.monotonic()
        while time.monotonic() - began_s < _PATIENCE_S:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
                async with asyncio.timeout(5):
                    if await self._hear(await title()):
                        return time.monotonic() - began_s
            await asyncio.sleep(0.1)
        return _PATIENCE_S

    async def _hear(self, title: str) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"GET {_MOUNT} HTTP/1.0\r\nIcy-MetaData: 1\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            if " 200 " not in head.splitlines()[0]:
                return False
            interval_bytes = int(head.split("icy-metaint:")[1].split()[0])
            await reader.readexactly(interval_bytes)  # of live sound: this Icecast has no burst
            told = (await reader.readexactly((await reader.readexactly(1))[0] * 16)).decode("utf-8", "replace")
            return f"StreamTitle='{_plain(title)}" in told
        finally:
            writer.close()


def _plain(title: str) -> str:
    return title.translate(str.maketrans({"·": "-", "♭": "b", "♯": "#", "’": "'"}))


@dataclass
class House:
    """Everything that runs."""

    url: str
    icecast: Icecast
    proxy: ChaosProxy
    beside: tuple[Beside, Beside]

    async def title(self) -> str:
        """What the station plays."""
        async with aiohttp.ClientSession() as web, web.get(f"{self.url}/api/nowplaying") as answer:
            return str((await answer.json())["lofi"]["title"])

    async def killed(self) -> float:
        """Kill Icecast, start it two seconds later."""
        self.icecast.kill()
        await asyncio.sleep(2)
        await self.icecast.start()
        return await self.icecast.back_s(self.title)

    async def blackholed(self, seconds: float) -> float:
        """Swallow everything for so long."""
        self.proxy.weather = Weather(blackhole=True)
        await asyncio.sleep(seconds)
        self.proxy.weather = FAIR
        return await self.icecast.back_s(self.title)

    async def reset(self, seconds: float) -> float:
        """Reset the source's connection, then leave it alone for so long."""
        self.proxy.reset_all()
        back_s = await self.icecast.back_s(self.title)
        await asyncio.sleep(max(0.0, seconds - back_s))
        return back_s

    async def crawled(self, seconds: float) -> float:
        """Let 32 kbit/s through for so long: a quarter of what is sent."""
        self.proxy.weather = Weather(kbit_s=32)
        await asyncio.sleep(seconds)
        self.proxy.weather = FAIR
        return await self.icecast.back_s(self.title)


async def listen(url: str, beside: Beside) -> None:
    """Take the stream until cancelled."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=timeout) as web:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with web.get(f"{url}/stream.mp3") as answer:
                    async for data in answer.content.iter_any():
                        beside.got(len(data))
            beside.broken += 1
            await asyncio.sleep(0.2)


async def follow(url: str, beside: Beside) -> None:
    """Ask for the playlist every half a second until cancelled; a new list counts as new sound."""
    last = ""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as web:
        while True:
            try:
                async with web.get(f"{url}/hls/low.m3u8") as answer:
                    text = await answer.text()
                    if answer.status == 200 and text != last:
                        beside.got(len(text))
                        last = text
                    beside.broken += answer.status >= 500
            except (aiohttp.ClientError, TimeoutError):
                beside.broken += 1
            await asyncio.sleep(0.5)


@contextlib.asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    """Start Icecast, the proxy before it and the station; stop them at the end."""
    port, icecast = _free_port(), Icecast(folder, _free_port())
    await icecast.start()
    url = f"http://127.0.0.1:{port}"
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(icecast.kill)
        proxy = await stack.enter_async_context(chaos_proxy("127.0.0.1", icecast.port))
        config = folder / "config.yaml"
        root = Path(__file__).parents[1]
        config.write_text(_CONFIG.format(port=port, proxy_port=proxy.port, root=root, mount=_MOUNT))
        with (folder / "radio.log").open("wb") as log:
            radio = await asyncio.to_thread(
                subprocess.Popen, [sys.executable, "-m", "radio", "run", "--config", str(config)],
                env={**os.environ, "CHAOS_PASSWORD": _PASSWORD}, stdout=log, stderr=log, cwd=root,
            )  # fmt: skip
        stack.callback(_stop, radio)
        made = House(url, icecast, proxy, (Beside("/stream.mp3"), Beside("HLS")))
        await made.icecast.back_s(made.title)
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(listen(url, made.beside[0])),
                tasks.create_task(follow(url, made.beside[1])),
            ]
            await asyncio.sleep(10)
            yield made
            for task in beside:
                task.cancel()


async def measure(options: argparse.Namespace) -> bool:
    """Run every cause so many times; whether all aims are met."""
    well = True
    with tempfile.TemporaryDirectory() as temporary:
        async with house(Path(temporary)) as made:
            causes: dict[str, Callable[[], Awaitable[float]]] = {
                "killed": made.killed,
                f"blackholed {options.blackhole_s:g} s": lambda: made.blackholed(options.blackhole_s),
                f"reset every {options.reset_s:g} s": lambda: made.reset(options.reset_s),
                f"32 kbit/s for {options.crawl_s:g} s": lambda: made.crawled(options.crawl_s),
            }
            print("| cause | n | sound and title back s: median | p95 | longest | beside |\n|---|---|---|---|---|---|")
            for name, cause in causes.items():
                for one in made.beside:
                    one.restart()
                backs = []
                for _ in range(options.repeats):
                    backs.append(await cause())
                    await asyncio.sleep(options.calm_s)
                p95 = sorted(backs)[max(0, -(-95 * len(backs) // 100) - 1)]
                beside = ", ".join(f"{one.name} {one.longest_wait_s:.1f} s/{one.broken}" for one in made.beside)
                cells = (statistics.median(backs), p95, max(backs))
                print(f"| {name} | {len(backs)} | {' | '.join(f'{s:.2f}' for s in cells)} | {beside} |", flush=True)
                well = well and p95 <= 5 and not any(one.broken for one in made.beside)
            print("beside: longest wait for new sound / times it broke.")
            print(f"Icecast crashed {made.icecast.crashes} times as it began, and was started again.")
            (options.log or Path(temporary) / "kept.log").write_bytes((Path(temporary) / "radio.log").read_bytes())
    return well


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Measure and print; 1 when an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.icecast", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="of each cause")
    parser.add_argument("--blackhole-s", type=float, default=30.0)
    parser.add_argument("--reset-s", type=float, default=20.0)
    parser.add_argument("--crawl-s", type=float, default=30.0)
    parser.add_argument("--calm-s", type=float, default=5.0, help="between two of them")
    parser.add_argument("--log", type=Path, help="keep what the station said here")
    sys.exit(0 if asyncio.run(measure(parser.parse_args())) else 1)


if __name__ == "__main__":
    main()
