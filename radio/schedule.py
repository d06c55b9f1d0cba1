"""Which mood a clock on the wall asks for: entries by time of day and weekday, and one-off events, in a time zone.

Pure arithmetic on times. Knows no clock, no moods and nobody who could ask for something else.

Where clocks are put forward, a time that does not exist counts at the moment of the jump; where they are put back, a
time that comes twice counts the first time only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

EVERY_DAY = frozenset(range(7))
_LOOK_DAYS = 9
"""An entry of one weekday is at most a week old; a day for time zones and one for a date that a zone left out."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a schedule."""

    choice: object
    """What is to play; the schedule only passes it on."""
    at: time | datetime
    """Time of day, or a one-off moment; local where it names no zone."""
    days: frozenset[int] = EVERY_DAY
    """Weekdays of a time of day, Monday is 0."""
    drift_minutes: float | None = None
    hours: float | None = None
    """Of a one-off event: after so long what stands for every week goes on. None: until the next entry."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of time that one entry is in force for."""

    entry: Entry
    since: datetime
    """UTC, like every moment here."""
    until: datetime | None
    """None: no other entry ever follows."""


@dataclass(frozen=True, slots=True)
class _Begin:
    """An entry's beginning; the later one counts, and of two at once the one-off, then the one further down."""

    moment: datetime
    is_event: bool
    place: int
    entry: Entry
    end: datetime | None = None

    @property
    def rank(self) -> tuple[datetime, bool, int]:
        return self.moment, self.is_event, self.place


class Schedule:
    """The entries of one station."""

    def __init__(self, entries: Sequence[Entry], zone: tzinfo) -> None:
        self._entries = tuple(entries)
        self._zone = zone
        self._newest: Slot | None = None
        self._events = [
            _Begin(begin, True, place, entry, None if entry.hours is None else begin + timedelta(hours=entry.hours))
            for place, entry in enumerate(self._entries)
            if isinstance(entry.at, datetime)
            for begin in (instant(entry.at, zone),)
        ]

    def at(self, now: datetime) -> Slot | None:
        """The slot in force; None where no entry has begun yet."""
        newest = self._newest  # asked for again and again as time goes by
        if newest is not None and newest.since <= now and (newest.until is None or now < newest.until):
            return newest
        found = self._in_force(now)
        if found is None:
            return None
        until = next((moment for moment in self._bounds(now) if self._in_force(moment) != found), None)
        self._newest = Slot(found[0].entry, found[1], until)
        return self._newest

    def slots(self, begin: datetime, end: datetime) -> Iterator[Slot]:
        """The slots between two moments, in order."""
        moment = begin
        while moment < end:
            slot = self.at(moment)
            if slot is not None:
                yield slot
            following = slot.until if slot is not None else next(iter(self._bounds(moment)), None)
            if following is None:
                return
            moment = following

    def _in_force(self, now: datetime) -> tuple[_Begin, datetime] | None:
        """What is in force, and since when it is, without a break."""
        begun = [one for one in (*self._events, *self._weekly(now)) if one.moment <= now]
        lasting = [one for one in begun if one.end is not None and now < one.end]
        ended = [one for one in begun if one.end is not None and one.end <= now]
        open_ended = [one for one in begun if one.end is None]
        found = max(lasting or open_ended, key=lambda one: one.rank, default=None)
        if found is None:
            return None
        # an event that lay on top of it and is over: from its end on this entry is in force again
        covered = [one.end for one in ended if one.end is not None and (not lasting or one.moment >= found.moment)]
        return found, max([found.moment, *covered])

    def _bounds(self, now: datetime) -> list[datetime]:
        """Every moment after now at which something may change, in order."""
        moments = {one.moment for one in (*self._events, *self._weekly(now))}
        moments |= {one.end for one in self._events if one.end is not None}
        return sorted(moment for moment in moments if moment > now)

    def _weekly(self, now: datetime) -> Iterator[_Begin]:
        today = now.astimezone(self._zone).date()
        for place, entry in enumerate(self._entries):
            if isinstance(entry.at, datetime):
                continue
            for day in (today + timedelta(days=ahead) for ahead in range(-_LOOK_DAYS, _LOOK_DAYS + 1)):
                if day.weekday() in entry.days:
                    yield _Begin(instant(datetime.combine(day, entry.at), self._zone), False, place, entry)


def instant(local: datetime, zone: tzinfo) -> datetime:
    """The moment at which a clock on the wall of a zone shows a time (the first one), UTC."""
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    early, late = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    if late.astimezone(zone).replace(tzinfo=None) == local or early >= late:
        return late  # fold 0: the first of two, or the only one
    after = late.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):  # the jump lies between: look where the offset changes
        middle = early + (late - early) / 2
        if middle.astimezone(zone).utcoffset() == after:
            late = middle
        else:
            early = middle
    return late.replace(microsecond=0)
