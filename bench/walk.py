"""Do what a guide says, to the letter: `python -m bench.walk docs/streamers.md`.

In a fresh clone every block marked `sh` is given to one shell after the other; a block that puts a station on air keeps
its terminal, as a person would leave it, and the walk goes on once `/readyz` says so. Ends with 1 at the first block
that fails. Knows nothing about what the guide is for.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
READY = "http://127.0.0.1:8000/readyz"
SET_UP_S = 900.0
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STAYS = re.compile(r"^(make radio|\S*lofi-radio run)", re.MULTILINE)


def blocks(guide: str) -> list[str]:
    """Return what a guide tells to type, in order."""
    return _BLOCK.findall(guide)


def stays(block: str) -> bool:
    """Tell whether a block keeps its terminal."""
    return _STAYS.search(block) is not None


def walk(guide: Path, folder: Path) -> int:
    """Do it all in a folder that holds a clone; the exit code."""
    with contextlib.ExitStack() as terminals:
        for number, block in enumerate(blocks(guide.read_text(encoding="utf-8")), 1):
            print(f"--- {number}\n{block}", end="", flush=True)
            began_s = time.monotonic()
            if stays(block):
                code = terminals.enter_context(_terminal(block, folder))
            else:
                code = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=folder, check=False).returncode
            said = f"failed with {code}" if code else "done"
            print(f"--- {number}: {said} after {time.monotonic() - began_s:.1f} s", flush=True)
            if code:
                return code
    return 0


@contextlib.contextmanager
def _terminal(block: str, folder: Path) -> Iterator[int]:
    """Leave a block running in a session of its own until the walk is over; yields 0 once the station is ready."""
    with subprocess.Popen(["bash", "-euc", block], cwd=folder, start_new_session=True) as process:
        try:
            yield _wait_ready(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _wait_ready(process: subprocess.Popen[bytes]) -> int:
    deadline_s = time.monotonic() + SET_UP_S
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            return process.returncode or 1
        with contextlib.suppress(OSError), urllib.request.urlopen(READY, timeout=2):
            return 0
        time.sleep(0.2)
    return 1


def main() -> int:
    """Clone what is committed, walk."""
    parser = argparse.ArgumentParser(prog="python -m bench.walk", description=__doc__)
    parser.add_argument("guide", type=Path)
    parser.add_argument("--folder", type=Path, help="walk there, in what is there already, instead of in a fresh clone")
    options = parser.parse_args()
    if options.folder is not None:
        return walk(options.guide, options.folder)
    with tempfile.TemporaryDirectory() as temporary:
        clone = Path(temporary) / "lofi-radio"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        return walk(clone / options.guide, clone)


if __name__ == "__main__":
    sys.exit(main())
