"""The journal's SQLite schema and how older files are brought up to it. Knows nothing about rows or threads."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from radio.errors import JournalError

SCHEMA_VERSION = 2
LOCK_WAIT_S = 1.0
CACHE_KB = 256
"""Bars are added at the end and read by others: SQLite's own 2 MB would fill with pages that nobody asks for again."""
_FIRST = """
CREATE TABLE bars (
    id INTEGER PRIMARY KEY,
    station TEXT NOT NULL,
    bar INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    piece INTEGER NOT NULL,
    piece_bar INTEGER NOT NULL,
    piece_seed INTEGER NOT NULL,
    title TEXT NOT NULL,
    key TEXT NOT NULL,
    bpm REAL NOT NULL,
    section TEXT NOT NULL,
    mood TEXT NOT NULL,
    composer TEXT NOT NULL,
    chords TEXT NOT NULL,
    notes TEXT NOT NULL,
    seed INTEGER NOT NULL,
    assets TEXT NOT NULL,
    version TEXT NOT NULL
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
_SECOND = """
ALTER TABLE bars ADD COLUMN mood_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE bars ADD COLUMN next_section TEXT;
ALTER TABLE bars ADD COLUMN piece_bars INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bars ADD COLUMN repeated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bars ADD COLUMN run INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bars ADD COLUMN engine_frame INTEGER NOT NULL DEFAULT -1;
ALTER TABLE bars ADD COLUMN engine_piece INTEGER NOT NULL DEFAULT -1;
ALTER TABLE assets ADD COLUMN about TEXT NOT NULL DEFAULT '';
CREATE INDEX bars_by_piece ON bars (station, piece);
CREATE TABLE moods (
    hash TEXT PRIMARY KEY,
    tree TEXT NOT NULL,
    seen_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    station TEXT NOT NULL,
    run INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (wall_ms);
"""
_STEPS = (_FIRST, _SECOND)
"""A file of format n lacks the steps from n on: new files take all of them, so every file ends up the same."""


def connect(path: Path) -> sqlite3.Connection:
    """Open a journal for writing, new or old, and bring it up to the present format in one transaction."""
    database = sqlite3.connect(path, timeout=LOCK_WAIT_S)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last second, never the file
        database.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        version = check_version(database, path)
        if version < SCHEMA_VERSION:
            steps = "".join(_STEPS[version:])
            try:
                database.executescript(f"BEGIN IMMEDIATE;{steps}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")
            except BaseException:
                database.rollback()
                raise
    except BaseException:
        database.close()
        raise
    return database


def check_version(database: sqlite3.Connection, path: Path) -> int:
    """Return the file's format; raise JournalError when it is of a newer one."""
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"{path}: written by a newer lofi-radio (format {version}, we write {SCHEMA_VERSION}). "
            "Update, or set journal.path to a new file."
        )
    return version
