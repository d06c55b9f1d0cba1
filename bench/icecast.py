"""Break the way to a real Icecast and measure when sound and title are back: `python -m bench.icecast`.

Between the station and Icecast stands a proxy that swallows, resets and crawls (tests/chaos.py). Beside it a listener
of `/stream.mp3` and one of HLS are timed: they must notice nothing. Needs icecast2; takes a quarter of an hour.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.bystanders import Bystander, follow, listen
from bench.icecast_server import MOUNT, PASSWORD, Icecast
from bench.ports import free_port
from tests.chaos import FAIR, ChaosProxy, Weather, chaos_proxy

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


@dataclass
class House:
    """Everything that runs."""

    url: str
    icecast: Icecast
    proxy: ChaosProxy
    beside: tuple[Bystander, Bystander]

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


@contextlib.asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    """Start Icecast, the proxy before it and the station; stop them at the end."""
    port, icecast = free_port(), Icecast(folder, free_port())
    await icecast.start()
    url = f"http://127.0.0.1:{port}"
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(icecast.kill)
        proxy = await stack.enter_async_context(chaos_proxy("127.0.0.1", icecast.port))
        config = folder / "config.yaml"
        root = Path(__file__).parents[1]
        config.write_text(_CONFIG.format(port=port, proxy_port=proxy.port, root=root, mount=MOUNT))
        with (folder / "radio.log").open("wb") as log:
            radio = await asyncio.to_thread(
                subprocess.Popen, [sys.executable, "-m", "radio", "run", "--config", str(config)],
                env={**os.environ, "CHAOS_PASSWORD": PASSWORD}, stdout=log, stderr=log, cwd=root,
            )  # fmt: skip
        stack.callback(_stop, radio)
        made = House(url, icecast, proxy, (Bystander("/stream.mp3"), Bystander("HLS")))
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
