"""The folder of signed digests, and which day's is due. Knows nothing about what is in one but its day and rows."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

from radio.appearing import appearing
from radio.canonical import canonical
from radio.digest import DAY_MS, day_name, day_number, digest_body, signed
from radio.errors import JournalError, ProvenanceError
from radio.journal_reader import JournalReader
from radio.signing import station_key

logger = logging.getLogger(__name__)

FOLDER_NAME = "digests"
"""In the state folder."""
SETTLED_MS = 900_000
"""A day's rows may come late by some minutes while the disk is slow; what comes later gets a revision."""
_LOOK_BACK_DAYS = 3
_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.r(\d{1,4}))?\.json")

Json = dict[str, Any]


class DigestFolder:
    """Digests by day; a day whose rows came late has several, each with a higher revision."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """File names of all digests, by day and revision."""
        if not self.folder.is_dir():
            return []
        found = [match for path in self.folder.iterdir() if (match := _NAME.fullmatch(path.name))]
        return [match[0] for match in sorted(found, key=lambda match: (match[1], int(match[2] or 1)))]

    def read(self, name: str) -> Json:
        """Read a digest; raises ProvenanceError for a name or a file that is none."""
        if not _NAME.fullmatch(name):
            raise ProvenanceError(f"{name[:60]!r} is no digest's name: write 2026-12-01.json.")
        return read_digest(self.folder / name)

    def latest(self, day: int) -> tuple[str, Json] | None:
        """Newest digest of a day."""
        mine = [name for name in self.names() if name.startswith(day_name(day))]
        return (mine[-1], self.read(mine[-1])) if mine else None

    def make_due(self, journal: Path, keys: Path, now_ms: int, *, thorough: bool) -> list[str]:
        """Make the digest of every past day that has none, or has more rows now; return the names.

        Raises ProvenanceError, JournalError and sqlite3.Error. `thorough` looks at all days, else at the last ones.
        """
        made = []
        from_ms = 0 if thorough else now_ms - _LOOK_BACK_DAYS * DAY_MS
        with JournalReader(journal) as reader:
            for day, rows in reader.days(from_ms // DAY_MS * DAY_MS):
                if (day + 1) * DAY_MS + SETTLED_MS > now_ms:
                    continue
                before = self.latest(day)
                if before is None or int(before[1]["digest"]["rows"]) < rows:
                    made.append(self._make(reader, day, keys, before))
        return made

    def _make(self, reader: JournalReader, day: int, keys: Path, before: tuple[str, Json] | None) -> str:
        key = station_key(keys)
        newest = max(self.names(), key=lambda name: self.read(name)["digest"]["made_at"] + name, default=None)
        previous = None if newest is None else (newest, self.read(newest))
        digest = signed(digest_body(reader, day), key, previous, None if before is None else before[1])
        revision = digest["digest"]["revision"]
        name = f"{day_name(day)}.json" if revision == 1 else f"{day_name(day)}.r{revision}.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        with appearing(self.folder / name) as path:
            path.write_bytes(canonical(digest) + b"\n")
        return name


def read_digest(path: Path) -> Json:
    """Read a digest's file; raises ProvenanceError when it is none."""
    try:
        found = json.loads(path.read_bytes())
        body = found["digest"]
        day_number(str(body["day"]))
        if not isinstance(body["rows"], int) or not isinstance(found["signature"], str):
            raise ValueError("rows or signature are missing")
    except FileNotFoundError as problem:
        raise ProvenanceError(f"{path}: there is no such digest.") from problem
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ProvenanceError(f"{path}: this is no digest of ours, or it is damaged ({problem}).") from problem
    return dict(found)


class DigestMaker:
    """Makes what is due, again and again; a failure is said once and tried again."""

    def __init__(self, journal: Path, state: Path) -> None:
        self._journal, self._keys = journal, state
        self._folder = DigestFolder(state / FOLDER_NAME)
        self._thorough, self._failing = True, False

    def make(self, now: datetime) -> None:
        """Make the digests that are due; takes up to a second for a day, so never in the event loop."""
        try:
            station_key(self._keys)  # made at the first start, not at the first midnight
            if not self._journal.exists():
                return
            now_ms = round(now.timestamp() * 1000)
            for name in self._folder.make_due(self._journal, self._keys, now_ms, thorough=self._thorough):
                logger.info("digest %s: made and signed", name)
            self._thorough = self._failing = False
        except (ProvenanceError, JournalError, sqlite3.Error, OSError) as problem:
            logger.log(logging.DEBUG if self._failing else logging.WARNING, "no digest could be made: %s", problem)
            self._failing = True
