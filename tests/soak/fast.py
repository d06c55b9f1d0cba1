"""A soak on a fast clock: days of audio through the radio's own producer, lead, clock, hub, HLS, state and journal.

The engine's process replays real bars, AAC frames are real but repeated, and the clock moves on as soon as all is done
that is due; it stands still while the lead is empty, for a new engine needs real seconds. So this finds leaks, drift
and broken counting; whether the lead covers a restart is for the soak in real time.
"""

import asyncio
import gc
import json
import os
import random
import shutil
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from engine import SAMPLE_RATE_HZ
from radio import runtime
from radio.config_file import load_config
from radio.hub import Hub
from radio.journal import Journal
from radio.metrics import Metrics
from radio.outputs.hls import PLAYLIST_NAME
from radio.runtime import House, StationRuntime
from tests.soak.daemon import Daemon, Sample, series
from tests.soak.listen import HlsWatcher
from tests.soak.real import small_disk
from tests.soak.replay import BARS_VARIABLE, ReplayAac, build_replay, record_bars
from tests.soak.report import slope

STEP_S = 1.9
"""The clock wakes the broadcast so late that as many blocks go out in one turn as it allows."""
BARS = 32
DISK_MB = 1500
"""HLS keeps files for five real minutes, which are hours here: 200 MB were full after 80 minutes of audio."""
SAMPLE_EVERY_S = 600.0
FAULT_EVERY_S = 1800.0
ENGINE_PATIENCE_S = 120.0


class FastClock:
    """Time that the broadcast moves; all others are woken when it has come to theirs."""

    def __init__(self) -> None:
        self.time_s = 1000.0
        self.deadline_s = 1000.0
        """When the broadcast's next block is due."""
        self.wall_offset_s = 0.0
        self.hold: Callable[[], bool] = lambda: False
        self._began = datetime.now(UTC)
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now_s(self) -> float:
        """Virtual seconds."""
        return self.time_s

    def wall(self) -> datetime:
        """Virtual time of day."""
        return self._began + timedelta(seconds=self.time_s - 1000.0 + self.wall_offset_s)

    async def sleep_until(self, deadline_s: float) -> None:
        """Wait, or, for the broadcast, turn the hands."""
        task = asyncio.current_task()
        if task is None or not task.get_name().startswith("broadcast"):
            woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._sleepers.append((deadline_s, woken))
            await woken
            return
        self.deadline_s = deadline_s
        began_s = time.monotonic()
        while self.hold() and (held_s := time.monotonic() - began_s) < ENGINE_PATIENCE_S:
            # who watches the engine or waits before the next one must come to their time, or the lead stays empty
            self._wake_until(self.time_s + held_s)
            await asyncio.sleep(0.002)
        self.time_s = max(self.time_s, deadline_s + STEP_S)
        self._wake_until(self.time_s)
        await asyncio.sleep(0)

    def _wake_until(self, time_s: float) -> None:
        due = [one for one in self._sleepers if one[0] <= time_s]
        self._sleepers = [one for one in self._sleepers if one[0] > time_s]
        for _, woken in due:
            if not woken.done():
                woken.set_result(None)


@dataclass
class Found:
    """What a fast soak found."""

    hours: float
    faults: dict[str, int] = field(default_factory=dict)
    jumps: list[str] = field(default_factory=list)
    """Places where the encoded stream did not go on with the next frame."""
    samples: list[Sample] = field(default_factory=list)
    result: dict[str, object] = field(default_factory=dict)


class Watch:
    """Looks at everything that comes out, and does the faults when their time has come."""

    def __init__(self, station: StationRuntime, clock: FastClock, disk: Path, found: Found, seed: int) -> None:
        self._station, self._clock, self._disk, self.found = station, clock, disk, found
        self._rng = random.Random(seed)
        self._process = psutil.Process()
        self.hls = HlsWatcher("")
        self.checked_chunks = 0

    async def hear(self, hub: Hub) -> None:
        """Read the AAC stream for ever and miss nothing."""
        listener, next_frame = hub.listen(0), None
        while sounds := await listener.read():
            for sound in sounds:
                chunk = sound.chunk
                if next_frame is not None and chunk.start_frame != next_frame:
                    self.found.jumps.append(f"{next_frame} → {chunk.start_frame}")
                next_frame = chunk.start_frame + chunk.frames
                self.checked_chunks += 1

    async def follow_playlist(self) -> None:
        """Check every playlist as listeners get it; the copy on the disk stands still while that is full."""
        hls = self._station.hls
        assert hls is not None
        while True:
            await hls.changed.wait()
            hls.changed.clear()
            if PLAYLIST_NAME in hls.shown.playlists:
                self.hls.check(hls.shown.playlists[PLAYLIST_NAME].decode())

    async def sample(self) -> None:
        """Write down memory, descriptors and threads."""
        while True:
            gc.collect()
            engines = self._process.children()
            self.found.samples.append(
                Sample(
                    self._clock.now_s(), self._process.memory_info().rss / 1e6,
                    sum(one.memory_info().rss for one in engines) / 1e6, self._process.num_fds(),
                    self._process.num_threads(), 1 + len(engines), sum(self._process.cpu_times()[:2]),
                )
            )  # fmt: skip
            await self._clock.sleep_until(self._clock.now_s() + SAMPLE_EVERY_S)

    async def disturb(self) -> None:
        """Do one fault after the other."""
        kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "engine killed": self._kill, "engine frozen": self._freeze, "wall clock turned": self._turn,
            "encoder failed": self._break_encoder, "disk full": self._fill, "journal locked": self._lock,
            "mood changed": self._change_mood,
        }  # fmt: skip
        while True:
            await self._clock.sleep_until(self._clock.now_s() + FAULT_EVERY_S)
            name = self._rng.choice(list(kinds))
            self.found.faults[name] = self.found.faults.get(name, 0) + 1
            await kinds[name]()

    async def _kill(self) -> None:
        if self._station.producer.pid is not None:
            psutil.Process(self._station.producer.pid).kill()

    async def _freeze(self) -> None:
        if self._station.producer.pid is not None:
            psutil.Process(self._station.producer.pid).suspend()

    async def _turn(self) -> None:
        self._clock.wall_offset_s = self._rng.choice((3600.0, -3600.0, 2.0, -2.0, 0.0))

    async def _break_encoder(self) -> None:
        ReplayAac.fails = True

    async def _fill(self) -> None:
        stuffing = self._disk / "stuffing"
        with suppress(OSError), stuffing.open("wb", buffering=0) as file:
            while file.write(bytes(65_536)) == 65_536:
                pass
        await self._clock.sleep_until(self._clock.now_s() + 60)
        stuffing.unlink()

    async def _lock(self) -> None:
        journal = sqlite3.connect(self._disk / "journal.sqlite3", timeout=5)
        with suppress(sqlite3.OperationalError):
            journal.execute("BEGIN IMMEDIATE")
        await self._clock.sleep_until(self._clock.now_s() + 300)
        journal.close()

    async def _change_mood(self) -> None:
        mood = self._station.producer.mood
        self._station.director.speak("rainy" if mood.name == "study" else "study")
        self._station.direct()


