"""Recordings on a real disk: whole, within their budget, and left by a kill or a full disk as they should be."""

import asyncio
import os
from datetime import timedelta

import numpy as np
import pytest
import soundfile
from fakes_clock import EPOCH, settle
from fakes_station import sine

from engine import AudioBlock
from radio.config_outputs import Record
from radio.encoders import PcmEncoder
from radio.errors import OutputError
from radio.hub import Hub
from radio.metrics import Metrics
from radio.outputs.record import RecordOutput

BLOCK = 48_000


class Clock:
    def __init__(self):
        self.at = EPOCH

    def wall(self):
        self.at += timedelta(seconds=1)
        return self.at


class Studio:
    def __init__(self, folder, **settings):
        self.folder, self.hub, self.metrics = folder, Hub(0), Metrics()
        record = Record(name="archive", folder=folder, **settings)
        self.output = RecordOutput(record, self.hub, self.metrics, Clock())
        self.frame = 0

    def count(self, name):
        return self.metrics.registry.get_sample_value(f"lofi_output_{name}", {"output": "record archive"})

    async def play(self, seconds):
        for _ in range(seconds):
            block = AudioBlock(self.frame, sine(self.frame, BLOCK, 200))
            self.frame += BLOCK
            before = self.count("bytes_total")
            self.hub.publish(PcmEncoder().encode(block))
            await settle(lambda before=before: self.count("bytes_total") > before)

    def files(self):
        return sorted(path.name for path in self.folder.glob("lofi-*"))


async def recorded(studio, seconds):
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(studio.output.run())
        await asyncio.sleep(0)
        await studio.play(seconds)
        studio.hub.close()


async def test_what_went_out_is_in_the_files_without_a_gap(tmp_path):
    studio = Studio(tmp_path, minutes=0.1)
    await recorded(studio, 14)
    names = studio.files()
    assert [name.endswith(".flac") for name in names] == [True] * 3
    sound = np.concatenate([soundfile.read(tmp_path / name, dtype="float32")[0] for name in names])
    np.testing.assert_allclose(sound, sine(0, 14 * BLOCK, 200), atol=1e-4)
    assert studio.count("connects_total") == 1


async def test_the_oldest_of_ours_go_and_nobody_elses(tmp_path):
    theirs = tmp_path / "lofi-20200101T000000000000Z.flac"
    theirs.write_bytes(bytes(9_000_000))
    small = Studio(tmp_path / "one", minutes=0.1)
    await recorded(small, 6)
    size_bytes = (small.folder / small.files()[0]).stat().st_size
    studio = Studio(tmp_path, minutes=0.1)
    budget_mb = 3.5 * size_bytes / 1_000_000
    studio.output._settings = studio.output._settings.model_copy(update={"budget_mb": budget_mb})
    await recorded(studio, 36)
    ours = [name for name in studio.files() if name != theirs.name]
    assert theirs.exists()
    assert len(ours) == 3, "the newest, and no more than fit"
    assert ours == sorted(ours)
    assert studio.output._ledger.names == set(ours)


async def test_what_another_station_is_writing_there_is_left_alone(tmp_path):
    (tmp_path / "night-1.mp3.part").write_bytes(b"x")
    writer = Studio(tmp_path, format="mp3")
    writer.output._ledger.add(["night-1.mp3.part"])
    await recorded(writer, 1)
    assert (tmp_path / "night-1.mp3.part").exists()


async def test_a_recording_that_a_kill_left_behind_gets_its_name(tmp_path):
    studio = Studio(tmp_path, minutes=60)
    task = asyncio.ensure_future(studio.output.run())
    await asyncio.sleep(0)
    await studio.play(3)
    unfinished = next(tmp_path.glob("*.part"))
    content = unfinished.read_bytes()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    done = tmp_path / unfinished.name.removesuffix(".part")
    assert done.exists(), "a stop finishes it at once"
    os.rename(done, unfinished)  # as a kill leaves it
    unfinished.write_bytes(content)
    again = Studio(tmp_path, minutes=60)
    again.output._ledger.add([unfinished.name])
    await recorded(again, 1)
    assert done.exists()
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
async def test_a_full_disk_is_told_and_what_is_there_stays(tmp_path, monkeypatch):
    studio = Studio(tmp_path, format="mp3")
    monkeypatch.setattr("radio.outputs.record._ByteSink", lambda _path: open("/dev/full", "wb", buffering=0))  # noqa: SIM115
    with pytest.raises(ExceptionGroup) as caught:
        await recorded(studio, 1)
    assert isinstance(caught.value.exceptions[0], OutputError)
    assert "Free some disk space" in str(caught.value.exceptions[0])
    assert studio.count("connected") == 0
