"""HLS from the hub to the socket: real AAC, real files, real HTTP, ffmpeg as the client, and disks that refuse."""

import asyncio
import os
import re
import shutil

import m3u8
import pytest
from fakes_air import Air, running, served, uris
from fakes_clock import settle
from real_chunks import AAC_CHUNKS as CHUNKS

from radio.encoders import EncodedChunk
from radio.hls import SEGMENT_FRAMES

SEGMENT_S = 4.032


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
        for lost in ("/hls/00000000-1.aac", "/hls/..%2fstate.json", "/hls/state.json", "/hls/Live.M3U8"):
            async with client.get(lost) as answer:
                assert answer.status == 404
        async with client.get("/hls/live.m3u8") as answer:
            assert (await answer.read()) == playlist


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
        before, begun = air.count("hls_segments_total"), air.frame // SEGMENT_FRAMES
        air.hubs["low"].publish(EncodedChunk(7, 1024, CHUNKS[0].data[:0]), "x")  # a hole in one of them
        for chunk in CHUNKS:
            shifted = EncodedChunk(chunk.start_frame + air.frame, chunk.frames, chunk.data)
            for hub in air.hubs.values():
                hub.publish(shifted, "x")
            # the segment with the hole in it is lost
            whole = (shifted.start_frame + shifted.frames) // SEGMENT_FRAMES - begun - 1
            await settle(lambda whole=whole: air.count("hls_segments_total") >= before + whole)
        low, high = (air.output.shown.playlists[f"{name}.m3u8"].decode() for name in ("low", "high"))
        assert low.replace("low-", "high-") == high
        (gone,) = re.findall(r"#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)\n", low)
        assert int(gone) + low.count("#EXT-X-DISCONTINUITY\n") == 2, "the beginning, and the hole"


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