async def fast(folder: Path, hours: float, seed: int, longest_s: float = 1e9) -> Found:
    """Run so many hours of audio, or as many as fit; the report lies in the folder, too."""
    shutil.rmtree(folder, ignore_errors=True)
    found = Found(hours)
    with small_disk(folder, DISK_MB) as disk:
        daemon = Daemon(disk)
        daemon.configure()
        config = load_config(daemon.config)
        bars = disk / "bars.npz"
        record_bars(config.setup(config.mood("study"), 7), bars, BARS)
        os.environ[BARS_VARIABLE] = str(bars)
        runtime.AacEncoder = ReplayAac  # type: ignore[misc]
        metrics, clock = Metrics(), FastClock()
        journal = Journal(config.journal.path, metrics)
        journal.start()
        station = StationRuntime("lofi", config, House(metrics, journal, clock, build_replay))
        clock.hold = lambda: station.lead.frames < 3 * SAMPLE_RATE_HZ or _is_behind(station.channels["aac"].hub)
        watch = Watch(station, clock, disk, found, seed)
        began_s = time.monotonic()
        try:
            await _run(station, clock, watch, began_s + longest_s)
        finally:
            journal.close()
            station.close()
        _judge(found, station, clock, watch, time.monotonic() - began_s, metrics)
        found.result["journal rows"] = journal.count()
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - all is over
    report = {"hours": found.hours, "faults": found.faults, "jumps": found.jumps[:100], **found.result}
    (folder / "report.json").write_text(json.dumps(report, indent=1))
    (folder / "series.jsonl").write_text(series(found.samples))
    return found


async def _run(station: StationRuntime, clock: FastClock, watch: Watch, end_s: float) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(station.producer.run()),
            tasks.create_task(station.broadcast.run(), name="broadcast lofi"), tasks.create_task(station.remember()),
            tasks.create_task(watch.hear(station.channels["aac"].hub)),
            tasks.create_task(watch.follow_playlist()), tasks.create_task(watch.sample()),
            tasks.create_task(watch.disturb()),
        ]  # fmt: skip
        if station.hls is not None:
            running.append(tasks.create_task(station.hls.run()))
        while clock.now_s() < 1000.0 + 3600 * watch.found.hours and time.monotonic() < end_s:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.2)
        watch.found.hours = (clock.now_s() - 1000.0) / 3600
        for task in running:
            task.cancel()


def _is_behind(hub: Hub) -> bool:
    """Tell whether HLS has not taken its sound yet: its disk needs real milliseconds, of which there are few here."""
    return any(one.skips and hub.end_number - one.number > 1 for one in hub._listeners)


def _judge(
    found: Found, station: StationRuntime, clock: FastClock, watch: Watch, took_s: float, metrics: Metrics
) -> None:
    count = metrics.registry.get_sample_value
    settled = found.samples[len(found.samples) // 6 :]
    found.result |= {
        "real seconds": round(took_s), "times real time": round(3600 * found.hours / took_s, 1),
        "frames": station.broadcast.frame,
        "frames sent less frames due": round(station.broadcast.frame - (clock.deadline_s - 1000.0) * SAMPLE_RATE_HZ, 3),
        "AAC chunks checked": watch.checked_chunks, "jumps in the stream": len(found.jumps),
        "HLS segments": watch.hls.segments, "HLS discontinuities": watch.hls.discontinuities,
        "HLS rules broken": watch.hls.broken,
        "slopes per hour of audio": {
            name: asdict(slope([(one.at_s, getattr(one, name)) for one in settled]))
            for name in ("rss_mb", "engines_mb", "descriptors", "threads")
        },
        "counters": {
            name: count(f"lofi_{name}_total", {"station": "lofi"})
            for name in ("underrun_frames", "repeated_frames", "engine_restarts", "clock_skips", "bars_broadcast")
        } | {"journal_lost_rows": count("lofi_journal_lost_rows_total")},
    }  # fmt: skip
