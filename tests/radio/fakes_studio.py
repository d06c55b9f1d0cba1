"""A real producer with its lead, around a fake engine."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
from fakes_clock import ManualClock, settle
from fakes_station import BAR_FRAMES, FakeSetup, build_fake

from radio.engine_room import EngineRoom
from radio.lead import Lead
from radio.metrics import Metrics
from radio.producer import Producer


class Studio:
    def __init__(
        self,
        setup=None,
        *,
        saved=None,
        lead_bars=4,
        call_timeout_s=30.0,
        own_process=False,
        moods=(),
        spare=False,
        clock=None,
    ):
        self.clock, self.metrics, self.lead = clock or ManualClock(runs=True), Metrics(), Lead(lead_bars * BAR_FRAMES)
        room = EngineRoom(build_fake, setup or FakeSetup(), moods, own_process, call_timeout_s, self.clock, spare=spare)
        self.producer = Producer("lofi", room, self.lead, self.metrics, saved)
        self.bars = []

    def count(self, name):
        return self.metrics.registry.get_sample_value(f"lofi_{name}", {"station": "lofi"}) or 0

    async def pull(self, bars):
        """Take bars one by one, as soon as they are there: (samples, their BarStarts)."""
        pieces, starts = [], []
        for _ in range(bars):
            await settle(lambda: self.lead.frames >= BAR_FRAMES)
            pulled = self.lead.pull(BAR_FRAMES)
            pieces.append(pulled.samples)
            starts += [start for _, start in pulled.bars]
        self.bars += [start.bar for start in starts]
        return np.concatenate(pieces), starts

    async def full(self):
        await settle(lambda: self.lead.full)


@asynccontextmanager
async def producing(setup=None, **options):
    studio = Studio(setup, **options)
    async with asyncio.timeout(100), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(studio.producer.run())
        yield studio
        running.cancel()
