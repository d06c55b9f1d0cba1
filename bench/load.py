"""Load a real station, and an Icecast that it feeds, with listeners: `python -m bench.load`.

What it needs besides the radio: the right to open 10,000 files (ulimit -n), and icecast2 for the comparison.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import psutil

from bench.crowd import Crowd, Ear, is_cut
from bench.icecast_server import config_of
from bench.ports import free_port

_PASSWORD = "load-test"
_CONFIG = """\
server: {{port: {port}, max_listeners: 6000}}
engine:
  composer: {composer}
  piano_model: {root}/models/piano
  drums_model: {root}/models/drums
  loops: {root}/loops
icecast:
  - {{name: beside, host: 127.0.0.1, port: {icecast_port}, mount: /lofi.mp3, password_env: LOAD_PASSWORD}}
log: {{level: WARNING}}
"""
_MANY = "<clients>6000</clients><sources>2</sources><queue-size>524288</queue-size><burst-size>65536</burst-size>"


@dataclass(frozen=True, slots=True)
class House:
    """The two servers under test."""

    radio: psutil.Process
    port: int
    icecast: psutil.Process | None
    icecast_port: int


def main() -> None:
    """Start the servers, load them, print what happened."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("stages", nargs="*", default=["whole", "rush", "hold"], help="whole, rush, hold")
    parser.add_argument("--listeners", type=int, default=4_000, help="how many are held")
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long")
    parser.add_argument("--path", default="/stream.mp3")
    parser.add_argument("--composer", default="rules", help="rules keep the engine's share small; or models")
    parser.add_argument("--priority", type=int, default=0, help="autogroup nice of both servers, such as -10")
    options = parser.parse_args()
    with _servers(options.composer, options.priority) as house:
        if "whole" in options.stages:
            whole(house)
        if "rush" in options.stages:
            rush(house)
        if "hold" in options.stages:
            hold("radio", house.radio, Target(house.port, options.path, options.listeners, options.seconds))
            if house.icecast is None:
                print("icecast2 is not installed: nothing to compare with")
            else:
                target = Target(house.icecast_port, "/lofi.mp3", options.listeners, options.seconds)
                hold("icecast", house.icecast, target)


@dataclass(frozen=True, slots=True)
class Target:
    """What is listened to, by how many and for how long."""

    port: int
    path: str
    listeners: int
    seconds: float


def whole(house: House, good: int = 30, stuck: int = 3, seconds: float = 60.0) -> None:
    """Good listeners beside some that never read: who is whole, and when the others are cut."""
    crowd = Crowd(house.port, "/stream.mp3")
    readers = [crowd.add(keeps=True) for _ in range(good)]
    never = [crowd.add(reads=False) for _ in range(stuck)]
    began_s, cut_s = time.monotonic(), dict.fromkeys(range(stuck), None)
    while time.monotonic() < began_s + seconds:
        crowd.listen_until(min(began_s + seconds, time.monotonic() + 0.5))
        for number, ear in enumerate(never):
            if cut_s[number] is None and is_cut(ear):
                cut_s[number] = time.monotonic() - began_s
    crowd.close()
    count = sum(is_whole(ear.sound, readers[0].sound) for ear in readers)
    gap_s = max(ear.longest_gap_s for ear in readers)
    said = ", ".join("never" if cut is None else f"{cut:.0f} s" for cut in cut_s.values())
    print(
        f"whole: {count}/{good} listeners whole over {seconds:.0f} s, longest gap {gap_s:.2f} s; never read: cut {said}"
    )


def rush(house: House, listeners: int = 1_000, within_s: float = 5.0) -> None:
    """Many at once: who has sound, and how soon."""
    crowd = Crowd(house.port, "/stream.mp3")
    crowd.arrive(listeners, within_s)
    crowd.listen_until(time.monotonic() + 10.0)
    waits_s = sorted(ear.first_sound_s - ear.began_s for ear in _hearing(crowd.ears))
    crowd.close()
    print(
        f"rush: {len(waits_s)}/{listeners} who came within {within_s:g} s have sound; "
        f"first byte after {statistics.median(waits_s):.3f} s (median), {waits_s[-1]:.3f} s (longest)"
    )


