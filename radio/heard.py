"""What a station played within the last day, from its journal, so that an engine that begins anew repeats none of it.

Knows nothing about how pieces come about; a journal that cannot be read costs this memory, never the music.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from pathlib import Path

from engine import PieceMark
from radio.errors import JournalError
from radio.journal_reader import JournalReader
from radio.nowplaying import key_of_name

logger = logging.getLogger(__name__)

DAY_MS = 86_400_000


def heard_pieces(journal: Path, station: str, now_ms: int | None = None) -> tuple[PieceMark, ...]:
    """Return the pieces of the station's last 24 hours on air, oldest first."""
    if not journal.exists():
        return ()
    since_ms = (round(time.time() * 1000) if now_ms is None else now_ms) - DAY_MS
    try:
        with JournalReader(journal) as reader:
            rows = reader.pieces_since(station, since_ms)
    except (JournalError, sqlite3.Error) as problem:
        logger.warning("station %s: what was played before is not known: %s", station, problem)
        return ()
    marks = []
    for title, key_name, bpm in rows:
        found = key_of_name(key_name)
        if found is not None:
            marks.append(PieceMark(title, found[0], found[1], bpm))
    return tuple(marks)
