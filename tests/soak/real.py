"""A soak in real time: the whole radio with its real engine, real clients, and a fault every two minutes.

The stream is recorded whole; holes are looked for in what a decoder makes of it, and compared with the counters.
"""

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from tests.chaos import chaos_proxy
from tests.soak.daemon import Daemon, Sample, series
from tests.soak.faults import Icecast, Scene, schedule
from tests.soak.listen import BYTES_A_SECOND, HlsWatcher, Recorder, holes
from tests.soak.report import Slope, slope

SAMPLE_EVERY_S = 10.0
FIRST_FAULT_S = 60.0
DISK_MB = 24


@dataclass
class Event:
    """One fault and what the counters did from it to the next one."""

    name: str
    at_s: float
    sound_back_s: float | None = None
    """From the end of the cause until Icecast had the sound again; None when it had lost none by then."""
    bed_frames: float = 0
    repeated_frames: float = 0
    engine_restarts: float = 0
    lead_lowest_s: float = 99.0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What a soak is to do."""

    minutes: float
    seed: int
    every_s: float
    """From one fault to the next."""
    only: str = ""
    """Only faults whose name holds this."""
    priority: int = 0


@dataclass
class Soak:
    """What a soak found."""

    plan: Plan
    events: list[Event] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    counters: dict[str, float] = field(default_factory=dict)
    result: dict[str, object] = field(default_factory=dict)


async def soak(folder: Path, plan: Plan) -> Soak:
    """Run it; the report lies in the folder, too."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing runs yet
    found = Soak(plan)
    with small_disk(folder / "disk") as disk:
        icecast, daemon = Icecast(folder), Daemon(folder / "radio", disk=disk)
        icecast.start()
        try:
            async with chaos_proxy("127.0.0.1", icecast.port) as proxy:
                daemon.icecast_port, daemon.priority = proxy.port, plan.priority
                daemon.configure()
                daemon.start()
                await daemon.wait_on_air()
                await _listen(Scene(daemon, icecast, proxy, disk), found, folder)
        finally:
            found.result["exit code"] = daemon.stop()
            icecast.kill()
    judge(found, folder)
    return found


async def _listen(scene: Scene, found: Soak, folder: Path) -> None:
    url = f"http://127.0.0.1:{scene.daemon.port}"
    recorder, watcher = Recorder(f"{url}/stream.mp3", folder / "heard"), HlsWatcher(f"{url}/hls/live.m3u8")
    async with asyncio.TaskGroup() as tasks:
        beside = [
            tasks.create_task(recorder.run()), tasks.create_task(watcher.run()),
            tasks.create_task(_sample(scene.daemon, found, folder)),
        ]  # fmt: skip
        await _do_faults(scene, found)
        for task in beside:
            task.cancel()
    found.counters = await asyncio.to_thread(scene.daemon.counters)
    found.result |= {
        "MP3 connections": [asdict(stretch) for stretch in recorder.stretches],
        "HLS": {
            "segments": watcher.segments, "discontinuities": watcher.discontinuities, "rules broken": watcher.broken,
            "longest time without a new segment": watcher.longest_wait_s,
        },
    }  # fmt: skip


async def _do_faults(scene: Scene, found: Soak) -> None:
    began_s, fault_every_s = time.monotonic(), found.plan.every_s
    kinds = schedule(found.plan.seed, found.plan.only)
    due_s = began_s + min(FIRST_FAULT_S, fault_every_s)
    while due_s + fault_every_s / 2 < began_s + 60 * found.plan.minutes:
        await asyncio.sleep(due_s - time.monotonic())
        fault = next(kinds)
        event = Event(fault.name, time.monotonic() - began_s)
        before = await asyncio.to_thread(scene.daemon.counters)
        await fault.run(scene)
        due_s = max(due_s + fault_every_s, time.monotonic() + 10)
        await _watch_recovery(scene.daemon, event, due_s)
        after = await asyncio.to_thread(scene.daemon.counters)
        event.bed_frames = _grown(before, after, "underrun_frames_total")
        event.repeated_frames = _grown(before, after, "repeated_frames_total")
        event.engine_restarts = _grown(before, after, "engine_restarts_total")
        found.events.append(event)
    await asyncio.sleep(max(0.0, began_s + 60 * found.plan.minutes - time.monotonic()))


