"""A clock whose hands the test turns."""

import asyncio
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)


class ManualClock:
    """Stands still until it is advanced; with `runs` it jumps to whatever time somebody waits for."""

    def __init__(self, *, runs=False):
        self.time_s = 1000.0
        self.runs = runs
        self._sleepers = []

    def now_s(self):
        return self.time_s

    def wall(self):
        return EPOCH + timedelta(seconds=self.time_s - 1000.0)

    async def sleep_until(self, deadline_s):
        if self.runs:
            self.time_s = max(self.time_s, deadline_s)
            await asyncio.sleep(0)
        elif deadline_s <= self.time_s:
            await asyncio.sleep(0)
        else:
            woken = asyncio.get_running_loop().create_future()
            self._sleepers.append((deadline_s, woken))
            await woken

    @property
    def next_deadline_s(self):
        return min((deadline for deadline, woken in self._sleepers if not woken.done()), default=None)

    def advance(self, seconds):
        self.time_s += seconds
        for deadline_s, woken in self._sleepers:
            if deadline_s <= self.time_s and not woken.done():
                woken.set_result(None)
        self._sleepers = [(deadline, woken) for deadline, woken in self._sleepers if not woken.done()]


async def settle(condition, timeout_s=60.0):
    """Let everything run until the condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - tests wait for any state, not for one event
            await asyncio.sleep(0.001)
