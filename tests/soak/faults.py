"""What is done to a radio on air, and in which order: shuffled by a seed, every kind before any comes twice.

Knows nothing about how well the radio takes it.
"""

import asyncio
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import FAIR, ChaosProxy, Weather
from tests.soak.daemon import FAKETIME, PASSWORD, Daemon, free_port

ICECAST_XML = """<icecast><limits><sources>4</sources></limits><hostname>localhost</hostname>
<authentication><source-password>{password}</source-password>
<admin-user>admin</admin-user><admin-password>admin-{password}</admin-password></authentication>
<listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
<paths><basedir>/usr/share/icecast2</basedir><logdir>{folder}</logdir>
<webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot></paths>
<logging><accesslog>-</accesslog><errorlog>-</errorlog><loglevel>1</loglevel></logging>
<security><chroot>0</chroot>{owner}</security></icecast>"""


class Icecast:
    """A real Icecast on loopback; nothing when none is installed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._program = shutil.which("icecast2") or shutil.which("icecast")
        self._config = folder / "icecast.xml"
        owner = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>" if os.getuid() == 0 else ""
        self._config.write_text(ICECAST_XML.format(password=PASSWORD, port=self.port, folder="/tmp", owner=owner))
        self._config.chmod(0o644)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        if self._program is not None:
            self._process = subprocess.Popen(
                [self._program, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

    def kill(self) -> None:
        """End it without a goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@dataclass(frozen=True)
class Scene:
    """Everything that faults are done to."""

    daemon: Daemon
    icecast: Icecast
    proxy: ChaosProxy
    disk: Path
    """A small file system of its own: the HLS copy and the journal are on it."""


@dataclass(frozen=True)
class Fault:
    """One kind of trouble."""

    name: str
    run: Callable[[Scene], Awaitable[None]]
    """Does it, and undoes it before it returns."""
    declared_s: float = 0.0
    """A hole of so many seconds at the listener is what the fault is."""


async def kill_engine(scene: Scene) -> None:
    """Kill the engine in use."""
    _signal(scene, signal.SIGKILL)


async def stop_engine(scene: Scene) -> None:
    """Freeze the engine in use."""
    _signal(scene, signal.SIGSTOP)


async def kill_both_engines(scene: Scene) -> None:
    """Kill the engine in use and the spare at once."""
    _signal(scene, signal.SIGKILL, both=True)


async def stop_daemon(scene: Scene) -> None:
    """Freeze the daemon for 2 s: less than listeners have in store."""
    os.kill(scene.daemon.pid, signal.SIGSTOP)
    await asyncio.sleep(2.0)
    os.kill(scene.daemon.pid, signal.SIGCONT)


async def kill_icecast(scene: Scene) -> None:
    """Kill Icecast; it is back after 10 s."""
    scene.icecast.kill()
    await asyncio.sleep(10)
    scene.icecast.start()


async def blackhole(scene: Scene) -> None:
    """Let nothing through to Icecast for 30 s."""
    await _weather(scene, Weather(blackhole=True), 30)


async def resets(scene: Scene) -> None:
    """Reset the connection to Icecast every 20 s, for 60 s."""
    await _weather(scene, Weather(reset_every_s=20), 60)


async def slow_line(scene: Scene) -> None:
    """Give the line to Icecast a quarter of what the stream needs, for 60 s."""
    await _weather(scene, Weather(kbit_s=32), 60)


async def full_disk(scene: Scene) -> None:
    """Fill the disk with the journal and the HLS copy for 30 s."""
    stuffing = scene.disk / "stuffing"
    try:
        with stuffing.open("wb", buffering=0) as file:
            while file.write(bytes(65_536)) == 65_536:
                pass
    except OSError:
        pass  # full, as it should be
    await asyncio.sleep(30)
    stuffing.unlink()


async def locked_journal(scene: Scene) -> None:
    """Hold the journal's lock for 30 s."""
    journal = sqlite3.connect(scene.disk / "journal.sqlite3", timeout=10)
    try:
        journal.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(30)
    finally:
        journal.close()


async def broken_config(scene: Scene) -> None:
    """Save a config.yaml that is wrong, then one that is right."""
    right = scene.daemon.config.read_text()
    scene.daemon.write_config(right.replace("mood:", "mod:") + "\nengine: [\n")
    await asyncio.sleep(20)
    scene.daemon.write_config(right)


async def new_mood(scene: Scene) -> None:
    """Change the mood."""
    now = scene.daemon.config.read_text()
    scene.daemon.configure("rainy" if "mood: study" in now else "study")


async def laggards(scene: Scene) -> None:
    """Have three listeners who never read, for 75 s."""
    connections = []
    for _ in range(3):
        connection = socket.create_connection(("127.0.0.1", scene.daemon.port))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /stream.mp3 HTTP/1.1\r\nHost: soak\r\n\r\n")
        connections.append(connection)
    await asyncio.sleep(75)
    for connection in connections:
        connection.close()


async def wall_clock(scene: Scene) -> None:
    """Turn the wall clock an hour forward, two hours back, 2 s forward and back to what it is."""
    for offset_s in (3600, -3600, -3598, 0):
        scene.daemon.set_wall(offset_s)
        await asyncio.sleep(15)


def faults() -> list[Fault]:
    """All that can be done on this machine."""
    kinds = [
        Fault("engine killed", kill_engine),
        Fault("engine frozen", stop_engine),
        Fault("engine and spare killed", kill_both_engines),
        Fault("daemon frozen 2 s", stop_daemon),
        Fault("Icecast killed, back after 10 s", kill_icecast),
        Fault("Icecast blackholed 30 s", blackhole),
        Fault("Icecast reset every 20 s", resets),
        Fault("Icecast at 32 kbit/s", slow_line),
        Fault("disk full 30 s", full_disk),
        Fault("journal locked 30 s", locked_journal),
        Fault("config broken", broken_config),
        Fault("mood changed", new_mood),
        Fault("3 laggards", laggards),
    ]
    if FAKETIME.exists():
        kinds.append(Fault("wall clock ±1 h, ±2 s", wall_clock))
    return kinds


def schedule(seed: int, only: str = "") -> Iterator[Fault]:
    """Faults for ever, shuffled round by round; those alone whose name holds `only`."""
    rng = random.Random(seed)
    while True:
        kinds = [fault for fault in faults() if only in fault.name]
        rng.shuffle(kinds)
        yield from kinds


def _signal(scene: Scene, number: int, *, both: bool = False) -> None:
    for engine in scene.daemon.engines()[: None if both else 1]:
        engine.send_signal(number)


async def _weather(scene: Scene, weather: Weather, seconds: float) -> None:
    scene.proxy.weather = weather
    await asyncio.sleep(seconds)
    scene.proxy.weather = FAIR
