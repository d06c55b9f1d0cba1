"""What was on air at a moment, by the journal: a bar, a repeat, noise, nothing, or a clock that was set.

Knows nothing about how that is told or played again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine import SAMPLE_RATE_HZ
from radio.journal_reader import JournalReader
from radio.journal_rows import BarRow, EventRow

BAR_MS_MAX = 30_000
"""No bar is longer (`inspection.BAR_S_MAX`)."""
JOIN_MS = 2_500
"""Bars go out in pieces of 43 ms, up to 2 s late on a busy machine: a smaller hole in the wall clock is none."""


class What(StrEnum):
    """What was on air."""

    MUSIC = "music"
    REPEAT = "repeated bars"
    BED = "noise bed"
    HELD_UP = "held up"
    OFF = "off air"
    CLOCK_SET = "clock set"
    UNKNOWN = "not recorded"


@dataclass(frozen=True, slots=True)
class Aired:
    """What was on air at a moment."""

    what: What
    bar: BarRow | None = None
    """The bar that sounded; None where there was none."""
    into_ms: int = 0
    """How far into the bar, or into what there was instead of it."""
    before: BarRow | None = None
    after: BarRow | None = None
    """The bars around a moment that has none."""
    cause: EventRow | None = None


def length_ms(row: BarRow) -> int:
    """Length of a bar."""
    return row.frames * 1000 // SAMPLE_RATE_HZ


def aired_at(reader: JournalReader, station: str, wall_ms: int) -> list[Aired]:
    """Say what was on air; more than one answer where the wall clock showed the moment twice, the latest first."""
    near = reader.bars(station, wall_ms - BAR_MS_MAX, wall_ms + JOIN_MS)
    ends_ms = [_end_ms(row, near[index + 1 : index + 2]) for index, row in enumerate(near)]
    found = [row for row, end_ms in zip(near, ends_ms, strict=True) if row.wall_ms <= wall_ms < end_ms]
    if found:
        kinds = {0: What.MUSIC, 1: What.REPEAT}
        return [Aired(kinds[row.repeated], row, wall_ms - row.wall_ms) for row in reversed(_apart(found))]
    return [_without_bar(reader, station, wall_ms)]


def _end_ms(row: BarRow, following: list[BarRow]) -> int:
    """When a bar ended on air: with its length, or where the next bar of another run cut it short.

    Within a run the next bar begins where this one ends, whatever a few milliseconds of the wall clock say.
    """
    end_ms = row.wall_ms + length_ms(row)
    for after in following:
        joined = after.run == row.run and after.frame == row.frame + row.frames
        if joined and abs(after.wall_ms - end_ms) < JOIN_MS:
            return after.wall_ms
        if after.run != row.run and row.wall_ms < after.wall_ms < end_ms:
            return after.wall_ms
    return end_ms


def _apart(rows: list[BarRow]) -> list[BarRow]:
    """Leave out a bar whose last milliseconds only seem to overlap with the next one's first."""
    return [
        row
        for row, after in zip(rows, [*rows[1:], None], strict=True)
        if after is None or after.run != row.run or after.frame != row.frame + row.frames or after.wall_ms < row.wall_ms
    ]


def _without_bar(reader: JournalReader, station: str, wall_ms: int) -> Aired:
    before, after = reader.bar_before(station, wall_ms + 1), reader.bar_after(station, wall_ms)
    event = reader.event_before(station, wall_ms)
    if before is None:
        return Aired(What.UNKNOWN, after=after)
    ended_ms = before.wall_ms + length_ms(before)
    if event is not None and event.wall_ms >= before.wall_ms:
        what = {"bed": What.BED, "off air": What.OFF, "fade": What.OFF, "on air": What.UNKNOWN}.get(event.kind)
        if what is not None:
            return Aired(what, None, wall_ms - event.wall_ms, before, after, event)
    if after is None:
        return Aired(What.OFF if wall_ms - ended_ms > BAR_MS_MAX else What.UNKNOWN, None, wall_ms - ended_ms, before)
    what, cause = _hole(reader, station, before, after)
    return Aired(what, None, wall_ms - ended_ms, before, after, cause)


def _hole(reader: JournalReader, station: str, before: BarRow, after: BarRow) -> tuple[What, EventRow | None]:
    """Why there is no bar between two that follow each other on the clock."""
    if before.run == 0:  # format 1 did not tell one run from the next
        return What.UNKNOWN, None
    if after.run != before.run:
        return What.OFF, None
    if after.frame != before.frame + before.frames:  # sound went out, and nobody could write down what
        return What.UNKNOWN, None
    skips = [e for e in reader.events(station, before.wall_ms, after.wall_ms + JOIN_MS) if e.kind == "skip"]
    return (What.HELD_UP, skips[-1]) if skips else (What.CLOCK_SET, None)
