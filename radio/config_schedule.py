"""The configuration of a schedule: what its entries may look like. Knows nothing about what is in force when."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from radio.config_moods import MoodChoice
from radio.config_parts import Part
from radio.schedule import EVERY_DAY, Entry

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GROUPS = {"daily": "mon-sun", "weekdays": "mon-fri", "weekends": "sat-sun"}
_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


def weekdays(text: str) -> frozenset[int]:
    """Read `mon-fri`, `sat,sun`, `fri-mon` or `daily`; Monday is 0. Raises ValueError."""
    found: set[int] = set()
    for part in _GROUPS.get(text.strip().lower(), text.lower()).split(","):
        first, dash, last = (_short(word.strip()) for word in part.partition("-"))
        if first not in _DAYS or (dash and last not in _DAYS):
            raise ValueError(
                f"{text[:40]!r} names no weekdays: write daily, weekdays, weekends, or days such as mon-fri or sat,sun"
            )
        begin, end = _DAYS.index(first), _DAYS.index(last if dash else first)
        found |= {(begin + step) % 7 for step in range((end - begin) % 7 + 1)}
    return frozenset(found)


def _short(word: str) -> str:
    return word[:3] if word in _LONG else word


def moment(text: str) -> time | datetime:
    """Read `22:30`, or a date and time such as `2026-12-24T18:00`. Raises ValueError."""
    found = _TIME_OF_DAY.fullmatch(text.strip())
    if found:
        return time(int(found[1]), int(found[2]), int(found[3] or 0))
    try:
        if len(text) < len("2026-12-24T18:00"):
            raise ValueError(text)
        return datetime.fromisoformat(text.strip())
    except ValueError as problem:
        raise ValueError(
            f"{text[:40]!r} is no time: write a time of day such as '22:30', or a moment such as '2026-12-24T18:00'"
        ) from problem


def zone(name: str) -> ZoneInfo:
    """Find a time zone. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:  # OSError: the name of a folder
        raise ValueError(f"{name[:60]!r} is no time zone: write one such as Europe/Berlin or UTC") from problem


def _known_zone(name: str) -> str:
    return zone(name).key


TimeZone = Annotated[str, AfterValidator(_known_zone), Field(description="a time zone such as Europe/Berlin or UTC")]


class ScheduleEntry(Part):
    """One line of a schedule: when, and what plays from then on."""

    at: Annotated[str, Field(description="a time in quotes, such as '22:30' or '2026-12-24T18:00'")]
    days: Annotated[str, Field(description="weekdays such as mon-fri, sat,sun or daily")] = "daily"
    mood: MoodChoice
    drift_minutes: Annotated[float, Field(ge=0, le=240)] | None = None
    """None: as long as the station's."""
    hours: Annotated[float, Field(gt=0, le=8784)] | None = None
    """Of a one-off event: how long it lasts; None: until the next entry."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        entry = self.entry()
        if isinstance(entry.at, time) and self.hours is not None:
            raise ValueError("hours belongs to a one-off event with a date; what comes every week lasts until the next")
        if isinstance(entry.at, datetime) and entry.days != EVERY_DAY:
            raise ValueError("days belongs to a time of day; a moment with a date comes once")
        return self

    def entry(self) -> Entry:
        """As the schedule takes it."""
        return Entry(self.mood, moment(self.at), weekdays(self.days), self.drift_minutes, self.hours)
