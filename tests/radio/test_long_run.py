"""A day on a virtual clock, clocks that jump, and counters that stand just under where smaller integers wrap."""

import asyncio
import itertools
import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from fakes_clock import EPOCH, ManualClock, settle
from fakes_station import BAR_FRAMES, FakeSetup, FakeStation, expected
from test_broadcast import OnAir

from engine import SAMPLE_RATE_HZ, AudioBlock
from radio import broadcast, state
from radio.broadcast import Broadcast, Desk
from radio.channel import Channel
from radio.encoders import AacEncoder, Mp3Encoder
from radio.encoders_opus import OpusEncoder
from radio.health import Health
from radio.hub import Hub
from radio.journal import Journal
from radio.journal_bars import Airing, bar_row
from radio.lead import Lead, LeadBar, Resume
from radio.metrics import Metrics
from radio.nowplaying import NowPlaying
from radio.numbering import renumbered
from radio.state import Saved

DAY_S = 86_400
LONG_BLOCK_FRAMES = 200 * 2048
"""8.5 s: a day of the control flow is the same in longer steps, and fits into a few seconds."""
LONG_BAR_FRAMES = 5 * LONG_BLOCK_FRAMES + 12_345


class Tired(ManualClock):
    """Everybody is woken late, by a seeded chance: mostly some milliseconds, now and then seconds."""

    def __init__(self, end_s):
        super().__init__(runs=True)
        self._rng, self._end_s = random.Random(24), end_s
        self.over = asyncio.Event()
        self.wall_offset = timedelta()

    async def sleep_until(self, deadline_s):
        self.deadline_s = deadline_s
        await super().sleep_until(deadline_s)
        self.time_s += self._rng.choice((0.0, 0.001, 0.030)) + (self._rng.random() < 0.001) * 7.0
        if self.time_s >= self._end_s:
            self.over.set()
            await asyncio.Event().wait()

    def wall(self):
        return super().wall() + self.wall_offset


class NoMeter:
    short_term_lufs = -16.0

    def add(self, samples):
        """Meter nothing: the filters would take a minute for a day of silence."""


class EndlessLead(Lead):
    """A lead that is always full, of one bar again and again."""

    def __init__(self):
        super().__init__(10**9)
        self._block = FakeStation(FakeSetup(bar_frames=LONG_BAR_FRAMES)).render_bar().block
        self._number = itertools.count()

    def pull(self, frames):
        while self.frames < frames + LONG_BLOCK_FRAMES:
            self.add(LeadBar(renumbered(self._block, 0, next(self._number), 0), b""))
        return super().pull(frames)


def endless(monkeypatch, seconds):
    monkeypatch.setattr(broadcast, "BLOCK_FRAMES", LONG_BLOCK_FRAMES)
    monkeypatch.setattr(broadcast, "Meter", NoMeter)
    clock, metrics, now, lead = Tired(1000.0 + seconds), Metrics(), NowPlaying(), EndlessLead()
    lead.pull(0)
    heard = Channel("lofi fake", Mp3Encoder, Hub(0))  # nobody listens: the encoder never runs
    return Broadcast(Desk("lofi", lead, (heard,), now, Health(clock), metrics, clock)), clock, metrics, now


async def test_a_day_has_as_many_frames_as_its_seconds_say(monkeypatch):
    on_air, clock, metrics, now = endless(monkeypatch, DAY_S)
    starts = []
    now.watch(lambda start, wall: starts.append(start.frame))
    try:
        async with asyncio.timeout(100), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(on_air.run())
            await clock.over.wait()
            running.cancel()
    finally:
        on_air.close()
    assert on_air.frame > (DAY_S - 10) * SAMPLE_RATE_HZ
    assert abs((clock.deadline_s - 1000.0) * SAMPLE_RATE_HZ - on_air.frame) < 1, "the next block is due when it was"
    assert on_air.frame % LONG_BLOCK_FRAMES == 0
    count = metrics.registry.get_sample_value
    assert count("lofi_frames_broadcast_total", {"station": "lofi"}) == on_air.frame
    assert not count("lofi_clock_skips_total", {"station": "lofi"})
    assert starts == list(range(0, on_air.frame, LONG_BAR_FRAMES)), "every bar began at its frame"


