"""Writing to the journal's SQLite file. Knows nothing about threads, queues or the station."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import datetime
from pathlib import Path

from radio.journal_rows import AssetRow, BarRow, EventRow, MoodRow
from radio.journal_schema import connect

logger = logging.getLogger(__name__)

_PRUNE_ROWS = 5_000
_DAY_MS = 86_400_000
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

Row = BarRow | EventRow
"""What happened, in order."""
Made = AssetRow | MoodRow
"""What rows refer to; written with them, once."""


def _insert(table: str, row: type[Row]) -> str:
    columns = [field.name for field in fields(row)]
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


_INSERT: dict[type[Row], str] = {BarRow: _insert("bars", BarRow), EventRow: _insert("events", EventRow)}
_KEEP: dict[type[Made], str] = {
    AssetRow: (
        "INSERT INTO assets VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET about = excluded.about "
        "WHERE about = '' AND excluded.about <> ''"
    ),
    MoodRow: (
        "INSERT INTO moods VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seen_ms = excluded.seen_ms "
        f"WHERE excluded.seen_ms > seen_ms + {_DAY_MS}"
    ),
}


class JournalStore:
    """An open journal file; every sqlite3.Error is the caller's to handle."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database: sqlite3.Connection | None = None

    def write(self, rows: Sequence[Row], made: Sequence[Made]) -> None:
        """Add rows and what they refer to in one transaction: all of them or none."""
        database = self._open()
        with database:
            for kind, keep in _KEEP.items():
                database.executemany(keep, [astuple(one) for one in made if type(one) is kind])
            for table, insert in _INSERT.items():
                database.executemany(insert, [astuple(row) for row in rows if type(row) is table])

    def prune(self, before_ms: int) -> int:
        """Delete some of what is older than a wall time; call again while it returns more than 0."""
        database = self._open()
        old = "SELECT id FROM bars WHERE wall_ms < ? ORDER BY wall_ms LIMIT ?"
        with database:
            deleted = database.execute(f"DELETE FROM bars WHERE id IN ({old})", (before_ms, _PRUNE_ROWS)).rowcount
            if deleted < _PRUNE_ROWS:
                database.execute("DELETE FROM events WHERE wall_ms < ?", (before_ms,))
                database.execute("DELETE FROM moods WHERE seen_ms < ?", (before_ms - _DAY_MS,))
            return deleted

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._database = connect(self.path)
            except sqlite3.DatabaseError as problem:
                if not is_corrupt(problem):
                    raise
                self.set_aside(problem)
                self._database = connect(self.path)
        return self._database

    def set_aside(self, problem: Exception) -> None:
        """Rename a damaged file and begin a new one."""
        self.close()
        stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S-%f")
        aside = self.path.with_name(f"{self.path.name}.damaged-{stamp}")
        self.path.rename(aside)
        for tail in ("-wal", "-shm"):
            beside = self.path.with_name(self.path.name + tail)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + tail))
        logger.error(
            "%s: is damaged (%s). It was moved to %s and a new journal begun; `sqlite3 %s .recover` may save its rows.",
            self.path, problem, aside.name, aside.name,
        )  # fmt: skip


def is_corrupt(problem: sqlite3.Error) -> bool:
    """Tell damage of the file from a disk or lock in the way."""
    return (getattr(problem, "sqlite_errorcode", 0) & 0xFF) in _CORRUPT
