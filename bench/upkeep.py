"""What a running radio takes: one station, a second one, listeners of each transport. Knows nothing of its insides."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.starting import Radio, listening, radio
from engine import SAMPLE_RATE_HZ

LISTENERS = 40
SETTLE_S = 12.0
"""Until the lead is full and the moods are prepared."""
WATCHED_S = 20.0
_NOT_IN_TIME = ("clock_skips", "repeated_frames", "underrun_frames")


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a radio takes over some seconds."""

    core_share: float
    """Of one core: all processes."""
    memory_mb: float
    """Proportional set size of all processes: what they share counts once."""


@dataclass(frozen=True, slots=True)
class Endurance:
    """How many stations kept up."""

    stations: int
    seconds: float
    core_share: float
    memory_mb: float
    skips: float
    """The worst station's: how often its clock had to skip ahead."""
    replayed_s: float
    """The worst station's: without new music, bars heard before or the bed."""


def upkeeps(models: Path) -> dict[str, Upkeep]:
    """Measure one station with a listener to MP3 and AAC (HLS is made of that), without the spare engine, and two."""
    found = {}
    for name, stations, spare in (("one station", 1, True), ("one, no spare", 1, False), ("two stations", 2, True)):
        with radio(models, stations, spare) as one:
            one.first_sound()
            time.sleep(SETTLE_S * stations)
            with listening(one, ("/stream.mp3", "/stream.aac")):
                found[name] = watched(one)
    return found


def listeners(models: Path) -> dict[str, float]:
    """Return the share of a core that one listener takes, by transport."""
    found = {}
    with radio(models, spare=False) as one:
        one.first_sound()
        time.sleep(SETTLE_S)
        with listening(one, ("/stream.mp3", "/stream.aac")):
            alone = watched(one).core_share
            for name, path in (("HTTP, MP3", "/stream.mp3"), ("HTTP, AAC", "/stream.aac"), ("SSE", "/api/events")):
                with listening(one, [path] * LISTENERS):
                    found[name] = max(watched(one).core_share - alone, 0.0) / LISTENERS
            with _hls_players(one):
                found["HLS"] = max(watched(one).core_share - alone, 0.0) / LISTENERS
    return found


def endure(models: Path, stations: int, seconds: float) -> Endurance:
    """Run so many stations at once for so long."""
    with radio(models, stations, spare=False) as all_of_them:
        all_of_them.first_sound()
        time.sleep(SETTLE_S + 3.0 * stations)
        before, spent_s, begun_s = all_of_them.metrics(), all_of_them.cpu_s(), time.monotonic()
        time.sleep(seconds)
        took_s, after = time.monotonic() - begun_s, all_of_them.metrics()
        share = (all_of_them.cpu_s() - spent_s) / took_s
        skips, replayed, filled = (_worst(before, after, f"lofi_{name}_total") for name in _NOT_IN_TIME)
        return Endurance(stations, took_s, share, all_of_them.memory_mb(), skips, (replayed + filled) / SAMPLE_RATE_HZ)


def watched(one: Radio) -> Upkeep:
    """Look at a radio for some seconds."""
    time.sleep(2.0)
    begun_s, spent_s = time.monotonic(), one.cpu_s()
    time.sleep(WATCHED_S)
    return Upkeep((one.cpu_s() - spent_s) / (time.monotonic() - begun_s), one.memory_mb())


def _worst(before: dict[str, float], after: dict[str, float], stem: str) -> float:
    return max((after[name] - before.get(name, 0.0) for name in after if name.startswith(stem)), default=0.0)


@contextmanager
def _hls_players(one: Radio) -> Iterator[None]:
    """Have many players ask for the playlist and its newest segment every four seconds, as they do."""
    stop = threading.Event()
    threads = [threading.Thread(target=_play, args=(one, stop, i / LISTENERS)) for i in range(LISTENERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _play(one: Radio, stop: threading.Event, phase: float) -> None:
    root = f"http://127.0.0.1:{one.port}/hls/"
    stop.wait(4 * phase)
    while not stop.is_set():
        with suppress(OSError):
            with urllib.request.urlopen(f"{root}live.m3u8", timeout=5) as answer:
                lines = [line for line in answer.read().decode().splitlines() if line and not line.startswith("#")]
            if lines:
                with urllib.request.urlopen(root + lines[-1].split("/")[-1], timeout=5) as answer:
                    answer.read()
        stop.wait(4)