@pytest.mark.parametrize("step_s", [3600, -3600, 2, -2, 30 * 365 * DAY_S])
async def test_a_step_of_the_wall_clock_moves_no_frame(step_s, monkeypatch):
    on_air, clock, _, now = endless(monkeypatch, 6_000)
    walls = []
    now.watch(lambda start, wall: walls.append((start.frame, wall)))

    def turn(start, wall):
        if start.bar.index == 50:
            clock.wall_offset = timedelta(seconds=step_s)

    now.watch(turn)
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(on_air.run())
            await clock.over.wait()
            running.cancel()
    finally:
        on_air.close()
    frames = [frame for frame, _ in walls]
    assert np.diff(frames).tolist() == [LONG_BAR_FRAMES] * (len(frames) - 1)
    assert walls[49][1] < EPOCH + timedelta(seconds=6_000)
    shifted = walls[-1][1] - EPOCH - timedelta(seconds=frames[-1] / SAMPLE_RATE_HZ)
    assert abs(shifted.total_seconds() - step_s) < 8, "what is written down follows the clock on the wall"


WRAPS = {
    "2^31 frames": 2**31, "2^32 frames": 2**32, "2^33 ticks of 90 kHz, 26.5 h": 2**33 * 8 // 15,
    "2^53 frames": 2**53,
}  # fmt: skip


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
async def test_sound_passes_where_smaller_counters_wrap(wrap):
    start = wrap - 2 * BAR_FRAMES - 777
    air = OnAir(bars=8, start_frame=start)
    air.clock.runs = True
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(air.broadcast.run())
        await settle(lambda: air.broadcast.frame >= start + 5 * BAR_FRAMES)
        running.cancel()
    air.broadcast.close()
    sound = await air.sound()
    np.testing.assert_array_equal(sound[: 4 * BAR_FRAMES], expected(4))
    assert [begun.frame for begun, _ in air.begun[:5]] == [start + bar * BAR_FRAMES for bar in range(5)]


@pytest.mark.parametrize("wrap", list(WRAPS.values())[:3], ids=list(WRAPS)[:3])
@pytest.mark.parametrize("encoder", [Mp3Encoder, AacEncoder, OpusEncoder])
def test_encoders_count_past_where_smaller_counters_wrap(encoder, wrap):
    station, made = FakeStation(FakeSetup()), encoder(128)
    start = wrap - 3 * BAR_FRAMES - 77
    chunks = []
    for _ in range(8):
        block = station.render_bar().block
        chunks.append(made.encode(AudioBlock(start + block.start_frame, block.samples)))
    chunks = [chunk for chunk in chunks if chunk is not None]
    assert chunks[0].start_frame <= start < wrap < chunks[-1].start_frame
    for one, following in itertools.pairwise(chunks):
        assert one.start_frame + one.frames == following.start_frame


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_what_is_written_down_holds_large_counts(wrap, tmp_path):
    saved = Saved(Resume(b"state", 0), wrap + 5, wrap + 1, wrap, (wrap, wrap - 1), 7, ())
    state.save(tmp_path / "lofi.state", saved)
    assert state.load(tmp_path / "lofi.state") == saved
    start = renumbered(FakeStation(FakeSetup()).render_bar().block, wrap - 1, wrap, wrap).bars[0]
    journal = Journal(tmp_path / "journal.sqlite3", Metrics())
    journal.start()
    journal.append(bar_row(replace(start, frame=wrap + 9), Airing("lofi", EPOCH, seed=2**63 - 1, assets="x")))
    journal.close()
    (row,) = journal.recent(1)
    assert (row.frame, row.bar, row.piece) == (wrap + 9, wrap, wrap)
