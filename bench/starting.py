"""How long from `lofi-radio run` to the first sound, warm and cold, and what the running station takes of the machine.

Starts the radio as its users do, on a free port with a state of its own. Knows nothing about its insides.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil

from bench.ports import free_port

ROOT = Path(__file__).parent.parent
AUDIBLE = 10 ** (-50 / 20)
"""-50 dBFS: a fade-in that is heard, not the noise of an encoder."""
PATIENCE_S = 90.0
_CONFIG = """
server: {{host: 127.0.0.1, port: {port}}}
journal: {{path: {folder}/journal.sqlite3}}
state: {{folder: {folder}/state}}
engine:
  piano_model: {models}/piano
  drums_model: {models}/drums
  loops: {root}/loops
  spare: {spare}
stations: {{{stations}}}
"""
MOODS = ("study", "rainy", "sleep", "jazzhop")


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the radio."""

    heard_s: float
    """From the command to the first frame that a listener can hear, on the wall."""
    cpu_s: float
    """Processor time of all processes until then: what a machine needs that has nothing else to do."""
    load: float
    """Of the machine, for the time on the wall."""


class Radio:
    """A radio in a process of its own."""

    def __init__(self, folder: Path, models: Path, stations: int = 1, spare: bool = True) -> None:
        self.port = free_port()
        names = ("lofi", *(f"lofi{number}" for number in range(2, stations + 1)))
        entries = ", ".join(f"{name}: {{mood: {MOODS[i % len(MOODS)]}, seed: {i + 7}}}" for i, name in enumerate(names))
        places = {"port": self.port, "folder": folder, "models": models.resolve(), "root": ROOT}
        text = _CONFIG.format(**places, spare=str(spare).lower(), stations=entries)
        self._config = folder / "config.yaml"
        self._config.write_text(text)
        self._log = (folder / "radio.log").open("ab")
        command = [sys.executable, "-m", "radio", "run", "--config", str(self._config)]
        self.begun_s = time.monotonic()
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdout=self._log, stderr=self._log, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def processes(self) -> list[psutil.Process]:
        """The radio and its engines."""
        own = psutil.Process(self._process.pid)
        return [own, *own.children(recursive=True)]

    def cpu_s(self) -> float:
        """Processor time of all its processes up to now."""
        spent_s = 0.0
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                spent_s += sum(process.cpu_times()[:2])
        return spent_s

    def memory_mb(self) -> float:
        """Proportional set size of all its processes."""
        total = 0
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                total += process.memory_full_info().pss
        return total / 1e6

    def first_sound(self, path: str = "/stream.mp3") -> Start:
        """Wait until a listener hears something."""
        for samples in _decoded(f"http://127.0.0.1:{self.port}{path}", self.begun_s + PATIENCE_S):
            if np.abs(samples).max(initial=0.0) >= AUDIBLE:
                return Start(time.monotonic() - self.begun_s, self.cpu_s(), os.getloadavg()[0])
        self._log.flush()
        said = Path(self._log.name).read_text(encoding="utf-8")[-2000:]
        raise TimeoutError(f"no sound within {PATIENCE_S:g} s; the radio said: {said}")

    def metrics(self) -> dict[str, float]:
        """Its metrics by name with labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("lofi_"))
        return {name: float(value) for name, value in pairs}

    def kill(self) -> None:
        """End it as a power cut would."""
        children = self.processes()[1:]
        self._process.kill()
        self._process.wait()
        psutil.wait_procs(children, timeout=10)

    def close(self) -> None:
        """Ask it to end, then end it."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self._log.close()


@contextmanager
def radio(models: Path, stations: int = 1, spare: bool = True) -> Iterator[Radio]:
    """Run a radio in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        own = Radio(Path(folder), models, stations, spare)
        try:
            yield own
        finally:
            own.close()


def starts(models: Path) -> dict[str, Start]:
    """Start cold (files of the tree dropped from memory), warm, and again after a kill -9."""
    found = {}
    for name in ("warm up", "cold", "warm"):
        if name == "cold":
            forget_files((ROOT, Path(sys.prefix)))
        with radio(models) as one:
            found[name] = one.first_sound()
    del found["warm up"]
    with tempfile.TemporaryDirectory() as folder:
        before = Radio(Path(folder), models)
        before.first_sound()
        time.sleep(12.0)  # a bar has been written down
        before.kill()
        again = Radio(Path(folder), models)
        found["after kill -9"] = again.first_sound()
        again.close()
    return found


@contextmanager
def listening(radio: Radio, paths: Sequence[str]) -> Iterator[None]:
    """Have each path taken by a listener, outside of this process."""
    listeners = []
    for path in paths:
        command = ["curl", "--silent", "--no-buffer", "--output", os.devnull, f"http://127.0.0.1:{radio.port}{path}"]
        listeners.append(subprocess.Popen(command))
    try:
        yield
    finally:
        for listener in listeners:
            listener.kill()
            listener.wait()


def import_cpu_s(module: str) -> float:
    """Return the processor time of a Python that imports one module, the best of three: a measure of the machine."""
    program = f"import time, {module}; print(time.process_time())"
    found = [subprocess.run([sys.executable, "-c", program], capture_output=True, check=True) for _ in range(3)]
    return min(float(done.stdout) for done in found)


def forget_files(folders: Sequence[Path]) -> None:
    """Have the kernel forget what it holds of these files, as after a boot; needs no rights."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                with suppress(OSError):
                    descriptor = os.open(path, os.O_RDONLY)
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                    os.close(descriptor)


def _decoded(url: str, until_s: float) -> Iterator[Any]:
    """Connect until somebody answers; yield what is heard."""
    while time.monotonic() < until_s:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                decoder = av.CodecContext.create("mp3", "r")
                while time.monotonic() < until_s and (data := answer.read1(4096)):
                    for packet in decoder.parse(data):
                        for frame in decoder.decode(packet):
                            yield frame.to_ndarray()
        except (OSError, urllib.error.URLError):
            time.sleep(0.02)
