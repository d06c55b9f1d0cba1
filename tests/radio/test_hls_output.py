"""HLS from the hub to the socket: real AAC, real files, real HTTP, ffmpeg as the client, and disks that refuse."""

import asyncio
import json
import re
import shutil
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
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
from radio.outputs.hls import HlsHouse, HlsOutput
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
    def __init__(self, folder, mirror=None, listed=6):
        self.folder, self.mirror, self.listed = folder, mirror, listed
        self.clock, self.frame = ManualClock(), 0
        self.start()

    def start(self):
        self.metrics, self.hub = Metrics(), Hub(0)
        house = HlsHouse("lofi", self.folder, self.mirror, self.metrics, self.clock)
        self.output = HlsOutput(self.hub, self.listed, house)

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"lofi_{name}", {"station": "lofi", **labels})

    async def play(self, rounds=1):
        """Play 12.2 s and wait for the segments in it."""
        for _ in range(rounds):
            for chunk in CHUNKS:
                shifted = EncodedChunk(chunk.start_frame + self.frame, chunk.frames, chunk.data)
                self.hub.publish(shifted, "Rain · E♭ minor · study")
                self.clock.time_s += chunk.frames / 48_000
                done = (shifted.start_frame + shifted.frames - CHUNKS[0].start_frame) // SEGMENT_FRAMES
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
                assert await answer.read() == air.output.files[name]
            async with client.head(f"{folder}/{name}") as answer:
                assert answer.status == 200
                assert int(answer.headers["Content-Length"]) == len(air.output.files[name])
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
    before = air.output.playlist
    air.restart()
    assert air.output.playlist == before, "what was listed is served again at once"
    assert set(uris(before)) <= air.output.files.keys()
    async with running(air):
        await air.play()
        after = air.output.playlist.decode()
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
        assert {segment.name for segment in kept.memory.listed} == set(uris(air.output.playlist))
        assert kept.files == air.output.files


async def test_a_state_folder_that_refuses_is_counted_said_once_and_hurts_nobody(tmp_path, caplog):
    folder = tmp_path / "lofi.hls"
    folder.write_text("in the way")
    air = Air(folder)
    async with running(air):
        await air.play(2)
        assert len(uris(air.output.playlist)) == 6
        assert air.count("hls_write_errors_total", where="state") == 6
        assert caplog.text.count("HLS cannot write there") == 1
        folder.unlink()
        await air.play()
        assert load(folder).files == air.output.files, "what could not be written is made good"
        assert air.count("hls_write_errors_total", where="state") == 6


async def test_a_state_that_could_not_be_renewed_is_not_believed_later(tmp_path):
    folder = tmp_path / "lofi.hls"
    air = Air(folder)
    async with running(air):
        await air.play()
        first = int(uris(air.output.playlist)[0].split("-")[1][:-4])
        (folder / (INDEX_NAME + ".new")).mkdir()  # as a disk that is full: nothing new can be written
        await air.play()
    assert not (folder / INDEX_NAME).exists()
    (folder / (INDEX_NAME + ".new")).rmdir()
    air.restart()
    async with running(air):
        await air.play()
        assert int(uris(air.output.playlist)[0].split("-")[1][:-4]) > first + 5, "no number is given out twice"


async def test_the_copy_for_a_web_server_is_whole_and_its_failures_are_only_counted(tmp_path):
    air = Air(tmp_path / "lofi.hls", tmp_path / "www")
    async with running(air):
        await air.play(2)
        await settle(lambda: (tmp_path / "www/lofi/live.m3u8").read_bytes() == air.output.playlist)
        for name in uris(air.output.playlist):
            assert (tmp_path / "www/lofi" / name).read_bytes() == air.output.files[name]
        shutil.rmtree(tmp_path / "www")
        (tmp_path / "www").write_text("in the way")
        await air.play()
        await settle(lambda: air.count("hls_write_errors_total", where="folder") >= 2)
        assert air.count("hls_write_errors_total", where="state") == 0


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
    assert air.output.playlist == b""
    assert air.output.files == {}


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
