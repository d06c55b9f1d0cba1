"""The radio as its users run it: a process of its own, watched from outside.

Knows nothing about faults or judgement.
"""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

CONFIG = """
server: {{host: 127.0.0.1, port: {port}}}
hls: {{folder: {disk}/hls}}
journal: {{path: {disk}/journal.sqlite3}}
state: {{folder: {folder}/state}}
log: {{format: text}}
engine:
  piano_model: {root}/models/piano
  drums_model: {root}/models/drums
  loops: {root}/loops
  composer: {composer}
  lead_s: 8.0
stations:
  lofi: {{mood: {mood}, seed: 7}}
"""
ICECAST = """
icecast:
- {{name: main, host: 127.0.0.1, port: {port}, mount: /lofi.mp3, password_env: SOAK_ICECAST}}
"""
PASSWORD = "hackme-soak"
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Sample:
    """What the machine says about the radio at one moment."""

    at_s: float
    rss_mb: float
    """Of the daemon alone."""
    engines_mb: float
    descriptors: int
    threads: int
    processes: int
    cpu_s: float
    """Of the daemon since its start."""


class Daemon:
    """One radio, started and watched; `folder` holds its configuration, state and log."""

    def __init__(self, folder: Path, *, disk: Path | None = None, composer: str = "models") -> None:
        self.folder, self.disk, self.composer = folder, disk or folder, composer
        self.port = free_port()
        self.priority = 0
        """Of its session against others, 0-19: a soak measures the radio, not who else is on the machine."""
        self.icecast_port: int | None = None
        self.wall_file = folder / "wall_clock"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def config(self) -> Path:
        """Its config.yaml."""
        return self.folder / "config.yaml"

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / "radio.log"

    def configure(self, mood: str = "study") -> str:
        """Write config.yaml whole; returns its text."""
        text = CONFIG.format(
            port=self.port, folder=self.folder, disk=self.disk, root=ROOT, composer=self.composer, mood=mood
        )
        if self.icecast_port is not None:
            text += ICECAST.format(port=self.icecast_port)
        self.write_config(text)
        return text

    def write_config(self, text: str) -> None:
        """Replace config.yaml as an editor does."""
        temporary = self.config.with_suffix(".tmp")
        temporary.write_text(text)
        temporary.replace(self.config)

    def start(self) -> None:
        """Start it; does not wait until it is on air."""
        environment = {**os.environ, "SOAK_ICECAST": PASSWORD, "PYTHONPATH": str(ROOT)}
        if FAKETIME.exists():  # the wall clock of this process alone can be set; the monotonic one stays true
            self.set_wall(0)
            environment |= {
                "LD_PRELOAD": str(FAKETIME), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_TIMESTAMP_FILE": str(self.wall_file),
            }  # fmt: skip
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "radio", "run", "--config", str(self.config)],
                cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        if self.priority:  # of the whole session against others, where the kernel shares out by sessions
            with suppress(OSError):
                Path(f"/proc/{self.pid}/autogroup").write_text(str(-self.priority))

    @property
    def pid(self) -> int:
        """Its process number."""
        assert self._process is not None, "expected a daemon that was started"
        return self._process.pid

    def set_wall(self, offset_s: float) -> None:
        """Turn the daemon's wall clock; needs libfaketime."""
        temporary = self.wall_file.with_suffix(".tmp")
        temporary.write_text(f"{offset_s:+.1f}s\n")
        temporary.replace(self.wall_file)

    def kill(self) -> None:
        """End it as a power cut would, and see to it that no engine is left."""
        engines = self.engines()
        os.kill(self.pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait()
        psutil.wait_procs(engines, timeout=10)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return -9

    def engines(self) -> list[psutil.Process]:
        """Its engine processes, the oldest first: the one in use, unless that has just failed."""
        try:
            children = psutil.Process(self.pid).children()
        except psutil.NoSuchProcess:
            return []
        return sorted((c for c in children if _is_engine(c)), key=lambda child: child.create_time())

    def sample(self) -> Sample:
        """Look at it now."""
        process = psutil.Process(self.pid)
        engines = self.engines()
        with process.oneshot():
            return Sample(
                time.monotonic(), process.memory_info().rss / 1e6, sum(_rss(one) for one in engines) / 1e6,
                process.num_fds(), process.num_threads(), 1 + len(engines), sum(process.cpu_times()[:2]),
            )  # fmt: skip

    def cpu_s(self) -> float:
        """Processor time of the daemon and its engines up to now."""
        return round(sum(sum(one.cpu_times()[:2]) for one in (psutil.Process(self.pid), *self.engines())), 2)

    def get(self, path: str, timeout_s: float = 5.0) -> bytes:
        """Fetch one page; empty when it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout_s) as answer:
                return bytes(answer.read())
        except (OSError, urllib.error.URLError, ValueError):
            return b""

    def counters(self) -> dict[str, float]:
        """Its metrics: name with labels → value."""
        found = re.findall(r"^(lofi_\S+) (\S+)$", self.get("/metrics").decode(), re.MULTILINE)
        return {name: float(value) for name, value in found}

    async def wait_on_air(self, timeout_s: float = 120.0) -> float:
        """Wait until sound advances; how long it took."""
        began_s = time.monotonic()
        while not await asyncio.to_thread(self.get, "/readyz"):
            if time.monotonic() - began_s > timeout_s:
                raise TimeoutError(f"not on air after {timeout_s:g} s; see {self.log}")
            await asyncio.sleep(0.1)
        return time.monotonic() - began_s


def series(samples: list[Sample]) -> str:
    """Samples as JSON lines."""
    return "".join(json.dumps(asdict(sample)) + "\n" for sample in samples)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_engine(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _rss(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0.0