def hold(name: str, server: psutil.Process, target: Target) -> None:
    """Hold listeners: what they cost the server, and the longest gap anybody had."""
    before, idle_began_s = _spent_s(server), time.monotonic()
    time.sleep(5.0)
    idle = (_spent_s(server) - before) / (time.monotonic() - idle_began_s)
    crowd = Crowd(target.port, target.path)
    crowd.arrive(target.listeners, target.listeners / 200)
    crowd.listen_until(time.monotonic() + 6.0)
    crowd.begin_measuring()
    began_s, cpu_s, own_s = time.monotonic(), _spent_s(server), time.process_time()
    crowd.listen_until(began_s + target.seconds)
    wall_s = time.monotonic() - began_s
    spent, own = _spent_s(server) - cpu_s, time.process_time() - own_s
    now_s = time.monotonic()
    hearing = [ear for ear in _hearing(crowd.ears) if ear.ended_s is None]
    gaps_s = sorted(max(ear.longest_gap_s, now_s - ear.last_s) for ear in hearing)
    crowd.close()
    print(
        f"hold: {name}: {len(hearing)}/{target.listeners} heard it for {wall_s:.0f} s; {spent / wall_s:.1%} of a core "
        f"({idle:.1%} with no listeners); longest gap {gaps_s[-1]:.2f} s, p99 {gaps_s[len(gaps_s) * 99 // 100]:.2f} s; "
        f"memory {server.memory_info().rss / 1e6:.0f} MB (the listeners themselves took {own / wall_s:.0%} of a core)"
    )


def is_whole(sound: bytes, reference: bytes) -> bool:
    """Tell whether every MP3 frame decodes, and not a byte differs from what another listener got."""
    middle = sound[len(sound) // 2 : len(sound) // 2 + 4_096]
    shift = reference.find(middle) - len(sound) // 2
    start, end = max(0, -shift), min(len(sound), len(reference) - shift)
    if shift < -len(sound) // 2 or sound[start:end] != reference[start + shift : end + shift]:
        return False
    with av.open(io.BytesIO(sound), format="mp3") as container:
        decoded = sum(frame.samples for frame in container.decode(audio=0))
    return decoded >= len(sound) // 384 * 1152 - 1152


def _hearing(ears: list[Ear]) -> list[Ear]:
    return [ear for ear in ears if ear.first_sound_s is not None and not ear.refused]


def _spent_s(server: psutil.Process) -> float:
    times = server.cpu_times()
    return times.user + times.system


@contextlib.contextmanager
def _servers(composer: str, priority: int) -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="lofi-load-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o777)
        port, icecast_port = free_port(), free_port()
        icecast = _start_icecast(folder, icecast_port)
        if icecast is not None:
            stack.callback(_stop, icecast)
        config = folder / "config.yaml"
        root = Path(__file__).parent.parent.absolute()
        config.write_text(_CONFIG.format(port=port, icecast_port=icecast_port, root=root, composer=composer))
        command = [sys.executable, "-m", "radio", "run", "--config", str(config)]
        radio = subprocess.Popen(
            command, env={**os.environ, "LOAD_PASSWORD": _PASSWORD}, cwd=root, start_new_session=True
        )
        stack.callback(_stop, radio)
        for server in (radio, icecast):
            if server is not None and priority:
                Path(f"/proc/{server.pid}/autogroup").write_text(str(priority))
        _wait_for(f"http://127.0.0.1:{port}/readyz")
        if icecast is not None:
            _wait_for(f"http://127.0.0.1:{icecast_port}/lofi.mp3")
        beside = None if icecast is None else psutil.Process(icecast.pid)
        yield House(psutil.Process(radio.pid), port, beside, icecast_port)


def _start_icecast(folder: Path, port: int) -> subprocess.Popen[bytes] | None:
    program = shutil.which("icecast2") or shutil.which("icecast")
    if program is None:
        return None
    config = folder / "icecast.xml"
    config.write_text(config_of(folder, port, _PASSWORD, _MANY))
    quiet = subprocess.DEVNULL
    return subprocess.Popen([program, "-c", str(config)], stdout=quiet, stderr=quiet, start_new_session=True)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _wait_for(url: str, timeout_s: float = 60.0) -> None:
    give_up_s = time.monotonic() + timeout_s
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                answer.read(1)
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > give_up_s:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    main()
