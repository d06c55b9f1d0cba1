"""Health comes from the sound that left."""

import asyncio

import numpy as np
from fakes_clock import ManualClock
from fakes_station import sine

from radio.bed import Bed
from radio.health import Health, watch_lag
from radio.metrics import Metrics


def test_no_sound_yet_is_not_well():
    assert Health(ManualClock()).healthy() == (False, "no sound yet: the engine is starting")


def test_sound_that_advances_is_well_and_then_is_missed():
    clock = ManualClock()
    health = Health(clock)
    health.hear(sine(0, 2048, 440))
    clock.advance(1.9)
    assert health.healthy()[0]
    clock.advance(0.2)
    assert health.healthy() == (False, "no sound has gone out for 2.1 s")


def test_silence_is_not_well_and_music_ends_it():
    health = Health(ManualClock())
    for _ in range(50):
        health.hear(np.full((2048, 2), 0.002, np.float32))  # -54 dBFS
    assert health.healthy() == (False, "silence for 2.1 s")
    health.hear(sine(0, 2048, 440))
    assert health.silence_s == 0
    assert health.healthy()[0]


def test_the_bed_counts_as_sound():
    health, bed = Health(ManualClock()), Bed()
    for _ in range(100):
        health.hear(bed.take(2048))
    assert health.healthy()[0]


def test_a_minute_softer_than_music_is_not_well_and_music_ends_it():
    health = Health(ManualClock())
    health.hear(np.full((2048, 2), 0.1, np.float32))
    for _ in range(59):
        health.weigh(-41.0, 1.0)
    assert health.healthy()[0]
    health.weigh(-41.0, 2.0)
    assert health.healthy() == (False, "softer than music for 61 s: the engine gives none")
    health.weigh(-17.0, 1.0)
    assert health.healthy()[0]


def test_the_bed_has_no_seam():
    bed = Bed()
    twice = np.concatenate([bed.take(12_000) for _ in range(2 * 48)])
    jumps = np.abs(np.diff(twice, axis=0))
    assert jumps[12 * 48_000 - 10 : 12 * 48_000 + 10].max() <= jumps[: 11 * 48_000].max()


async def test_lag_is_observed():
    clock, metrics = ManualClock(runs=True), Metrics()
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch_lag(clock, metrics))
        for _ in range(5):
            await asyncio.sleep(0)
        watching.cancel()
    assert metrics.registry.get_sample_value("lofi_event_loop_lag_seconds_count") > 0