async def _watch_recovery(daemon: Daemon, event: Event, until_s: float) -> None:
    ended_s, lost = time.monotonic(), False
    while time.monotonic() < until_s - 1:
        counters = await asyncio.to_thread(daemon.counters)
        if not counters:
            event.problems.append("no metrics")
        connected = counters.get('lofi_icecast_connected{output="main"}', 0.0)
        lost = lost or not connected
        if connected and lost and event.sound_back_s is None:
            event.sound_back_s = round(time.monotonic() - ended_s, 2)
        event.lead_lowest_s = min(event.lead_lowest_s, counters.get('lofi_lead_seconds{station="lofi"}', 99.0))
        await asyncio.sleep(0.25 if time.monotonic() - ended_s < 20 else 1.0)
    if not connected:
        event.problems.append("Icecast has no sound")


async def _sample(daemon: Daemon, found: Soak, folder: Path) -> None:
    while True:
        try:
            found.samples.append(await asyncio.to_thread(daemon.sample))
        except psutil.NoSuchProcess:
            found.result["daemon"] = "died"
        (folder / "series.jsonl").write_text(series(found.samples))
        await asyncio.sleep(SAMPLE_EVERY_S)


def judge(found: Soak, folder: Path) -> None:
    """Look at what was recorded and counted; write the report."""
    recordings = []
    for path in sorted(folder.glob("heard.*.mp3")):
        if path.stat().st_size > BYTES_A_SECOND:
            seconds, silent = holes(path)
            recordings.append(
                {"file": path.name, "seconds": seconds, "bytes / rate": path.stat().st_size / BYTES_A_SECOND,
                 "holes": [asdict(hole) for hole in silent[:50]]}
            )  # fmt: skip
    settled = found.samples[len(found.samples) // 6 :]  # the first sixth: caches fill
    slopes: dict[str, Slope] = {
        name: slope([(one.at_s, getattr(one, name)) for one in settled])
        for name in ("rss_mb", "engines_mb", "descriptors", "threads")
    }
    found.result |= {
        "recordings": recordings,
        "slopes": {name: asdict(value) for name, value in slopes.items()},
        "counters": found.counters,
    }
    report = {
        "plan": asdict(found.plan), "events": [asdict(event) for event in found.events],
        **found.result,
    }  # fmt: skip
    (folder / "report.json").write_text(json.dumps(report, indent=1))


def table(found: Soak) -> list[str]:
    """The report in lines for people."""
    lines = [
        f"{event.at_s:6.0f} s  {event.name:32} restarts {event.engine_restarts:.0f}  lead down to "
        f"{event.lead_lowest_s:4.1f} s  repeated {event.repeated_frames / 48_000:5.1f} s  "
        f"noise {event.bed_frames / 48_000:5.1f} s  Icecast back {event.sound_back_s}  {event.problems or ''}"
        for event in found.events
    ]
    return [*lines, *(f"{name}: {value}" for name, value in found.result.items())]


@contextmanager
def small_disk(folder: Path, size_mb: int = DISK_MB) -> Iterator[Path]:
    """A small file system in memory, so that it can be filled; a plain folder for who may not mount."""
    folder.mkdir(parents=True)
    options = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)]
    mounted = subprocess.run(options, check=False, capture_output=True).returncode == 0
    if not mounted:
        raise SystemExit("the soak fills a disk of its own and must be allowed to mount one: run it as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def _grown(before: dict[str, float], after: dict[str, float], name: str) -> float:
    key = f'lofi_{name}{{station="lofi"}}'
    return after.get(key, 0.0) - before.get(key, 0.0)
