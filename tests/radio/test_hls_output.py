"""HLS from the hub to the socket: real AAC, real files, real HTTP, ffmpeg as the client, and disks that refuse."""

import asyncio
import json
import os
import re
import shutil
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import m3u8
import pytest
from aiohttp import web
from fakes_clock import EPOCH, ManualClock, settle
from fakes_station import expected

from engine import AudioBlock
from radio.encoders import AacEncoder, EncodedChunk
from radio.hls import SEGMENT_FRAMES
from radio.hls_store import INDEX_NAME, load
from radio.hub import Hub
from radio.metrics import Metrics
from radio.outputs.hls import HlsHouse, HlsOutput, Rendition
from radio.web.hls import Hls

SEGMENT_S = 4.032


def aac_chunks():
    encoder, sound = AacEncoder(), expected(61)
    chunks = [encoder.encode(AudioBlock(at, sound[at : at + 8192])) for at in range(0, len(sound), 8192)]
    return [chunk for chunk in chunks if chunk is not None]


CHUNKS = aac_chunks()
"""12.2 s: three segments."""
LENGTH = CHUNKS[-1].start_frame + CHUNKS[-1].frames - CHUNKS[0].start_frame


class Air:
    def __init__(self, folder, mirror=None, listed=6, renditions=("",)):
        self.folder, self.mirror, self.listed, self.renditions = folder, mirror, listed, renditions
        self.clock, self.frame = ManualClock(), 0
        self.start()

    def start(self):
        self.metrics = Metrics()
        self.hubs = {name: Hub(0) for name in self.renditions}
        house = HlsHouse("lofi", self.folder, self.mirror, self.metrics, self.clock)
        renditions = {name: Rendition(hub, 128) for name, hub in self.hubs.items()}
        self.output = HlsOutput(renditions, self.listed, house)

    @property
    def playlist(self):
        return self.output.shown.playlists.get("live.m3u8", b"")

    @property
    def files(self):
        return self.output.shown.files

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"lofi_{name}", {"station": "lofi", **labels})

    async def play(self, rounds=1):
        """Play 12.2 s and wait for the segments in it."""
        for _ in range(rounds):
            for chunk in CHUNKS:
                shifted = EncodedChunk(chunk.start_frame + self.frame, chunk.frames, chunk.data)
                for hub in self.hubs.values():
                    hub.publish(shifted, "Rain · E♭ minor · study")
                self.clock.time_s += chunk.frames / 48_000
                begins = CHUNKS[0].start_frame if len(self.hubs) == 1 else 0  # several meet on a grid
                done = (shifted.start_frame + shifted.frames - begins) // SEGMENT_FRAMES
                await settle(lambda done=done: self.count("hls_segments_total") >= done)
            self.frame += LENGTH

    def restart(self, downtime_s=5.0):
        self.clock.time_s += downtime_s
        self.start()
        self.frame = 0


@asynccontextmanager
async def running(air):
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(air.output.run())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            task.cancel()


@asynccontextmanager
async def served(air):
    app = web.Application()
    Hls({"lofi": air.output}).add_routes(app, first="lofi")
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
            yield client
    finally:
        await runner.cleanup()


def uris(playlist):
    return re.findall(r"^\S+\.aac$", playlist.decode(), re.MULTILINE)


async def test_players_find_playlist_and_segments_with_the_right_headers(tmp_path):
    air = Air(tmp_path / "lofi.hls")
    async with served(air) as client, running(air):
        async with client.get("/hls/live.m3u8") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "4")
        await air.play()
        for folder in ("/hls", "/lofi/hls"):
            async with client.get(f"{folder}/live.m3u8") as answer:
                assert answer.content_type == "application/vnd.apple.mpegurl"
                assert answer.headers["Cache-Control"] == "public, max-age=1"
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
                playlist, etag = await answer.read(), answer.headers["ETag"]
            async with client.get(f"{folder}/live.m3u8", headers={"If-None-Match": etag}) as answer:
                assert answer.status == 304
            name = uris(playlist)[0]
            async with client.get(f"{folder}/{name}") as answer:
                assert answer.content_type == "audio/aac"
                assert "immutable" in answer.headers["Cache-Control"]
                assert await answer.read() == air.files[name]
            async with client.head(f"{folder}/{name}") as answer:
                assert answer.status == 200
                assert int(answer.headers["Content-Length"]) == len(air.files[name])
            async with client.options(f"{folder}/{name}") as answer:
                assert answer.status == 204
        for lost in ("/hls/00000000-1.aac", "/hls/..%2fstate.json", "/hls/state.json"):
            async with client.get(lost) as answer:
                assert answer.status in (404, 405)
        async with client.get("/hls/live.m3u8") as answer:
            assert (await answer.read()) == playlist


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


