"""The configuration is saved again and again, now and then wrong, and nobody may hear it."""

import asyncio
import json
import random
import shutil
import time
from dataclasses import asdict
from pathlib import Path

from tests.soak.daemon import Daemon
from tests.soak.listen import Recorder, holes

MOODS = ("study", "rainy", "cafe", "sleep")
WRONG = (
    lambda text: text.replace("mood:", "mod:"),
    lambda text: text + "\nengine: [\n",
    lambda text: text.replace("mood: ", "mood: no-such-"),
    lambda text: text[: len(text) // 2] + "\x00",
    lambda text: "",
)
WRONG_SHARE = 0.2
MOOD_SHARE = 0.15
"""Of the right ones so many change the mood: each has the lead made again."""


async def reloads(folder: Path, count: int, minutes: float, priority: int) -> dict[str, object]:
    """Save it so many times; the report."""
    shutil.rmtree(folder, ignore_errors=True)
    daemon, rng = Daemon(folder), random.Random(count)
    daemon.priority = priority
    daemon.configure()
    daemon.start()
    wrong = 0
    try:
        await daemon.wait_on_air()
        recorder = Recorder(f"http://127.0.0.1:{daemon.port}/stream.mp3", folder / "heard")
        began_s, before = time.monotonic(), await asyncio.to_thread(daemon.sample)
        async with asyncio.TaskGroup() as tasks:
            recording = tasks.create_task(recorder.run())
            mood = "study"
            for number in range(count):
                await asyncio.sleep(began_s + (number + 1) * minutes * 60 / count - time.monotonic())
                if rng.random() < MOOD_SHARE:
                    mood = rng.choice(MOODS)
                text = daemon.configure(mood) + f"# saved {number} times\n"
                if rng.random() < WRONG_SHARE:
                    wrong += 1
                    daemon.write_config(rng.choice(WRONG)(text))
                else:
                    daemon.write_config(text)
            await asyncio.sleep(5)
            counters, after = await asyncio.to_thread(daemon.counters), await asyncio.to_thread(daemon.sample)
            recording.cancel()
    finally:
        code = daemon.stop()
    heard = [holes(path) for path in recorder.files() if path.stat().st_size > 16_000]
    report = {
        "saved": count, "of these wrong": wrong, "exit code": code,
        "counted": {name: value for name, value in counters.items() if "reload" in name or "mood" in name},
        "noise frames": counters.get('lofi_underrun_frames_total{station="lofi"}'),
        "repeated frames": counters.get('lofi_repeated_frames_total{station="lofi"}'),
        "engine restarts": counters.get('lofi_engine_restarts_total{station="lofi"}'),
        "connections": [asdict(one) for one in recorder.stretches],
        "recorded s": [length for length, _ in heard], "holes": [asdict(hole) for _, found in heard for hole in found],
        "before": asdict(before), "after": asdict(after),
    }  # fmt: skip
    (folder / "reloads.json").write_text(json.dumps(report, indent=1))
    return report
