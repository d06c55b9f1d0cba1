"""The daemon is killed again and again at random moments; clients of all kinds must go on by themselves."""

import asyncio
import json
import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.soak.browser import PagePlayer, pages
from tests.soak.daemon import Daemon
from tests.soak.listen import HlsWatcher

QUICKEST_S, LATEST_S = 5.0, 30.0
"""A kill comes so long after everybody was back."""
PLAYED_ON_S = 3.0
"""Who has so much more sound than before plays on."""
PAGE_PLAYED_ON_S = 20.0
"""A browser holds 4 s of MP3 and up to 15 s of HLS: only more than that shows that it has come back."""
PATIENCE_S = 90.0


@dataclass
class Kill:
    """One kill and how it was taken; None: not within a minute and a half."""

    after_s: float
    on_air_s: float | None
    ffmpeg_s: float | None
    hls_s: float | None
    page_mp3_s: float | None
    """Until the page in a browser had played 20 s more, by either transport."""
    page_hls_s: float | None
    cpu_s: float
    """Processor time of daemon and engine until then: what it takes on a machine that has nothing else to do."""
    piece_before: str
    piece_after: str


class Player:
    """FFmpeg, told to connect again, playing into nothing."""

    def __init__(self, url: str) -> None:
        self.played_s = 0.0
        self._url = url

    async def run(self) -> None:
        """Play until cancelled."""
        process = await asyncio.create_subprocess_exec(
            "ffmpeg", "-hide_banner", "-loglevel", "error", "-nostats", "-progress", "pipe:1", "-reconnect", "1",
            "-reconnect_at_eof", "1", "-reconnect_streamed", "1", "-reconnect_on_network_error", "1",
            "-reconnect_on_http_error", "5xx", "-reconnect_delay_max", "20", "-i", self._url, "-f", "null", "-",
            stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            while line := await process.stdout.readline():
                if line.startswith(b"out_time_us=") and line[12:].strip().isdigit():
                    self.played_s = int(line[12:]) / 1e6
        finally:
            with suppress(ProcessLookupError):
                process.kill()


async def kills(folder: Path, count: int, seed: int, priority: int) -> dict[str, object]:
    """Kill it so many times; the report."""
    shutil.rmtree(folder, ignore_errors=True)
    daemon, rng = Daemon(folder), random.Random(seed)
    daemon.priority = priority
    daemon.configure()
    daemon.start()
    try:
        await daemon.wait_on_air()
        url = f"http://127.0.0.1:{daemon.port}"
        player, watcher = Player(f"{url}/stream.mp3"), HlsWatcher(f"{url}/hls/live.m3u8")
        async with pages(url, "mp3", "hls") as opened, asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(player.run()), tasks.create_task(watcher.run())]
            clients = Clients(player, watcher, opened)
            await _until(lambda: watcher.segments > 1 and all(s > PLAYED_ON_S for s in clients.played_s()))
            found = [await _kill(daemon, rng, clients) for _ in range(count)]
            for task in beside:
                task.cancel()
    finally:
        daemon.stop()
    report = {
        "kills": [asdict(one) for one in found],
        "back on air, longest s": max((one.on_air_s or PATIENCE_S) for one in found),
        "ffmpeg went on": sum(one.ffmpeg_s is not None for one in found),
        "HLS went on": sum(one.hls_s is not None for one in found),
        "page went on by MP3": sum(one.page_mp3_s is not None for one in found),
        "page went on by HLS": sum(one.page_hls_s is not None for one in found),
        "page's errors": [complaint for page in opened for complaint in page.complaints],
        "same piece": sum(one.piece_before == one.piece_after for one in found),
        "HLS segments": watcher.segments, "HLS discontinuities": watcher.discontinuities,
        "HLS rules broken": watcher.broken,
    }  # fmt: skip
    (folder / "kills.json").write_text(json.dumps(report, indent=1))
    return report


@dataclass
class Clients:
    """Everybody who listens."""

    ffmpeg: Player
    watcher: HlsWatcher
    pages: tuple[PagePlayer, ...]

    def played_s(self) -> list[float]:
        """Sound that FFmpeg and each page have had."""
        return [self.ffmpeg.played_s, *(page.played_s for page in self.pages)]


async def _kill(daemon: Daemon, rng: random.Random, clients: Clients) -> Kill:
    after_s = rng.uniform(QUICKEST_S, LATEST_S)
    await asyncio.sleep(after_s)
    before = await asyncio.to_thread(_piece, daemon)
    await asyncio.to_thread(daemon.kill)
    played_s, segments = clients.played_s(), clients.watcher.segments
    daemon.start()
    began_s = time.monotonic()

    async def back(condition: object) -> float | None:
        with suppress(TimeoutError):
            await _until(condition)
            return round(time.monotonic() - began_s, 2)
        return None

    async def on_air() -> float | None:
        with suppress(TimeoutError):
            return round(await daemon.wait_on_air(PATIENCE_S), 2)
        return None

    def plays_on(number: int) -> Callable[[], bool]:
        enough_s = PAGE_PLAYED_ON_S if number else PLAYED_ON_S
        return lambda: clients.played_s()[number] > played_s[number] + enough_s

    on_air_s, hls_s, *others_s = await asyncio.gather(
        on_air(), back(lambda: clients.watcher.segments > segments), *(back(plays_on(n)) for n in range(len(played_s)))
    )
    cpu_s = await asyncio.to_thread(daemon.cpu_s)
    after = await asyncio.to_thread(_piece, daemon)
    ffmpeg_s, page_mp3_s, page_hls_s = others_s
    return Kill(round(after_s, 1), on_air_s, ffmpeg_s, hls_s, page_mp3_s, page_hls_s, cpu_s, before, after)


def _piece(daemon: Daemon) -> str:
    told = json.loads(daemon.get("/api/nowplaying") or b"{}")
    return str(told.get("lofi", {}).get("title", ""))


async def _until(condition) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.05)
