"""The clock, its hands turned by the test."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import numpy as np
import pytest
from fakes_clock import EPOCH, ManualClock, settle
from fakes_encoder import FakeEncoder, decoded
from fakes_station import BAR_FRAMES, FakeSetup, FakeStation, expected

from engine import SAMPLE_RATE_HZ, AudioBlock
from radio.bed import BED_DBFS
from radio.broadcast import BLOCK_FRAMES, Broadcast, Desk
from radio.channel import Channel
from radio.health import Health
from radio.hub import Hub
from radio.lead import Lead, LeadBar
from radio.metrics import Metrics
from radio.nowplaying import NowPlaying


class OnAir:
    """A broadcast with a clock that stands still, and everything that left it."""

    def __init__(self, bars, start_frame=0, burst_bytes=10**9):
        self.clock, self.metrics, self.now, self.lead = ManualClock(), Metrics(), NowPlaying(), Lead(10**9)
        self.engine = FakeStation(FakeSetup())
        self.hub = Hub(burst_bytes)
        channel = Channel("lofi fake", FakeEncoder, self.hub, always=True)
        self.desk = Desk("lofi", self.lead, (channel,), self.now, Health(self.clock), self.metrics, self.clock)
        self.broadcast = Broadcast(self.desk, start_frame)
        self.begun = []
        self.now.watch(lambda start, wall: self.begun.append((start, wall)))
        self.add(bars)

    def add(self, bars):
        for _ in range(bars):
            rendered = self.engine.render_bar()
            self.lead.add(LeadBar(rendered.block, rendered.snapshot))

    def count(self, name):
        return self.metrics.registry.get_sample_value(f"lofi_{name}", {"station": "lofi"}) or 0

    async def until(self, frames):
        """Turn the clock block by block until so many frames have gone out."""
        while self.broadcast.frame < frames:
            await self.idle()
            self.clock.advance(max(0.0, self.clock.next_deadline_s - self.clock.now_s()))
        await self.idle()

    async def idle(self):
        await settle(lambda: self.clock.next_deadline_s is not None)

    async def sound(self):
        return decoded([sound.chunk for sound in await self.hub.listen().read()])


@asynccontextmanager
async def on_air(bars, start_frame=0):
    air = OnAir(bars, start_frame)
    try:
        async with asyncio.timeout(100), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(air.broadcast.run())
            await air.idle()
            yield air
            running.cancel()
    finally:
        air.broadcast.close()


async def test_sound_goes_out_when_it_is_due_and_not_before():
    async with on_air(bars=10) as air:
        assert air.broadcast.frame == BLOCK_FRAMES, "the first block is due at once"
        air.clock.advance(BLOCK_FRAMES / SAMPLE_RATE_HZ - 0.001)
        await asyncio.sleep(0.02)
        assert air.broadcast.frame == BLOCK_FRAMES
        air.clock.advance(0.002)
        await settle(lambda: air.broadcast.frame == 2 * BLOCK_FRAMES)


async def test_what_leaves_is_what_the_engine_rendered():
    async with on_air(bars=12) as air:
        await air.until(10 * BAR_FRAMES)
        sound = await air.sound()
        np.testing.assert_array_equal(sound[: 9 * BAR_FRAMES], expected(9))
        assert air.count("underrun_frames_total") == 0


async def test_half_a_minute_has_as_many_frames_as_the_clock_says():
    air = OnAir(bars=0, burst_bytes=0)
    air.clock.runs = True
    minute = AudioBlock(0, np.zeros((60 * SAMPLE_RATE_HZ, 2), np.float32))
    air.lead.add(LeadBar(minute, b""))
    try:
        async with asyncio.timeout(100), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(air.broadcast.run())
            await settle(lambda: air.clock.now_s() >= 1000.0 + 30)
            running.cancel()
    finally:
        air.broadcast.close()
    ahead_frames = air.broadcast.frame - (air.clock.now_s() - 1000.0) * SAMPLE_RATE_HZ
    assert -1 < ahead_frames <= 2 * BLOCK_FRAMES


async def test_bars_begin_at_their_first_frame_with_its_wall_clock():
    async with on_air(bars=4, start_frame=1_000_000) as air:
        await air.until(1_000_000 + 3 * BAR_FRAMES)
        starts = [start.frame for start, _ in air.begun]
        assert starts[:3] == [1_000_000, 1_000_000 + BAR_FRAMES, 1_000_000 + 2 * BAR_FRAMES]
        for start, wall in air.begun:
            due = EPOCH + timedelta(seconds=(start.frame - 1_000_000) / SAMPLE_RATE_HZ)
            assert abs((wall - due).total_seconds()) < 0.0001
        assert air.count("bars_broadcast_total") == len(air.begun)


async def test_titles_go_out_with_their_first_frame():
    async with on_air(bars=12) as air:
        await air.until(10 * BAR_FRAMES)
        change_frame = 8 * BAR_FRAMES  # piece 1 begins with bar 8
        for sound in await air.hub.listen().read():
            end_frame = sound.chunk.start_frame + sound.chunk.frames
            if end_frame <= change_frame - BLOCK_FRAMES:
                assert sound.title.startswith("piece 0")
            if sound.chunk.start_frame >= change_frame:
                assert sound.title.startswith("piece 1")


async def test_a_short_hold_up_is_caught_up_without_losing_a_frame():
    async with on_air(bars=60) as air:
        await air.until(BAR_FRAMES)
        air.clock.advance(8.0)
        await settle(lambda: air.broadcast.frame >= BAR_FRAMES + 8 * SAMPLE_RATE_HZ)
        await air.idle()
        sound = await air.sound()
        np.testing.assert_array_equal(sound[: 40 * BAR_FRAMES], expected(40))
        assert air.count("clock_skips_total") == 0


async def test_a_long_hold_up_is_skipped_and_counted():
    async with on_air(bars=60) as air:
        await air.until(BAR_FRAMES)
        before = air.broadcast.frame
        air.clock.advance(100.0)
        await settle(lambda: air.broadcast.frame > before)
        await air.idle()
        assert air.broadcast.frame - before <= 2 * BLOCK_FRAMES
        assert air.count("clock_skips_total") == 1


async def test_when_no_music_is_ready_the_bed_plays_and_nothing_clicks():
    async with on_air(bars=2) as air:
        await air.until(6 * BAR_FRAMES)
        air.add(2)
        await air.until(10 * BAR_FRAMES)
        sound = await air.sound()
        gap = sound[3 * BAR_FRAMES : 5 * BAR_FRAMES]
        assert 20 * np.log10(np.sqrt(np.mean(gap**2))) == pytest.approx(BED_DBFS, abs=1.5)
        steepest = np.abs(np.diff(expected(4), axis=0)).max()
        quiet_ends = np.abs(np.diff(sound[2 * BAR_FRAMES - 2000 : 7 * BAR_FRAMES], axis=0)).max()
        assert quiet_ends < 1.5 * steepest
        assert air.count("underrun_frames_total") >= 4 * BAR_FRAMES
        assert air.desk.health.healthy()[0], "noise is better than silence"
        assert len(air.begun) == 4


async def test_it_waits_for_the_first_bar_instead_of_beginning_with_noise():
    air = OnAir(bars=0)
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(air.broadcast.run())
            await asyncio.sleep(0.02)
            assert air.broadcast.frame == 0
            air.add(2)
            await settle(lambda: air.broadcast.frame == BLOCK_FRAMES)
            running.cancel()
    finally:
        air.broadcast.close()
    assert air.count("underrun_frames_total") == 0


async def test_fading_out_ends_in_silence_and_flushes_the_encoder():
    air = OnAir(bars=60)
    air.clock.runs = True
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            tasks.create_task(air.broadcast.run())
            await settle(lambda: air.broadcast.frame >= BAR_FRAMES)
            air.broadcast.fade_out(0.5)
            faded_from = air.broadcast.frame
    finally:
        air.broadcast.close()
    sound = await air.sound()
    assert air.broadcast.frame <= len(sound) < air.broadcast.frame + 1152
    assert air.broadcast.frame - faded_from <= SAMPLE_RATE_HZ // 2 + 3 * BLOCK_FRAMES
    level = [np.abs(sound[at : at + 2400]).max() for at in range(faded_from, len(sound) - 2400, 2400)]
    assert level == sorted(level, reverse=True)
    assert np.abs(sound[-100:]).max() < 0.001


async def test_fading_before_the_first_bar_ends_at_once():
    air = OnAir(bars=0)
    try:
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(air.broadcast.run())
            await asyncio.sleep(0)
            air.clock.runs = True
            air.broadcast.fade_out(0.1)
        assert running.done()
    finally:
        air.broadcast.close()


async def test_numbers_tell_what_left():
    async with on_air(bars=30) as air:
        await air.until(25 * BAR_FRAMES)
        assert air.count("frames_broadcast_total") == air.broadcast.frame
        assert air.count("silence_seconds") == 0
        assert air.count("lead_seconds") == pytest.approx((30 * BAR_FRAMES - air.broadcast.frame) / SAMPLE_RATE_HZ)
        assert -20 < air.count("output_loudness_lufs") < -8
        assert air.count("last_audio_timestamp_seconds") == pytest.approx(air.clock.wall().timestamp(), abs=0.1)


async def test_what_is_due_goes_out_in_one_turn():
    async with on_air(bars=60) as air:
        await air.until(BAR_FRAMES)
        listener = air.hub.listen(0)
        air.clock.advance(1.0)
        await settle(lambda: air.broadcast.frame >= BAR_FRAMES + SAMPLE_RATE_HZ)
        await air.idle()
        assert max(sound.chunk.frames for sound in await listener.read()) > 0.9 * SAMPLE_RATE_HZ
