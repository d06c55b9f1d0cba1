"""Plays again what a real radio sent, and measures how far it is from its recording: `python -m bench.replay`.

A daemon of its own (models, FluidSynth, loopback) is on air for some minutes; meanwhile the mood is changed, the engine
is killed and the radio started again. Its recording (16 bits, rounding at about -78 dB of the music) is the witness for
the sound, its event stream for the notes. With `--clips` the clip route is asked, too.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import mido
import numpy as np
import psutil
import soundfile
from scipy.signal import fftconvolve

from engine import SAMPLE_RATE_HZ

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin"}
SPAN_S = 20
CONFIG = """
server: {{port: {port}}}
engine:
  {{piano_model: {root}/models/piano, drums_model: {root}/models/drums, loops: {root}/loops, composer: {composer}}}
stations: {{lofi: {{mood: study}}}}
record: [{{name: witness, station: lofi, folder: recordings, format: flac, minutes: 1440, budget_mb: 5000}}]
"""


@dataclass
class Radio:
    """A daemon in a folder."""

    folder: Path
    port: int
    composer: str
    bars: list[dict] = field(default_factory=list)
    process: subprocess.Popen | None = None

    def configure(self, mood: str = "study") -> None:
        """Write the configuration; a radio on air takes the mood from it."""
        text = CONFIG.format(port=self.port, root=ROOT, composer=self.composer).replace("mood: study", f"mood: {mood}")
        (self.folder / "config.yaml").write_text(text)

    def start(self) -> None:
        """Go on air and follow the events."""
        command = [sys.executable, "-m", "radio", "run"]
        log = (self.folder / "run.log").open("a")
        self.process = subprocess.Popen(command, cwd=self.folder, stderr=log, env=ENVIRONMENT)
        began_s = time.monotonic()
        while not self._ready():
            assert time.monotonic() - began_s < 120, "the radio did not come on air: see run.log"
            time.sleep(0.3)
        threading.Thread(target=self._follow, daemon=True).start()

    def stop(self) -> None:
        """End it as systemd does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def kill_engine(self) -> None:
        """Kill the engine that plays: the oldest of the engines' processes."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        engines = [one for one in children if "spawn_main" in " ".join(one.cmdline())]
        min(engines, key=lambda one: one.create_time()).kill()

    def url(self, path: str) -> str:
        """An address of it."""
        return f"http://127.0.0.1:{self.port}{path}"

    def _ready(self) -> bool:
        try:
            return urllib.request.urlopen(self.url("/readyz"), timeout=2).status == 200
        except OSError:
            return False

    def _follow(self) -> None:
        try:
            with urllib.request.urlopen(self.url("/api/events"), timeout=3600) as stream:
                kind = ""
                for raw in stream:
                    line = raw.decode().strip()
                    if line.startswith("event:"):
                        kind = line[6:].strip()
                    elif line.startswith("data:") and kind == "bar":
                        self.bars.append(json.loads(line[5:]))
        except OSError:
            return


def replayed(radio: Radio, moment_s: float, name: str, seconds: int = SPAN_S) -> tuple[Path, str]:
    """Have a span played again by the command."""
    out = radio.folder / name
    span = ["--from", f"{moment_s:.3f}", "--seconds", str(seconds), "--out", str(out)]
    command = [sys.executable, "-m", "radio", "replay", *span]
    done = subprocess.run(command, cwd=radio.folder, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    return out, done.stdout.strip()


def compare(out: Path, recordings: list[np.ndarray]) -> list[float]:
    """Difference of each second to the recording that fits best, dB; silence between two runs is left out."""
    sound = soundfile.read(out)[0]
    silent = np.abs(sound).max(axis=1) == 0
    edges = np.flatnonzero(np.diff(np.concatenate([[True], silent, [True]]).astype(int)))
    found: list[float] = []
    for first, last in edges.reshape(-1, 2):
        part = sound[first:last]
        if len(part) < SAMPLE_RATE_HZ:
            continue
        found += _seconds(part, recordings)
    return found


def _seconds(part: np.ndarray, recordings: list[np.ndarray]) -> list[float]:
    key = part[: 2 * SAMPLE_RATE_HZ, 0][::-1]
    best: tuple[float, int, np.ndarray] | None = None
    for recording in recordings:
        if len(recording) < len(key):
            continue
        match = fftconvolve(recording[:, 0], key, mode="valid")
        at = int(np.argmax(match))
        if best is None or match[at] > best[0]:
            best = float(match[at]), at, recording
    assert best is not None, "nothing was recorded"
    witness = best[2][best[1] : best[1] + len(part)]
    part = part[: len(witness)]
    level = np.sqrt(np.mean(witness**2))
    whole = len(part) // SAMPLE_RATE_HZ * SAMPLE_RATE_HZ
    power = np.square(part - witness)[:whole].reshape(-1, 2 * SAMPLE_RATE_HZ).mean(axis=1)
    return [float(20 * np.log10(np.sqrt(one) / level + 1e-12)) for one in power]


def notes_agree(radio: Radio, moment_s: float) -> tuple[int, int]:
    """Compare the replayed notes with those that the event stream told: (notes, differences)."""
    out, _ = replayed(radio, moment_s, "notes.mid")
    channels = {0: "keys", 1: "bass", 2: "second", 9: "drums"}
    played = sorted(
        (channels[message.channel], message.note, message.velocity)
        for track in mido.MidiFile(out).tracks for message in track if message.type == "note_on"
    )  # fmt: skip
    heard = [bar for bar in radio.bars if moment_s - bar["seconds"] < _unix(bar["started_at"]) < moment_s + SPAN_S]
    told = sorted((part, pitch, velocity) for bar in heard for _, _, pitch, velocity, part in bar["notes"])
    return len(told), len(set(played) ^ set(told)) + abs(len(played) - len(told))


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def main() -> None:
    """Be on air, then compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=4.0, help="on air, 3 or more")
    parser.add_argument("--composer", choices=("models", "rules"), default="models")
    parser.add_argument("--port", type=int, default=18674)
    parser.add_argument("--clips", action="store_true", help="ask /api/clip, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        radio = Radio(Path(name), options.port, options.composer)
        radio.configure()
        radio.start()
        part_s = options.minutes * 60 / 5
        moments: dict[str, float] = {}
        for what, change in (
            ("undisturbed", lambda: None),
            ("mood changed", lambda: radio.configure("rainy")),
            ("engine killed", radio.kill_engine),
            ("radio restarted", lambda: (radio.stop(), radio.start())),
        ):
            time.sleep(part_s)
            moments[what] = time.time() - (SPAN_S if what == "undisturbed" else 5)
            change()
        time.sleep(part_s)
        states = radio.folder / "state" / "replay.sqlite3"
        if options.clips:
            query = f"/api/clip?from={moments['undisturbed']:.3f}&seconds={SPAN_S}&format=flac"
            began_s = time.monotonic()
            with urllib.request.urlopen(radio.url(query), timeout=600) as answer:
                (radio.folder / "clip.flac").write_bytes(answer.read())
                print(f"/api/clip: {time.monotonic() - began_s:.1f} s, exact: {answer.headers['X-Lofi-Exact']}")
        radio.stop()
        recordings = [soundfile.read(path)[0] for path in sorted((radio.folder / "recordings").glob("*.flac"))]
        for what, moment_s in moments.items():
            out, said = replayed(radio, moment_s, "x.wav")
            differences = compare(out, recordings)
            notes, wrong = notes_agree(radio, moment_s)
            print(
                f"{what}: {np.mean(differences):.1f} dB, worst second {max(differences):.1f} dB of {len(differences)}; "
                f"{notes} notes, {wrong} differ; {said.partition('bars, ')[2]}"
            )
        if options.clips:
            print(f"/api/clip: worst second {max(compare(radio.folder / 'clip.flac', recordings)):.1f} dB")
        print(f"states of the sound: {states.stat().st_size / 1e6:.2f} MB on disk for {options.minutes:g} minutes")
        again = (radio.folder / "run.log").read_text().count("played again")
        print(f"bars were repeated {again} times because the machine was busy")


if __name__ == "__main__":
    main()
