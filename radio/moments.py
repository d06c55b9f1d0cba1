"""Reads a moment as people write it, and writes it down without doubt. Knows nothing about what happened then."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from radio.errors import MomentError

_AGO = re.compile(r"-?(\d+(?:\.\d+)?)\s*(s|m|h|d)(?:\s+ago)?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TEXT_MAX = 64
_LAST_MS = 253_402_300_799_999
"""The end of the year 9999."""


def read_moment(text: str, now: datetime) -> datetime:
    """Read `2026-12-01T20:00:05Z`, `2026-12-01 21:00+01:00`, a Unix time, `90s ago`, `-2h`; raises MomentError.

    A date without a time zone is taken in the zone of `now`.
    """
    words = text.strip()[:_TEXT_MAX]
    try:
        if ago := _AGO.fullmatch(words):
            return now - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
        if re.fullmatch(r"\d{9,11}(\.\d+)?", words):
            return datetime.fromtimestamp(float(words), UTC)
        moment = datetime.fromisoformat(words)
        return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
    except (ValueError, OverflowError, OSError) as problem:
        raise MomentError(
            f"{words!r} is no time. Write 2026-12-01T20:00:05Z, with an offset such as +01:00, a Unix time, or 90s ago."
        ) from problem


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return min(max(round(moment.timestamp() * 1000), 0), _LAST_MS)


def iso(ms: int) -> str:
    """Write a moment as `2026-12-01T20:00:00.000Z`."""
    whole = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
