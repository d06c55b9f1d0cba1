"""The station's diary: one row for every bar that went on air, for ever.

Knows nothing about how bars come about. Whatever the disk does, the station plays on: `append` never waits.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from pathlib import Path

from engine import Asset, Mood, mood_to_tree
from radio.calendar import SETTLE_S, Calendar
from radio.canonical import canonical
from radio.errors import JournalError
from radio.journal_reader import JournalReader
from radio.journal_rows import AssetRow, BarRow, MoodRow
from radio.journal_store import JournalStore, Made, Row, is_corrupt
from radio.metrics import Metrics

logger = logging.getLogger(__name__)

CAPACITY_ROWS = 2_000
"""Bars kept in memory while the disk is in the way: 90 minutes of one station."""
BATCH_ROWS = 200
MOODS = 512
"""Sets of numbers kept in memory; on the way from one mood to another 32 are used."""
_RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)
_PRUNE_EVERY_S = 3_600.0
_DAY_MS = 86_400_000


class Journal:
    """Takes rows at once, writes them in its own thread, and keeps on trying when the disk refuses."""

    def __init__(
        self, path: Path, metrics: Metrics, *, keep_days: int = 90, retry_s: Sequence[float] = _RETRY_S,
        settle_s: float = SETTLE_S,
    ) -> None:  # fmt: skip
        self.path = path
        self._metrics = metrics
        self._keep_days = keep_days
        self._retry_s = tuple(retry_s)
        self._store = JournalStore(path)
        self._rows: deque[Row] = deque()
        self._assets: dict[str, tuple[AssetRow, ...]] = {}
        self._moods: OrderedDict[str, MoodRow] = OrderedDict()
        self._wake = threading.Condition()
        self._closing = False
        self._failures = 0
        self._lost_rows = 0
        self._last_prune_s: float | None = None
        self._calendar = Calendar(time.time(), time.monotonic(), settle_s)
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def append(self, row: Row) -> None:
        """Take a bar or an event; when the disk has been in the way for too long the oldest row is lost and counted."""
        with self._wake:
            if len(self._rows) >= CAPACITY_ROWS:
                self._rows.popleft()
                self._lost_rows += 1
                self._metrics.journal_lost_rows.inc()
            self._rows.append(row)
            self._wake.notify()

    def register(self, assets: Sequence[Asset]) -> str:
        """Remember what the music is made with; returns the id that goes into every row."""
        told = json.dumps(sorted([asset.name, asset.sha256, asset.licence] for asset in assets))
        set_id = hashlib.sha256(told.encode()).hexdigest()[:16]
        with self._wake:
            self._assets[set_id] = tuple(AssetRow(set_id, a.name, a.sha256, a.licence, a.about) for a in assets)
        return set_id

    def register_mood(self, mood: Mood, seen_ms: int) -> str:
        """Remember the numbers that a bar is played with; returns the hash that goes into its row."""
        tree = canonical(mood_to_tree(mood)).decode()
        mood_hash = hashlib.sha256(tree.encode()).hexdigest()
        with self._wake:
            self._moods[mood_hash] = MoodRow(mood_hash, tree, seen_ms)
            self._moods.move_to_end(mood_hash)
            if len(self._moods) > MOODS:
                self._moods.popitem(last=False)
        return mood_hash

    @property
    def idle(self) -> bool:
        """Whether every row has reached the disk."""
        return not self._rows and not self._failures

    def recent(self, rows: int, station: str | None = None) -> list[BarRow]:
        """Return the last bars that reached the disk, newest first; not for the event loop."""
        with JournalReader(self.path) as reader:
            return reader.recent(rows, station)

    def count(self) -> int:
        """Return how many bars are on the disk; not for the event loop."""
        with JournalReader(self.path) as reader:
            return reader.count()

    @property
    def trouble(self) -> str:
        """What is in the way right now; empty when rows reach the disk."""
        return f"{self.path}: bars are not being written to the journal." if self._failures else ""

    def close(self, timeout_s: float = 2.0) -> None:
        """Write what is left and stop; gives up after the timeout."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._thread.is_alive() or self._rows:
            logger.warning("%s: %d bars did not reach the journal before the stop.", self.path, len(self._rows))

    def _work(self) -> None:
        while True:
            with self._wake:
                pause_s = self._retry_s[min(self._failures, len(self._retry_s)) - 1] if self._failures else None
                ready: Callable[[], bool] = (lambda: self._closing) if self._failures else self._has_work
                self._wake.wait_for(ready, timeout=pause_s)
                rows = [self._rows[index] for index in range(min(len(self._rows), BATCH_ROWS))]
                made: list[Made] = [row for rows_of_set in self._assets.values() for row in rows_of_set]
                made += self._moods.values()
                closing = self._closing
            written = self._write(rows, made) if rows else not self._failures
            if closing and (not written or not self._rows):
                break
        self._store.close()

    def _has_work(self) -> bool:
        return bool(self._rows) or self._closing

    def _write(self, rows: list[Row], made: list[Made]) -> bool:
        try:
            self._store.write(rows, made)
        except (sqlite3.Error, OSError, JournalError) as problem:
            self._failed(problem)
            return False
        with self._wake:
            written = {id(row) for row in rows}
            while self._rows and id(self._rows[0]) in written:
                self._rows.popleft()
        self._metrics.journal_rows.inc(sum(isinstance(row, BarRow) for row in rows))
        if self._failures:
            logger.info("%s: the journal is being written again; %d bars were lost.", self.path, self._lost_rows)
        self._failures = self._lost_rows = 0
        self._prune_now_and_then()
        return True

    def _failed(self, problem: Exception) -> None:
        self._metrics.journal_errors.inc()
        self._failures += 1
        if self._failures == 1:
            logger.error(
                "%s: the journal cannot be written (%s). %s The station plays on; up to %d bars wait in memory.",
                self.path, problem, _remedy(problem), CAPACITY_ROWS,
            )  # fmt: skip
        self._store.close()
        if isinstance(problem, sqlite3.Error) and is_corrupt(problem):
            try:
                self._store.set_aside(problem)
            except OSError as stuck:
                logger.debug("%s: cannot be moved aside: %s", self.path, stuck)

    def _prune_now_and_then(self) -> None:
        now_s = time.monotonic()
        if not self._keep_days or (self._last_prune_s is not None and now_s - self._last_prune_s < _PRUNE_EVERY_S):
            return
        wall_s = time.time()
        if not self._calendar.believes(wall_s, now_s):  # a clock a year ahead would delete everything
            return
        before_ms = int(wall_s * 1000) - self._keep_days * _DAY_MS
        try:
            deleted = self._store.prune(before_ms)
        except sqlite3.Error as problem:
            self._metrics.journal_errors.inc()
            logger.warning("%s: old bars cannot be deleted (%s). %s", self.path, problem, _remedy(problem))
            deleted = 0
        if deleted == 0:
            self._last_prune_s = now_s


def _remedy(problem: Exception) -> str:
    said = str(problem).lower()
    if "full" in said or "no space" in said:
        return "Free some disk space."
    if "locked" in said:
        return "Another program holds it; close that one."
    if "readonly" in said or "read-only" in said or "permission" in said or "unable to open" in said:
        return "Make its folder writable for the user that runs the radio."
    if isinstance(problem, JournalError):
        return ""
    return "Check the disk."