async def test_the_copy_for_a_web_server_is_whole_and_its_failures_are_only_counted(tmp_path):
    air = Air(tmp_path / "lofi.hls", tmp_path / "www")
    async with running(air):
        await air.play(2)
        await settle(lambda: (tmp_path / "www/lofi/live.m3u8").read_bytes() == air.playlist)
        for name in uris(air.playlist):
            assert (tmp_path / "www/lofi" / name).read_bytes() == air.files[name]
        shutil.rmtree(tmp_path / "www")
        (tmp_path / "www").write_text("in the way")
        await air.play()
        await settle(lambda: air.count("hls_write_errors_total", where="folder") >= 2)
        assert air.count("hls_write_errors_total", where="state") == 0


async def test_the_copy_loses_what_we_wrote_long_ago_and_nothing_else(tmp_path):
    mirror = tmp_path / "www/lofi"
    air = Air(tmp_path / "lofi.hls", tmp_path / "www")
    async with running(air):
        await air.play()
        ours = uris(air.playlist)[0]
        theirs = [mirror / "00c0ffee-1.aac", mirror / "jingle.aac", mirror / "jingle.aac.new"]
        for path in (*theirs, mirror / ours):
            path.touch()
            os.utime(path, (0, 0))
        await air.play(7)
        await settle(lambda: (mirror / "live.m3u8").read_bytes() == air.playlist)
        assert not (mirror / ours).exists()
        assert all(path.exists() for path in theirs)
    air.restart(downtime_s=10_000)
    old = uris((mirror / "live.m3u8").read_bytes())[0]
    os.utime(mirror / old, (0, 0))
    async with running(air):
        await air.play()
        await settle(lambda: (mirror / "live.m3u8").read_bytes() == air.playlist)
    assert not (mirror / old).exists(), "what an earlier run wrote is ours, too"


async def test_renditions_have_the_same_numbers_times_and_discontinuities(tmp_path):
    air = Air(tmp_path / "lofi.hls", tmp_path / "www", renditions=("low", "high"))
    async with running(air):
        await air.play(4)
    air.restart()
    assert uris(air.output.shown.playlists["low.m3u8"]), "what was listed is served again at once"
    async with served(air) as client, running(air):
        await air.play(2)
        lists = {}
        for name in ("live", "low", "high"):
            async with client.get(f"/hls/{name}.m3u8") as answer:
                assert answer.content_type == "application/vnd.apple.mpegurl"
                lists[name] = await answer.text()
        async with client.get("/hls/middle.m3u8") as answer:
            assert answer.status == 404
        master = m3u8.loads(lists["live"])
        assert [one.uri for one in master.playlists] == ["low.m3u8", "high.m3u8"]
        assert all(one.stream_info.codecs == "mp4a.40.2" for one in master.playlists)
        assert lists["low"].replace("low-", "high-") == lists["high"]
        assert "#EXT-X-DISCONTINUITY\n" in lists["low"]
        names = uris(lists["low"].encode())
        for name in names:
            async with client.get(f"/hls/{name}") as answer:
                assert answer.status == 200
        assert {path.name for path in (tmp_path / "www/lofi").glob("*.m3u8")} == {"live.m3u8", "low.m3u8", "high.m3u8"}


async def test_a_rendition_that_lost_sound_finds_the_others_again(tmp_path):
    air = Air(tmp_path / "lofi.hls", renditions=("low", "high"))
    async with running(air):
        await air.play(2)
        before = air.count("hls_segments_total")
        air.hubs["low"].publish(EncodedChunk(7, 1024, CHUNKS[0].data[:0]), "x")  # a hole in one of them
        for chunk in CHUNKS * 2:
            for hub in air.hubs.values():
                hub.publish(EncodedChunk(chunk.start_frame + air.frame, chunk.frames, chunk.data), "x")
            air.frame += LENGTH if chunk is CHUNKS[-1] else 0
            await asyncio.sleep(0)
        await settle(lambda: air.count("hls_segments_total") >= before + 3)
        low, high = (air.output.shown.playlists[f"{name}.m3u8"].decode() for name in ("low", "high"))
        assert low.replace("low-", "high-") == high
        assert low.count("#EXT-X-DISCONTINUITY\n") == 2, "the beginning, and the hole"


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


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
async def test_ffmpeg_plays_the_live_playlist_across_a_kill_without_an_error(tmp_path):
    air = Air(tmp_path / "lofi.hls")
    async with running(air):
        await air.play()
    air.restart()
    async with running(air):
        await air.play(1)
        async with served(air) as client:
            ffmpeg = await asyncio.create_subprocess_exec(
                "ffmpeg", "-v", "warning", "-live_start_index", "0", "-i", str(client._build_url("/hls/live.m3u8")),
                "-t", "22", "-f", "s16le", "-ac", "2", "-ar", "48000", "pipe:1",
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            sound, said = await ffmpeg.communicate()
    assert "error" not in said.decode().lower(), said.decode()
    assert len(sound) / 4 / 48_000 >= 21.9
