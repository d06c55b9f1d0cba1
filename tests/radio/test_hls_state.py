"""What HLS keeps on the disk: a killed station goes on, damaged or refused state hurts nobody."""

import json
import re
from datetime import timedelta

import pytest
from fakes_air import Air, running, uris
from fakes_clock import EPOCH

from radio.hls_store import INDEX_NAME, load


async def test_a_killed_station_goes_on_where_it_was_with_one_discontinuity(tmp_path):
    air = Air(tmp_path / "lofi.hls")
    async with running(air):
        await air.play(3)
    before = air.playlist
    air.restart()
    assert air.playlist == before, "what was listed is served again at once"
    assert set(uris(before)) <= air.files.keys()
    async with running(air):
        await air.play()
        after = air.playlist.decode()
        assert uris(after.encode())[:3] == uris(before)[3:]
        assert after.count("#EXT-X-DISCONTINUITY\n") == 1
        numbers = [int(uri.split("-")[1].split(".")[0]) for uri in uris(after.encode())]
        assert numbers == list(range(numbers[0], numbers[0] + 6))
        at = re.findall(r"DATE-TIME:(\S+)", after)
        assert at == sorted(at)


async def test_the_state_is_on_the_disk_before_anybody_sees_the_segment(tmp_path):
    air = Air(tmp_path / "lofi.hls")
    async with running(air):
        await air.play(2)
        kept = load(tmp_path / "lofi.hls")
        assert {segment.name for segment in kept.memory.listed} == set(uris(air.playlist))
        assert kept.files == air.files


async def test_a_state_folder_that_refuses_is_counted_said_once_and_hurts_nobody(tmp_path, caplog):
    folder = tmp_path / "lofi.hls"
    folder.write_text("in the way")
    air = Air(folder)
    async with running(air):
        await air.play(2)
        assert len(uris(air.playlist)) == 6
        assert air.count("hls_write_errors_total", where="state") == 6
        assert caplog.text.count("HLS cannot write there") == 1
        folder.unlink()
        await air.play()
        assert load(folder).files == air.files, "what could not be written is made good"
        assert air.count("hls_write_errors_total", where="state") == 6


async def test_a_state_that_could_not_be_renewed_is_not_believed_later(tmp_path):
    folder = tmp_path / "lofi.hls"
    air = Air(folder)
    async with running(air):
        await air.play()
        first = int(uris(air.playlist)[0].split("-")[1][:-4])
        (folder / (INDEX_NAME + ".new")).mkdir()  # as a disk that is full: nothing new can be written
        await air.play()
    assert not (folder / INDEX_NAME).exists()
    (folder / (INDEX_NAME + ".new")).rmdir()
    air.restart()
    async with running(air):
        await air.play()
        assert int(uris(air.playlist)[0].split("-")[1][:-4]) > first + 5, "no number is given out twice"


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"version": 2}', '{"version": 1, "next_sequence": "x"}'], ids=str)
def test_a_damaged_state_begins_a_new_playlist(tmp_path, damage):
    (tmp_path / INDEX_NAME).write_text(damage)
    assert load(tmp_path).memory is None


def test_a_segment_that_was_damaged_is_not_served(tmp_path):
    segment = {"sequence": 7, "name": "a-7.aac", "begins_at": EPOCH.isoformat(), "discontinuous": True, "sha256": "00"}
    told = {"version": 1, "next_sequence": 8, "discontinuity_sequence": 0, "retained": [], "listed": [segment]}
    (tmp_path / INDEX_NAME).write_text(json.dumps(told))
    (tmp_path / "a-7.aac").write_bytes(b"half of it")
    air = Air(tmp_path)
    air.clock.time_s += timedelta(seconds=1).total_seconds()
    air.start()
    assert air.playlist == b""
    assert air.files == {}
