"""Clips of past minutes for who asks over HTTP: made one at a time by a process of low priority, and kept for a while.

Knows nothing about HTTP. The broadcast never waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radio.canonical import canonical
from radio.errors import ReplayError
from radio.metrics import Metrics
from radio.replay_order import Place
from radio.replay_plan import Span
from radio.version import software_version

FOLDER_NAME = "clips"
"""In the state folder."""
WAITING_MAX = 4
"""So many may wait for the one that is being made; more are told to come again."""
JOB_TIMEOUT_S = 600.0
_MEGABYTE = 1_000_000
_SAID_CHARS = 2_000

logger = logging.getLogger(__name__)


class BusyError(ReplayError):
    """Raised when too many clips are wanted at once."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip that is ready."""

    path: Path
    exact: bool
    warnings: tuple[str, ...]
    kept: bool
    """Whether it had been made before."""


class Clips:
    """Makes clips and keeps them."""

    def __init__(self, place: Place, state: Path, budget_mb: int, metrics: Metrics) -> None:
        self._place, self._folder, self._metrics = place, state / FOLDER_NAME, metrics
        self._budget_bytes = budget_mb * _MEGABYTE
        self._turn = asyncio.Lock()
        self._waiting = 0

    def known(self, span: Span, suffix: str) -> Clip | None:
        """The clip if it was made before; not for the event loop."""
        path = self._path(span, suffix)
        try:
            told = json.loads(path.with_suffix(".json").read_bytes())
            path.touch()
            return Clip(path, bool(told["exact"]), tuple(map(str, told["warnings"])), True)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    async def make(self, span: Span, suffix: str) -> Clip:
        """Make a clip, after those that were asked for before; raises ReplayError, and BusyError when they are many."""
        if self._waiting >= WAITING_MAX:
            raise BusyError("Too many clips are wanted at once. Ask again in a minute.")
        self._waiting += 1
        try:
            async with self._turn:
                known = await asyncio.to_thread(self.known, span, suffix)  # of who asked for the same before
                return known or await self._made(span, suffix)
        finally:
            self._waiting -= 1

    async def _made(self, span: Span, suffix: str) -> Clip:
        path = self._path(span, suffix)
        await asyncio.to_thread(self._make_room)
        told = await self._run(self._order(span, path))
        if "error" in told:
            self._metrics.clips.labels("failed").inc()
            raise ReplayError(str(told["error"]))
        await asyncio.to_thread(path.with_suffix(".json").write_bytes, canonical(told))
        self._metrics.clips.labels("made").inc()
        return Clip(path, bool(told["exact"]), tuple(told["warnings"]), False)

    async def _run(self, order: dict[str, Any]) -> dict[str, Any]:
        """Have a process make it; it is killed when nobody waits any more or it takes too long."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "radio.clip_job", stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        try:
            async with asyncio.timeout(JOB_TIMEOUT_S):
                out, said = await process.communicate(json.dumps(order).encode())
            found: dict[str, Any] = json.loads(out)
        except TimeoutError as problem:
            raise BusyError(f"The clip was not ready within {JOB_TIMEOUT_S:g} s. Ask for a shorter one.") from problem
        except ValueError as problem:
            told = (out + said).decode(errors="replace")[-_SAID_CHARS:]
            logger.error("A clip's process ended with %s and no answer. It said: %s", process.returncode, told)
            raise ReplayError(f"The clip could not be made: its process ended ({process.returncode}).") from problem
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return found

    def _order(self, span: Span, path: Path) -> dict[str, Any]:
        setup = self._place.setup
        return {
            "station": span.station, "from_ms": span.from_ms, "frames": span.frames, "out": str(path),
            "journal": str(self._place.journal), "states": str(self._place.states), "loops": str(setup.loops),
            "soundfont": None if setup.soundfont is None else str(setup.soundfont), "target_lufs": setup.target_lufs,
        }  # fmt: skip

    def _path(self, span: Span, suffix: str) -> Path:
        """Where a clip lies; another version of the software makes its own."""
        facts = [span.station, span.from_ms, span.frames, software_version()]
        return self._folder / f"{hashlib.sha256(canonical(facts)).hexdigest()[:24]}{suffix}"

    def _make_room(self) -> None:
        """Drop the clips that were not asked for longest until the rest fits."""
        self._folder.mkdir(parents=True, exist_ok=True)
        files = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)
        total = sum(path.stat().st_size for path in files)
        for path in files:
            if total <= self._budget_bytes:
                break
            total -= path.stat().st_size
            path.unlink(missing_ok=True)
