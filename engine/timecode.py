"""How a vocabulary tells time inside a bar: by absolute positions (ours) or by waits (MIDICompact).

Knows nothing about pitches, chords or models.
"""

from __future__ import annotations

from typing import Protocol

from engine import tokens
from engine.sampling import BoolArray
from engine.types import TICKS_PER_BAR


class TimeCode(Protocol):
    """Reads and writes time; `cursor` is the tick where the bar stands, -1 before anything was said."""

    has_headers: bool
    """Whether bars begin with a header of bar line, chords and density."""

    def allow(self, allowed: BoolArray, cursor: int, ticks: BoolArray, may_end: bool) -> None:
        """Mark the tokens that lead to allowed ticks, and the one that ends the bar."""
        ...

    def tick_after(self, token: int, cursor: int) -> int | None:
        """Return where a token moves the cursor: 192 or more is the bar's end, None if it tells no time."""
        ...

    def move(self, cursor: int, tick: int) -> list[int]:
        """Return the tokens that bring the cursor to a tick; 192 is the bar's end."""
        ...


class PositionCode:
    """Absolute positions; the bar ends where the next bar's token would come."""

    has_headers = True

    def allow(self, allowed: BoolArray, cursor: int, ticks: BoolArray, may_end: bool) -> None:
        """Mark positions after the cursor, so that time never goes back."""
        first = cursor + 1
        allowed[tokens.POSITION_BASE + first : tokens.POSITION_BASE + TICKS_PER_BAR] = ticks[first:]
        allowed[tokens.BAR] = may_end

    def tick_after(self, token: int, cursor: int) -> int | None:
        """Return where a token moves the cursor."""
        if token == tokens.BAR:
            return TICKS_PER_BAR
        return tokens.position_tick(token) if tokens.is_position(token) else None

    def move(self, cursor: int, tick: int) -> list[int]:
        """Return the tokens that bring the cursor to a tick."""
        return [tokens.position(tick)] if tick < TICKS_PER_BAR else []


class WaitCode:
    """Relative waits without bar lines: a wait that crosses the line ends the bar and its rest opens the next."""

    has_headers = False

    def allow(self, allowed: BoolArray, cursor: int, ticks: BoolArray, may_end: bool) -> None:
        """Mark waits to allowed ticks; the longest wait is always one, to get over long rests."""
        start = max(cursor, 0)
        inside = ticks[start + 1 : start + 1 + tokens.WAITS]
        allowed[tokens.wait(1) : tokens.wait(1) + len(inside)] = inside
        allowed[tokens.wait(1) + len(inside) : tokens.NOTE_BASE] = may_end
        if len(inside) == tokens.WAITS:
            allowed[tokens.wait(tokens.WAITS)] = True

    def tick_after(self, token: int, cursor: int) -> int | None:
        """Return where a token moves the cursor."""
        return max(cursor, 0) + token - 2 if tokens.is_wait(token) else None

    def move(self, cursor: int, tick: int) -> list[int]:
        """Return the tokens that bring the cursor to a tick."""
        return tokens.waits(max(0, tick - max(cursor, 0)))


def time_code(vocabulary_size: int) -> TimeCode:
    """Return how a vocabulary of that size tells time."""
    return WaitCode() if vocabulary_size == tokens.MIDICOMPACT_SIZE else PositionCode()
