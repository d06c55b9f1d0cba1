"""Tells whether the wall clock may be believed before something is deleted for its age. Knows nothing about files."""

from __future__ import annotations

DOUBT_S = 86_400.0
"""After a jump the clock must agree with the monotonic one for a day: a wrong year is noticed by then."""
SETTLE_S = 900.0
"""A machine without a battery clock is set right by a time server soon after its start."""
STEP_S = 60.0
"""Less is what time servers correct."""


class Calendar:
    """Compares the wall clock with the monotonic one; `wall_s` is Unix time."""

    def __init__(self, wall_s: float, now_s: float, settle_s: float = SETTLE_S) -> None:
        self._ahead_s = wall_s - now_s
        self._doubted_until_s = now_s + settle_s

    def believes(self, wall_s: float, now_s: float) -> bool:
        """Whether the wall clock has gone on as it should, and for long enough if it ever jumped."""
        if abs(wall_s - now_s - self._ahead_s) > STEP_S:
            self._doubted_until_s = max(self._doubted_until_s, now_s + DOUBT_S)
        self._ahead_s = wall_s - now_s
        return now_s >= self._doubted_until_s
