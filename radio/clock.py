"""Time as the radio sees it: a monotonic clock to pace by and a wall clock to write down. Knows nothing about music."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the radio may ask about time; tests turn the hands themselves."""

    def now_s(self) -> float:
        """Seconds on a clock that never jumps; only differences mean anything."""

    def wall(self) -> datetime:
        """Time of day, UTC."""

    async def sleep_until(self, deadline_s: float) -> None:
        """Wait until `now_s()` has reached the deadline; lets others run even when it already has."""


class SystemClock:
    """The machine's own clocks."""

    def now_s(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def wall(self) -> datetime:
        """Time of day, UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, deadline_s: float) -> None:
        """Wait until the monotonic clock has reached the deadline."""
        await asyncio.sleep(max(0.0, deadline_s - time.monotonic()))
