"""States of the sound, kept for some days so that what was on air can be played again: one SQLite file.

Knows nothing about what a state means, threads or when one is taken.
"""

from __future__ import annotations

import sqlite3
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from radio.errors import ReplayError

_LOCK_WAIT_S = 1.0
_CACHE_KB = 256
"""States are written once and read by others: SQLite's own 2 MB would be full of them after a few minutes."""
_VERSION = 1
_SCHEMA = """
CREATE TABLE states (
    station TEXT NOT NULL,
    wall_ms INTEGER NOT NULL,
    engine_frame INTEGER NOT NULL,
    run INTEGER NOT NULL,
    whole INTEGER NOT NULL,
    target_lufs REAL NOT NULL,
    state BLOB NOT NULL
) STRICT;
CREATE INDEX states_by_time ON states (wall_ms);
"""


@dataclass(frozen=True, slots=True)
class StateRow:
    """The state of a station's sound at a bar line."""

    station: str
    wall_ms: int
    """When that bar's first frame went on air."""
    engine_frame: int
    """The bar's first sample as its engine counts."""
    run: int
    whole: int
    """1: right from the first frame on; 0: from `engine.SETTLED_FRAMES` after it."""
    target_lufs: float
    """Loudness that the station aimed at."""
    state: bytes


_COLUMNS = ", ".join(field.name for field in fields(StateRow))
_MARKS = ", ".join("?" for _ in fields(StateRow))


class SoundShelf:
    """The file, open for writing; every sqlite3.Error is the caller's to handle."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database: sqlite3.Connection | None = None

    def add(self, row: StateRow) -> None:
        """Keep a state."""
        with self._open() as database:
            database.execute(f"INSERT INTO states ({_COLUMNS}) VALUES ({_MARKS})", astuple(row))

    def prune(self, before_ms: int) -> int:
        """Drop what is older than a wall time; its space is used again."""
        with self._open() as database:
            return database.execute("DELETE FROM states WHERE wall_ms < ?", (before_ms,)).rowcount

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def set_aside(self) -> None:
        """Drop a damaged file: what is lost is that some days can be played again alike only, not exactly."""
        self.close()
        for tail in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + tail).unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self.path, timeout=_LOCK_WAIT_S)
            try:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = NORMAL")
                database.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
                version = database.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    database.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA user_version = {_VERSION};COMMIT;")
                elif version != _VERSION:
                    raise sqlite3.DatabaseError(f"format {version}, we write {_VERSION}")
            except BaseException:
                database.close()
                raise
            self._database = database
        return self._database


def states_before(path: Path, station: str, from_ms: int, to_ms: int) -> list[StateRow]:
    """Return a station's states of [from, to], newest first; none where none were kept. Raises ReplayError."""
    if not path.exists():
        return []
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_LOCK_WAIT_S)
        try:
            found = database.execute(
                f"SELECT {_COLUMNS} FROM states WHERE station = ? AND wall_ms BETWEEN ? AND ? "
                "ORDER BY wall_ms DESC, rowid DESC",
                (station, from_ms, to_ms),
            )
            return [StateRow(*row) for row in found]
        finally:
            database.close()
    except sqlite3.Error as problem:
        raise ReplayError(f"{path}: the states of the sound cannot be read ({problem}).") from problem
