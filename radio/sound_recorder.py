"""Decides at which bar lines the state of the sound is kept, and keeps it in a thread of its own.

Knows nothing about what a state means. A disk that refuses costs states, never sound: `offer` does not wait.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from engine import SAMPLE_RATE_HZ, SnapshotError, sound_state
from radio.lead import LeadBar
from radio.metrics import Metrics
from radio.sound_shelf import SoundShelf, StateRow

logger = logging.getLogger(__name__)

SOUNDS_NAME = "replay.sqlite3"
"""In the state folder."""
WAITING = 8
"""Snapshots of 1 MB in memory at most, should the disk be slow."""
_PRUNE_EVERY_S = 3_600.0
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Keeping:
    """What the configuration says."""

    every_s: float = 60.0
    keep_hours: int = 168
    target_lufs: float = -16.0


@dataclass(frozen=True, slots=True)
class _Taken:
    """The last bar of a station, and the last one whose state was taken."""

    next_engine_frame: int
    added_pieces: int
    run: int
    state_frame: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A bar that has just gone on air, for the first time."""

    station: str
    run: int
    wall_ms: int
    bar: LeadBar


class SoundRecorder:
    """Keeps a state whenever the engine's sound begins anew, and every so many seconds."""

    def __init__(self, path: Path, keeping: Keeping, metrics: Metrics) -> None:
        self.path = path
        self._keeping, self._metrics = keeping, metrics
        self._shelf = SoundShelf(path)
        self._known: dict[str, _Taken] = {}
        self._waiting: deque[tuple[Offer, bool]] = deque(maxlen=WAITING)
        self._wake = threading.Condition()
        self._closing = False
        self._failing = False
        self._last_prune_s: float | None = None
        self._thread = threading.Thread(target=self._work, name="sound-recorder", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def offer(self, offer: Offer) -> None:
        """Take the state before a bar if it is wanted."""
        bar, before = offer.bar, self._known.get(offer.station)
        begins = before is None or (before.next_engine_frame, before.added_pieces, before.run) != (
            bar.engine_frame, bar.added_pieces, offer.run,
        )  # fmt: skip
        every_frames = self._keeping.every_s * SAMPLE_RATE_HZ
        wanted = begins or before is None or bar.engine_frame - before.state_frame >= every_frames
        state_frame = bar.engine_frame if wanted or before is None else before.state_frame
        next_frame = bar.engine_frame + bar.block.frames
        self._known[offer.station] = _Taken(next_frame, bar.added_pieces, offer.run, state_frame)
        if wanted:
            with self._wake:
                self._waiting.append((offer, begins))
                self._wake.notify()

    def close(self, timeout_s: float = 2.0) -> None:
        """Write what is left and stop; gives up after the timeout."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            logger.warning("%s: the last states of the sound did not reach the disk before the stop.", self.path)

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: bool(self._waiting) or self._closing)
                if not self._waiting:
                    break
                offer, begins = self._waiting.popleft()
            self._keep(offer, begins)
            del offer  # a bar and its state, 2 MB, would wait here for the next one
        self._shelf.close()

    def _keep(self, offer: Offer, begins: bool) -> None:
        try:
            state = sound_state(offer.bar.before, whole=begins)
            self._shelf.add(
                StateRow(
                    offer.station,
                    offer.wall_ms,
                    offer.bar.engine_frame,
                    offer.run,
                    int(begins),
                    self._keeping.target_lufs,
                    state,
                )
            )
            self._metrics.replay_state_bytes.inc(len(state))
            self._failing = False
            self._prune_now_and_then(offer.wall_ms)
        except (sqlite3.Error, OSError, SnapshotError) as problem:
            self._failed(problem)

    def _failed(self, problem: Exception) -> None:
        self._metrics.replay_errors.inc()
        level = logging.DEBUG if self._failing else logging.WARNING
        self._failing = True
        logger.log(
            level, "%s: the state of the sound cannot be kept (%s): minutes that go on air now can be played again "
            "alike only, not exactly. Free some disk space, or see to the folder.", self.path, problem,
        )  # fmt: skip
        self._shelf.close()
        code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "format" in str(problem):
            self._shelf.set_aside()

    def _prune_now_and_then(self, wall_ms: int) -> None:
        """Drop old states; what a wall clock that has jumped drops too early can still be played again alike."""
        now_s = time.monotonic()
        if self._last_prune_s is None or now_s - self._last_prune_s >= _PRUNE_EVERY_S:
            self._last_prune_s = now_s
            self._shelf.prune(wall_ms - self._keeping.keep_hours * _HOUR_MS)
