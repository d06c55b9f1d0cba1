"""Reading the journal's SQLite file, also one of an older format. Knows nothing about who writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from radio.errors import JournalError
from radio.journal_rows import AssetRow, BarRow, EventRow, MoodRow
from radio.journal_schema import LOCK_WAIT_S, check_version

_Row = TypeVar("_Row", BarRow, AssetRow, EventRow, MoodRow)
_TABLES: dict[type[Any], str] = {BarRow: "bars", AssetRow: "assets", EventRow: "events", MoodRow: "moods"}


@dataclass(frozen=True, slots=True)
class PieceRow:
    """One piece, as its first bar tells of it."""

    piece: int
    title: str
    key: str
    bpm: float
    mood: str
    composer: str
    wall_ms: int


class JournalReader:
    """Read-only view of a journal file, on its own connection; open one wherever it is needed."""

    def __init__(self, path: Path) -> None:
        try:
            self._database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=LOCK_WAIT_S)
            self.format = check_version(self._database, path)
        except sqlite3.Error as problem:
            raise JournalError(f"{path}: the journal cannot be read ({problem}). Is journal.path right?") from problem
        self._selects = {kind: self._select(kind, table) for kind, table in _TABLES.items()}

    def __enter__(self) -> JournalReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def recent(self, rows: int, station: str | None = None) -> list[BarRow]:
        """Return the last bars, newest first."""
        where, values = ("WHERE station = ?", (station,)) if station is not None else ("", ())
        return list(self._rows(BarRow, f"{where} ORDER BY id DESC LIMIT ?", (*values, rows)))

    def count(self) -> int:
        """Return how many bars it holds."""
        return int(self._database.execute("SELECT count(*) FROM bars").fetchone()[0])

    def stations(self) -> list[str]:
        """Return the names of all stations that are in it."""
        names, name = [], ""
        while found := self._database.execute("SELECT min(station) FROM bars WHERE station > ?", (name,)).fetchone()[0]:
            name = str(found)
            names.append(name)
        return names

    def bars(self, station: str, from_ms: int, to_ms: int) -> list[BarRow]:
        """Return a station's bars whose first frame went out in [from, to), as they were written."""
        end = "WHERE +station = ? AND wall_ms >= ? AND wall_ms < ? ORDER BY id"  # +: take the index of the time
        return list(self._rows(BarRow, end, (station, from_ms, to_ms)))

    def run_bars(self, station: str, run: int, from_frame: int, to_frame: int) -> list[BarRow]:
        """Return a run's bars that begin in [from, to), by the broadcast's frames."""
        end = "WHERE station = ? AND frame >= ? AND frame < ? AND run = ? ORDER BY frame, id"
        return list(self._rows(BarRow, end, (station, from_frame, to_frame, run)))

    def bar_before(self, station: str, wall_ms: int) -> BarRow | None:
        """Return the last bar of a station that began before a wall time."""
        end = "WHERE +station = ? AND wall_ms < ? ORDER BY wall_ms DESC, id DESC LIMIT 1"
        return next(self._rows(BarRow, end, (station, wall_ms)), None)

    def bar_after(self, station: str, wall_ms: int) -> BarRow | None:
        """Return the first bar of a station that began at or after a wall time."""
        end = "WHERE +station = ? AND wall_ms >= ? ORDER BY wall_ms, id LIMIT 1"
        return next(self._rows(BarRow, end, (station, wall_ms)), None)

    def pieces_before(self, station: str, wall_ms: int, limit: int) -> list[PieceRow]:
        """Return the pieces that a station began before a wall time, newest first."""
        columns = ", ".join(field.name for field in fields(PieceRow))
        fresh = "AND +repeated = 0 " if self.format > 1 else ""
        found = self._database.execute(  # +: walk down the index of the time until there are enough
            f"SELECT {columns} FROM bars WHERE +station = ? AND +piece_bar = 0 {fresh}AND wall_ms < ? "
            "ORDER BY wall_ms DESC, id DESC LIMIT ?",
            (station, wall_ms, limit),
        )
        return [PieceRow(*row) for row in found]

    def piece(self, station: str, number: int, seed: int) -> list[BarRow]:
        """Return all bars of a piece, as they were written."""
        end = "WHERE station = ? AND piece = ? AND piece_seed = ? ORDER BY id"
        return list(self._rows(BarRow, end, (station, number, seed)))

    def all_bars(self, from_ms: int, to_ms: int) -> list[BarRow]:
        """Return every station's bars whose first frame went out in [from, to)."""
        return list(self._rows(BarRow, "WHERE wall_ms >= ? AND wall_ms < ? ORDER BY wall_ms, id", (from_ms, to_ms)))

    def all_events(self, from_ms: int, to_ms: int) -> list[EventRow]:
        """Return what happened to any station's broadcast in [from, to)."""
        return list(self._rows(EventRow, "WHERE wall_ms >= ? AND wall_ms < ? ORDER BY wall_ms, id", (from_ms, to_ms)))

    def event_before(self, station: str, wall_ms: int) -> EventRow | None:
        """Return the last thing that happened to a station's broadcast at or before a wall time."""
        end = "WHERE station = ? AND wall_ms <= ? ORDER BY wall_ms DESC, id DESC LIMIT 1"
        return next(self._rows(EventRow, end, (station, wall_ms)), None)

    def events(self, station: str, from_ms: int, to_ms: int) -> list[EventRow]:
        """Return what happened to a station's broadcast in [from, to)."""
        end = "WHERE station = ? AND wall_ms >= ? AND wall_ms < ? ORDER BY id"
        return list(self._rows(EventRow, end, (station, from_ms, to_ms)))

    def days(self, from_ms: int = 0) -> list[tuple[int, int]]:
        """Return each day (counted from 1970 in UTC) that has bars, and how many bars and events it has."""
        days: dict[int, int] = {}
        for table in ("bars", "events") if self.format > 1 else ("bars",):
            counted = f"SELECT wall_ms / 86400000, count(*) FROM {table} WHERE wall_ms >= ? GROUP BY 1"
            for day, rows in self._database.execute(counted, (from_ms,)):
                days[day] = days.get(day, 0) + rows
        return sorted(days.items())

    def mood(self, mood_hash: str) -> MoodRow | None:
        """Return the numbers of a mood."""
        return next(self._rows(MoodRow, "WHERE hash = ?", (mood_hash,)), None)

    def pieces_since(self, station: str, wall_ms: int) -> list[tuple[str, str, float]]:
        """Return title, key and tempo of each piece that a station began since a wall time, oldest first."""
        found = self._database.execute(
            "SELECT title, key, bpm FROM bars WHERE station = ? AND wall_ms >= ? GROUP BY piece_seed ORDER BY min(id)",
            (station, wall_ms),
        )
        return [(title, key, bpm) for title, key, bpm in found]

    def assets(self, set_id: str) -> list[AssetRow]:
        """Return the files that bars with this set id were made with."""
        return list(self._rows(AssetRow, "WHERE set_id = ? ORDER BY name", (set_id,)))

    def _rows(self, kind: type[_Row], end: str, values: tuple[object, ...]) -> Iterator[_Row]:
        select = self._selects[kind]
        if not select:
            return
        for row in self._database.execute(f"{select} {end}", values):
            yield kind(*row)

    def _select(self, kind: type[Any], table: str) -> str:
        """Say how a row is read; what an older file lacks takes its default."""
        there = {name for _, name, *_ in self._database.execute(f"PRAGMA table_info({table})")}
        if not there:
            return ""
        columns = [
            field.name if field.name in there else f"{_literal(field.default)} AS {field.name}"
            for field in fields(kind)
        ]
        return f"SELECT {', '.join(columns)} FROM {table}"


def _literal(default: object) -> str:
    assert default is not MISSING, "columns of the first format have no default, all later ones have"
    return "NULL" if default is None else repr(default)
