"""What one station is made of, as its configuration says."""

import asyncio

import pytest
from fakes_station import build_fake

from radio.config import Aac, Config, Encoders, Hls, Opus, State
from radio.journal import Journal
from radio.metrics import Metrics
from radio.runtime import House, StationRuntime


@pytest.fixture
def station(tmp_path):
    made = []

    def make(**parts):
        metrics = Metrics()
        house = House(metrics, Journal(tmp_path / "journal.sqlite3", metrics), builder=build_fake, own_process=False)
        made.append(StationRuntime("lofi", Config(state=State(folder=tmp_path), **parts), house))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_every_format_has_a_mount_with_its_bit_rate(station):
    mounts = station(encoders=Encoders(aac=Aac(bitrate_kbps=192), opus=Opus(bitrate_kbps=64))).mounts
    assert [(mount.ending, mount.content_type, mount.bitrate_kbps) for mount in mounts] == [
        ("mp3", "audio/mpeg", 128),
        ("aac", "audio/aac", 192),
        ("opus", "audio/ogg", 64),
    ]


async def test_hls_shares_the_encoder_of_the_aac_mount_and_counts_as_nobody(station):
    on_air = station()
    async with asyncio.timeout(1), asyncio.TaskGroup() as tasks:
        tasks.create_task(on_air.hls.run())
        await asyncio.sleep(0)
        assert on_air.channels["aac"].hub.wanted
        assert not on_air.channels["mp3"].hub.wanted
        assert on_air.hub_listeners() == 0
        on_air.end_streams()


def test_hls_that_is_switched_off_is_not_there(station):
    assert station(hls=Hls(enabled=False)).hls is None
