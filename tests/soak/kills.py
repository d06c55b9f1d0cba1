"""The daemon is killed again and again at random moments; clients of all kinds must go on by themselves."""

import asyncio
import json
import random
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.soak.daemon import Daemon
from tests.soak.listen import HlsWatcher

QUICKEST_S, LATEST_S = 5.0, 30.0
"""A kill comes so long after everybody was back."""
PLAYED_ON_S = 3.0
"""Who has so much more sound than before plays on."""
PATIENCE_S = 60.0


@dataclass
class Kill:
    """One kill and how it was taken; None: not within a minute."""

    after_s: float
    on_air_s: float | None
    ffmpeg_s: float | None
    hls_s: float | None
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
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(player.run()), tasks.create_task(watcher.run())]
            await _until(lambda: player.played_s > PLAYED_ON_S and watcher.segments > 1)
            found = [await _kill(daemon, rng, player, watcher) for _ in range(count)]
            for task in beside:
                task.cancel()
    finally:
        daemon.stop()
    report = {
        "kills": [asdict(one) for one in found],
        "back on air, longest s": max((one.on_air_s or PATIENCE_S) for one in found),
        "ffmpeg went on": sum(one.ffmpeg_s is not None for one in found),
        "HLS went on": sum(one.hls_s is not None for one in found),
        "same piece": sum(one.piece_before == one.piece_after for one in found),
        "HLS segments": watcher.segments, "HLS discontinuities": watcher.discontinuities,
        "HLS rules broken": watcher.broken,
    }  # fmt: skip
    (folder / "kills.json").write_text(json.dumps(report, indent=1))
    return report


async def _kill(daemon: Daemon, rng: random.Random, player: Player, watcher: HlsWatcher) -> Kill:
    after_s = rng.uniform(QUICKEST_S, LATEST_S)
    await asyncio.sleep(after_s)
    before = await asyncio.to_thread(_piece, daemon)
    await asyncio.to_thread(daemon.kill)
    played_s, segments = player.played_s, watcher.segments
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

    on_air_s, ffmpeg_s, hls_s = await asyncio.gather(
        on_air(), back(lambda: player.played_s > played_s + PLAYED_ON_S), back(lambda: watcher.segments > segments)
    )
    cpu_s = await asyncio.to_thread(daemon.cpu_s)
    return Kill(round(after_s, 1), on_air_s, ffmpeg_s, hls_s, cpu_s, before, await asyncio.to_thread(_piece, daemon))


def _piece(daemon: Daemon) -> str:
    told = json.loads(daemon.get("/api/nowplaying") or b"{}")
    return str(told.get("title", ""))


async def _until(condition) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.05)
