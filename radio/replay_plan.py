"""What sounded in a span of time: bars and gaps by frames, from the journal. Knows nothing about making sound.

Within a run of the broadcast frames tell where a bar lies, whatever the wall clock did; from one run to the next it is
the wall clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine import SAMPLE_RATE_HZ
from radio.airtime import What, aired_at
from radio.errors import ReplayError
from radio.journal_reader import JournalReader
from radio.journal_rows import BarRow, EventRow
from radio.moments import iso

_FRAMES_A_MS = SAMPLE_RATE_HZ // 1000
_REPEAT_FRAMES = 240 * SAMPLE_RATE_HZ
"""A repeated bar was heard for the first time at most so long ago (`encore.ENCORE_S`)."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is wanted."""

    station: str
    from_ms: int
    frames: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A bar in the span."""

    at: int
    """Frame of the span at which it begins; below 0 for a bar that sounds already."""
    frames: int
    """How much of it went out."""
    row: BarRow
    source: BarRow
    """The bar that it repeats; itself where it is new."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of the span without a bar."""

    at: int
    frames: int
    what: What


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole span, in order and without holes."""

    span: Span
    slots: tuple[Slot, ...]
    gaps: tuple[Gap, ...]
    fades: tuple[EventRow, ...]
    """Ends of runs, where the sound was turned down."""

    @property
    def frame(self) -> int:
        """Where the span begins in the broadcast's own count."""
        return self.slots[0].row.frame - self.slots[0].at


def make_plan(reader: JournalReader, span: Span) -> Plan:
    """Find what sounded; raises ReplayError when the journal knows nothing of the span."""
    slots = list(_slots(reader, span))
    if not slots:
        seconds = span.frames / SAMPLE_RATE_HZ
        raise ReplayError(
            f"The journal has no bar of {span.station} in the {seconds:g} s from {iso(span.from_ms)}. "
            "`lofi-radio provenance --at` says what it knows."
        )
    runs = {slot.row.run for slot in slots}
    ends_ms = slots[-1].row.wall_ms + 60_000
    events = [one for one in reader.events(span.station, slots[0].row.wall_ms - 60_000, ends_ms) if one.run in runs]
    gaps = tuple(_gaps(span, slots, events))
    return Plan(span, tuple(slots), gaps, tuple(one for one in events if one.kind == "fade"))


def piece_span(reader: JournalReader, station: str, piece: tuple[int, int]) -> Span:
    """The span of a whole piece, from its first bar to the end of its last; raises ReplayError."""
    rows = [row for row in reader.piece(station, *piece) if not row.repeated]
    if not rows:
        raise ReplayError(f"The journal has no piece {piece[0]} of {station} with this seed.")
    run = rows[-1].run
    mine = [row for row in rows if row.run == run]
    frames = mine[-1].frame + mine[-1].frames - mine[0].frame
    if len(mine) < len(rows):  # a restart inside it: what was heard from its first bar on, by the wall clock
        frames += (mine[0].wall_ms - rows[0].wall_ms) * _FRAMES_A_MS
    return Span(station, rows[0].wall_ms, frames)


def _slots(reader: JournalReader, span: Span) -> Iterator[Slot]:
    """Bars that sound in the span, run after run."""
    row, at = _first(reader, span)
    while row is not None and at < span.frames:
        origin = row.frame - at
        rows = reader.run_bars(span.station, row.run, row.frame, origin + span.frames)
        after = _next_run(reader, rows[-1])
        ends = origin + span.frames if after is None else rows[-1].frame + _frames_between(rows[-1], after)
        for one, following in zip(rows, [*rows[1:], None], strict=True):
            limit = ends if following is None else following.frame
            yield Slot(one.frame - origin, min(one.frames, limit - one.frame), one, _source(reader, one))
        row, at = after, ends - origin


def _first(reader: JournalReader, span: Span) -> tuple[BarRow | None, int]:
    """The bar that sounds at the beginning, or the first one after it, and where it begins."""
    aired = aired_at(reader, span.station, span.from_ms)[0]
    if aired.bar is not None:
        return aired.bar, -aired.into_ms * _FRAMES_A_MS
    row = reader.bar_after(span.station, span.from_ms)
    return row, 0 if row is None else (row.wall_ms - span.from_ms) * _FRAMES_A_MS


def _next_run(reader: JournalReader, last: BarRow) -> BarRow | None:
    """The first bar of the run after a run's last bar; None while the run goes on behind the span."""
    after = reader.bar_after(last.station, last.wall_ms + 1)
    return after if after is not None and after.run != last.run else None


def _frames_between(before: BarRow, after: BarRow) -> int:
    return (after.wall_ms - before.wall_ms) * _FRAMES_A_MS


def _source(reader: JournalReader, row: BarRow) -> BarRow:
    """The bar that a row repeats."""
    if not row.repeated:
        return row
    earlier = reader.run_bars(row.station, row.run, row.frame - _REPEAT_FRAMES, row.frame)
    same = [one for one in earlier if not one.repeated and (one.bar, one.piece) == (row.bar, row.piece)]
    return same[-1] if same else row


def _gaps(span: Span, slots: list[Slot], events: list[EventRow]) -> Iterator[Gap]:
    """What lies between the bars."""
    at, before = 0, None
    for slot in slots:
        if slot.at > at:
            yield Gap(at, slot.at - at, _why(before, slot, events, span.frames))
        at, before = max(at, slot.at + slot.frames), slot
    if at < span.frames:
        yield Gap(at, span.frames - at, _why(before, None, events, span.frames))


def _why(before: Slot | None, after: Slot | None, events: list[EventRow], frames: int) -> What:
    if before is None:
        return _why_before(after, events)
    run, ends = before.row.run, before.row.frame + before.row.frames
    if after is not None and after.row.run != run:
        return What.OFF
    until = before.row.frame - before.at + frames if after is None else after.row.frame
    mine = [one for one in events if one.run == run and before.row.frame <= one.frame < until]
    if any(one.kind in ("fade", "off air") for one in mine):  # a run ends inside its last bar
        return What.OFF
    return What.BED if any(one.kind == "bed" and one.frame >= ends for one in mine) else What.UNKNOWN


def _why_before(after: Slot | None, events: list[EventRow]) -> What:
    """What there was in front of the first bar: noise that had begun before, or nothing."""
    earlier = [one for one in events if after is not None and one.run == after.row.run]
    earlier = [one for one in earlier if after is not None and one.frame <= after.row.frame]
    return What.BED if earlier and earlier[-1].kind == "bed" else What.OFF
