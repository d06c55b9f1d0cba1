"""What one station is made of, as its configuration says."""

import asyncio
from datetime import UTC, datetime
from time import sleep

import pytest
from fakes_station import FakeSetup, FakeStation, build_fake

from engine import MOODS
from radio.config import Aac, Config, Encoders, Opus, State
from radio.config_outputs import Hls
from radio.journal import Journal
from radio.lead import LeadBar
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
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(on_air.hls.run())
        await asyncio.sleep(0)
        assert on_air.channels["aac"].hub.wanted
        assert not on_air.channels["mp3"].hub.wanted
        assert on_air.hub_listeners() == 0
        on_air.end_streams()


def test_hls_that_is_switched_off_is_not_there(station):
    assert station(hls=Hls(enabled=False)).hls is None


def begin(on_air):
    """Put one bar on air, so that there is something to remember."""
    rendered = FakeStation(FakeSetup(mood=MOODS["study"], seed=1, composer="rules")).render_bar()
    on_air.lead.add(LeadBar(rendered.block, rendered.snapshot))
    on_air.now.begin(rendered.block.bars[0], datetime.now(UTC))


async def test_two_savings_never_meet_in_one_file(station, monkeypatch):
    inside, crowd = 0, []

    def slowly(path, saved):
        nonlocal inside
        inside += 1
        crowd.append(inside)
        sleep(0.05)
        inside -= 1

    monkeypatch.setattr("radio.state.save", slowly)
    on_air = station()
    begin(on_air)
    await asyncio.gather(on_air.save(), on_air.save(), on_air.save())
    assert crowd == [1, 1, 1]


async def test_a_disk_that_stays_full_is_told_once_until_it_is_well_again(station, monkeypatch, caplog):
    on_air = station()
    begin(on_air)

    def full(path, saved):
        raise OSError(28, "No space left on device")

    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr("radio.state.save", full)
            await on_air.save()
            await on_air.save()
        await on_air.save()
    assert caplog.text.count("No space left on device") == 2
