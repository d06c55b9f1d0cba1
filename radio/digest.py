"""The digest of a day: hashes of all that was sent, by five minutes, signed. Knows nothing about when one is made.

docs/provenance.md defines it, so that others can check it with tools of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from radio import merkle
from radio.canonical import canonical, canonical_sha256
from radio.journal_reader import JournalReader
from radio.journal_rows import BarRow, EventRow
from radio.signing import StationKey

FORMAT = "lofi-radio digest 1"
DAY_MS = 86_400_000
BLOCK_MS = 300_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Json = dict[str, Any]
Row = BarRow | EventRow


def day_name(day: int) -> str:
    """Name a day, counted from 1970: `2026-12-01`."""
    return (_EPOCH + timedelta(days=day)).strftime("%Y-%m-%d")


def day_number(name: str) -> int:
    """Count the days from 1970 to a day; raises ValueError."""
    return (datetime.strptime(name, "%Y-%m-%d").replace(tzinfo=UTC) - _EPOCH).days


def block_name(wall_ms: int) -> str:
    """Name of the five minutes a moment lies in: `20:05`."""
    minutes = wall_ms % DAY_MS // BLOCK_MS * BLOCK_MS // 60_000
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def row_json(row: Row) -> Json:
    """A row as it is hashed: every column, and which table it is from."""
    return {"kind": "bar" if isinstance(row, BarRow) else "event", **asdict(row)}


def leaf_of(row: Json) -> bytes:
    """Hash of a row."""
    return merkle.leaf(canonical(row))


def leaves_of(rows: Iterable[Row]) -> list[tuple[bytes, Row]]:
    """Rows of a block with their hashes, in an order that does not depend on when they were written."""
    hashed = [(row.wall_ms, row.frame, leaf_of(row_json(row)), row) for row in rows]
    return [(found, row) for *_, found, row in sorted(hashed, key=lambda one: one[:3])]


def block_rows(reader: JournalReader, station: str, from_ms: int) -> list[Row]:
    """Everything that the journal holds of a station's five minutes."""
    to_ms = from_ms + BLOCK_MS
    return [*reader.bars(station, from_ms, to_ms), *reader.events(station, from_ms, to_ms)]


def digest_body(reader: JournalReader, day: int) -> Json:
    """Hash a day of the journal: per station a list of [block, rows, root], and what its rows refer to."""
    stations: dict[str, list[list[object]]] = {}
    sets, moods, versions, rows_in_all = set(), set(), set(), 0
    for from_ms in range(day * DAY_MS, (day + 1) * DAY_MS, BLOCK_MS):
        by_station: dict[str, list[Row]] = {}
        found: list[Row] = [
            *reader.all_bars(from_ms, from_ms + BLOCK_MS), *reader.all_events(from_ms, from_ms + BLOCK_MS)
        ]  # fmt: skip
        for row in found:
            by_station.setdefault(row.station, []).append(row)
            if isinstance(row, BarRow):
                sets.add(row.assets)
                moods.add(row.mood_hash)
                versions.add(row.version)
        for station, rows in sorted(by_station.items()):
            root = merkle.root([one for one, _ in leaves_of(rows)]).hex()
            stations.setdefault(station, []).append([block_name(from_ms), len(rows), root])
        rows_in_all += len(found)
    return {
        "format": FORMAT,
        "day": day_name(day),
        "rows": rows_in_all,
        "stations": stations,
        "assets": {set_id: [_asset(one) for one in reader.assets(set_id)] for set_id in sorted(sets)},
        "moods": sorted(moods - {""}),
        "versions": sorted(versions),
    }


def signed(body: Json, key: StationKey, previous: tuple[str, Json] | None, supersedes: Json | None) -> Json:
    """Sign a digest; it names the hash of the one before (by file name), so that none can be slipped in later."""
    whole = body | {
        "revision": 1 if supersedes is None else int(supersedes["digest"]["revision"]) + 1,
        "supersedes": None if supersedes is None else canonical_sha256(supersedes),
        "previous": None if previous is None else {"file": previous[0], "sha256": canonical_sha256(previous[1])},
        "made_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "public_key": key.public,
    }
    return {"digest": whole, "signature": key.sign(canonical(whole))}


def _asset(one: Any) -> list[str]:  # noqa: ANN401 - an asset row
    return [one.name, one.sha256, one.licence, one.about]
