"""The journal's SQLite file: its schema, reading and writing. Knows nothing about threads, queues or the station."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from pathlib import Path

from radio.errors import JournalError

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 1
_LOCK_WAIT_S = 1.0
_PRUNE_ROWS = 5_000
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SCHEMA = """
CREATE TABLE bars (
    id INTEGER PRIMARY KEY,
    station TEXT NOT NULL,
    bar INTEGER NOT NULL,          -- counts from 0 for the life of the station
    frame INTEGER NOT NULL,        -- of its first sample, 48 kHz
    frames INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,      -- Unix time at which the first frame went on air
    piece INTEGER NOT NULL,
    piece_bar INTEGER NOT NULL,
    piece_seed INTEGER NOT NULL,
    title TEXT NOT NULL,
    key TEXT NOT NULL,
    bpm REAL NOT NULL,
    section TEXT NOT NULL,
    mood TEXT NOT NULL,
    composer TEXT NOT NULL,        -- models or rules
    chords TEXT NOT NULL,          -- JSON: first and second half, null where none is meant
    notes TEXT NOT NULL,           -- JSON: [tick, length in ticks, pitch, velocity, part's first letter]
    seed INTEGER NOT NULL,         -- of the station
    assets TEXT NOT NULL,          -- → assets.set_id
    version TEXT NOT NULL          -- of the software
) STRICT;
CREATE INDEX bars_by_time ON bars (wall_ms);
CREATE INDEX bars_by_frame ON bars (station, frame);
CREATE TABLE assets (
    set_id TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    licence TEXT NOT NULL,
    PRIMARY KEY (set_id, name)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class BarRow:
    """One bar that went on air, as the table `bars` holds it."""

    station: str
    bar: int
    frame: int
    frames: int
    wall_ms: int
    piece: int
    piece_bar: int
    piece_seed: int
    title: str
    key: str
    bpm: float
    section: str
    mood: str
    composer: str
    chords: str
    notes: str
    seed: int
    assets: str
    version: str


@dataclass(frozen=True, slots=True)
class AssetRow:
    """One file that the music was made with."""

    set_id: str
    name: str
    sha256: str
    licence: str


_COLUMNS = tuple(field.name for field in fields(BarRow))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM bars"
_INSERT = f"INSERT INTO bars ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


class JournalStore:
    """An open journal file; every sqlite3.Error is the caller's to handle."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database: sqlite3.Connection | None = None

    def write(self, rows: Sequence[BarRow], assets: Sequence[AssetRow]) -> None:
        """Add rows in one transaction: all of them or none."""
        database = self._open()
        with database:
            database.executemany("INSERT OR IGNORE INTO assets VALUES (?, ?, ?, ?)", [astuple(row) for row in assets])
            database.executemany(_INSERT, [astuple(row) for row in rows])

    def prune(self, before_ms: int) -> int:
        """Delete some of the bars older than a wall time; call again while it returns more than 0."""
        database = self._open()
        old = "SELECT id FROM bars WHERE wall_ms < ? ORDER BY wall_ms LIMIT ?"
        with database:
            return database.execute(f"DELETE FROM bars WHERE id IN ({old})", (before_ms, _PRUNE_ROWS)).rowcount

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._database = _connect(self.path)
            except sqlite3.DatabaseError as problem:
                if not is_corrupt(problem):
                    raise
                self.set_aside(problem)
                self._database = _connect(self.path)
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


class JournalReader:
    """Read-only view of a journal file, on its own connection; open one wherever it is needed."""

    def __init__(self, path: Path) -> None:
        try:
            self._database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_LOCK_WAIT_S)
            _check_version(self._database, path)
        except sqlite3.Error as problem:
            raise JournalError(f"{path}: the journal cannot be read ({problem}). Is journal.path right?") from problem

    def __enter__(self) -> JournalReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def recent(self, rows: int, station: str | None = None) -> list[BarRow]:
        """Return the last bars, newest first."""
        where, values = ("WHERE station = ?", (station,)) if station is not None else ("", ())
        found = self._database.execute(f"{_SELECT} {where} ORDER BY id DESC LIMIT ?", (*values, rows))
        return [BarRow(*row) for row in found]

    def count(self) -> int:
        """Return how many bars it holds."""
        return int(self._database.execute("SELECT count(*) FROM bars").fetchone()[0])

    def pieces_since(self, station: str, wall_ms: int) -> list[tuple[str, str, float]]:
        """Return title, key and tempo of each piece that a station began since a wall time, oldest first."""
        found = self._database.execute(
            "SELECT title, key, bpm FROM bars WHERE station = ? AND wall_ms >= ? GROUP BY piece_seed ORDER BY min(id)",
            (station, wall_ms),
        )
        return [(title, key, bpm) for title, key, bpm in found]

    def assets(self, set_id: str) -> list[AssetRow]:
        """Return the files that bars with this set id were made with."""
        found = self._database.execute("SELECT * FROM assets WHERE set_id = ? ORDER BY name", (set_id,))
        return [AssetRow(*row) for row in found]


def is_corrupt(problem: sqlite3.Error) -> bool:
    """Tell damage of the file from a disk or lock in the way."""
    return (getattr(problem, "sqlite_errorcode", 0) & 0xFF) in _CORRUPT


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_LOCK_WAIT_S)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last second, never the file
        if _check_version(database, path) == 0:
            database.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")
    except BaseException:
        database.close()
        raise
    return database


def _check_version(database: sqlite3.Connection, path: Path) -> int:
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"{path}: written by a newer lofi-radio (format {version}, we write {SCHEMA_VERSION}). "
            "Update, or set journal.path to a new file."
        )
    return version
