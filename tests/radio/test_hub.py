"""The hub: nobody waits for anybody."""

import asyncio
import time

import pytest

from engine import SAMPLE_RATE_HZ
from radio.encoders import EncodedChunk
from radio.hub import Hub

FRAMES = 1152
BYTES = 384


def chunk(number):
    return EncodedChunk(number * FRAMES, FRAMES, number.to_bytes(4, "big") * (BYTES // 4))


def numbers(sounds):
    return [sound.chunk.start_frame // FRAMES for sound in sounds]


CHUNKS_OF_BACKLOG = 10 * SAMPLE_RATE_HZ // FRAMES


async def test_listener_that_lags_is_dropped_and_others_get_every_chunk():
    hub = Hub(burst_bytes=0)
    stuck, quick = hub.listen(), hub.listen()
    heard = []
    for number in range(CHUNKS_OF_BACKLOG + 1):
        hub.publish(chunk(number))
        heard += numbers(await quick.read())
    assert heard == list(range(CHUNKS_OF_BACKLOG + 1))
    assert stuck.lagged
    assert not quick.lagged
    assert hub.listeners == 1
    assert await stuck.read() == ()


async def test_listener_that_reads_in_time_starts_over_with_its_backlog():
    hub = Hub(burst_bytes=0)
    slow = hub.listen()
    for number in range(3 * CHUNKS_OF_BACKLOG):
        hub.publish(chunk(number))
        if number % (CHUNKS_OF_BACKLOG - 1) == 0:
            await slow.read()
    assert not slow.lagged


def test_publishing_takes_as_long_with_a_thousand_stuck_listeners_dropped_as_without():
    def seconds(hub):
        began = time.perf_counter()
        for number in range(200):
            hub.publish(chunk(CHUNKS_OF_BACKLOG + number))
        return time.perf_counter() - began

    crowded, empty = Hub(burst_bytes=0), Hub(burst_bytes=0)
    for _ in range(1000):
        crowded.listen()
    for number in range(CHUNKS_OF_BACKLOG + 1):
        crowded.publish(chunk(number))
    assert crowded.listeners == 0
    assert seconds(crowded) < 20 * seconds(empty) + 0.05


async def test_output_that_skips_loses_the_oldest_and_stays():
    hub = Hub(burst_bytes=0, backlog_s=1.0)
    output = hub.listen(skips=True)
    for number in range(100):
        hub.publish(chunk(number))
    heard = numbers(await output.read())
    assert heard == list(range(100 - len(heard), 100))
    assert len(heard) == SAMPLE_RATE_HZ // FRAMES
    assert output.skipped_chunks == 100 - len(heard)
    assert hub.listeners == 0, "an output is no listener"
    hub.publish(chunk(100))
    assert numbers(await output.read()) == [100]


@pytest.mark.parametrize(
    ("asked_bytes", "chunks"), [(None, 10), (8 * BYTES + 5, 8), (BYTES - 1, 0), (10**9, 10)], ids=str
)
async def test_who_joins_late_starts_with_whole_chunks_of_the_near_past(asked_bytes, chunks):
    hub = Hub(burst_bytes=10 * BYTES + 100)
    for number in range(50):
        hub.publish(chunk(number))
    listener = hub.listen(asked_bytes)
    hub.publish(chunk(50))
    assert numbers(await listener.read()) == list(range(50 - chunks, 51))


async def test_titles_travel_with_the_sound_they_belong_to():
    hub = Hub(burst_bytes=10**6)
    hub.publish(chunk(0), "first")
    hub.publish(chunk(1), "second")
    assert [sound.title for sound in await hub.listen().read()] == ["first", "second"]


async def test_closing_lets_listeners_take_what_is_pending_and_then_ends():
    hub = Hub(burst_bytes=0)
    listener = hub.listen()
    hub.publish(chunk(7))
    hub.close()
    assert numbers(await listener.read()) == [7]
    async with asyncio.timeout(30):
        assert await listener.read() == ()
        assert await hub.listen(0).read() == ()


async def test_a_waiting_reader_is_woken_by_the_end():
    hub = Hub(burst_bytes=0)
    listener = hub.listen()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(listener.read())
        await asyncio.sleep(0)
        hub.close()
    assert reading.result() == ()


def test_leaving_twice_is_fine():
    hub = Hub(burst_bytes=0)
    listener = hub.listen()
    hub.leave(listener)
    hub.leave(listener)
    assert hub.listeners == 0
