"""The HTTP mounts, over real sockets on loopback."""

import asyncio
import io
from contextlib import asynccontextmanager

import av
import pytest
from aiohttp import web
from fakes_clock import settle
from fakes_player import strip
from real_chunks import MP3_CHUNKS as CHUNKS

from radio.encoders import EncodedChunk
from radio.hub import Hub
from radio.metrics import Metrics
from radio.web.stream import (
    LOW_BURST_BYTES,
    META_INTERVAL_BYTES,
    Mount,
    Streams,
)

TITLE = "piece 0 · E♭ minor · study"


class Server:
    def __init__(self, max_listeners=500, stations=("lofi",)):
        self.metrics = Metrics()
        self.streams = Streams(self.metrics, max_listeners)
        self.hubs = {name: Hub(65_536) for name in stations}
        self.mounts = [Mount(name, f"{name} radio", "Äther", "lo-fi", hub, 128) for name, hub in self.hubs.items()]
        self.hub = self.hubs[stations[0]]
        self.port = 0

    def publish(self, chunks=CHUNKS, title=TITLE):
        for chunk in chunks:
            self.hub.publish(chunk, title)

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"lofi_{name}", {"station": "lofi", **labels}) or 0

    async def ask(self, path, *headers, version="1.1", method="GET"):
        """Send a request by hand: (reader, writer, status, headers)."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"{method} {path} HTTP/{version}", f"Host: 127.0.0.1:{self.port}", *headers]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = dict(line.split(": ", 1) for line in head[1:] if line)
        return reader, writer, int(head[0].split()[1]), {name.lower(): value for name, value in pairs.items()}


@asynccontextmanager
async def serving(**options):
    server = Server(**options)
    app = web.Application()
    server.streams.add_routes(app, server.mounts)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.port = runner.addresses[0][1]
    try:
        async with asyncio.timeout(100):
            yield server
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_listener_gets_the_burst_and_then_everything_that_follows_as_it_is(version):
    async with serving() as server:
        server.publish(CHUNKS[:200])
        reader, writer, status, headers = await server.ask("/stream.mp3", version=version)
        assert status == 200
        assert headers["content-type"] == "audio/mpeg"
        assert "transfer-encoding" not in headers, "old players do not understand chunks"
        assert "content-length" not in headers
        server.publish(CHUNKS[200:])
        server.hub.close()
        data = await reader.read()
        writer.close()
    everything = b"".join(chunk.data for chunk in CHUNKS)
    assert everything.endswith(data)
    assert len(data) > 60_000
    with av.open(io.BytesIO(data), format="mp3") as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == len(data) // 384 * 1152


async def test_headers_say_what_it_is_and_let_pages_of_others_read_it():
    async with serving() as server:
        _, writer, _, headers = await server.ask("/stream.mp3")
        writer.close()
        assert headers["icy-name"] == "lofi radio"
        assert headers["icy-br"] == "128"
        assert headers["icy-genre"] == "lo-fi"
        assert "icy-metaint" not in headers
        assert headers["cache-control"] == "no-cache, no-store"
        assert headers["access-control-allow-origin"] == "*"
        assert "icy-metaint" in headers["access-control-expose-headers"]
        assert headers["connection"] == "close"


async def test_titles_come_when_asked_for_and_the_sound_between_them_is_untouched():
    async with serving() as server:
        server.publish(CHUNKS[:150], "first")
        reader, writer, _, headers = await server.ask("/stream.mp3", "Icy-MetaData: 1")
        assert headers["icy-metaint"] == str(META_INTERVAL_BYTES)
        server.publish(CHUNKS[150:], "second")
        server.hub.close()
        sound, titles = strip(await reader.read())
        writer.close()
    assert b"".join(chunk.data for chunk in CHUNKS).endswith(sound)
    assert titles == ["first", "second"]


async def test_low_burst_is_half_a_second():
    async with serving() as server:
        server.publish()
        reader, writer, _, _ = await server.ask("/stream.mp3?burst=low")
        server.hub.close()
        data = await reader.read()
        writer.close()
    assert LOW_BURST_BYTES - 800 < len(data) <= LOW_BURST_BYTES
    assert data[0] == 0xFF, "begins with the sync word of an MP3 frame"


async def test_head_answers_with_the_same_headers_and_no_sound():
    async with serving() as server:
        server.publish()
        reader, writer, status, headers = await server.ask("/stream.mp3", "Icy-MetaData: 1", method="HEAD")
        assert (status, headers["content-type"], headers["icy-metaint"]) == (200, "audio/mpeg", "16000")
        assert await reader.read() == b""
        writer.close()
        assert server.count("listeners", mount="/stream.mp3") == 0


async def test_options_allows_pages_of_others_to_ask_for_titles():
    async with serving() as server:
        _, writer, status, headers = await server.ask("/stream.mp3", method="OPTIONS")
        writer.close()
        assert status == 204
        assert "Icy-MetaData" in headers["access-control-allow-headers"]


async def test_a_full_house_says_so_and_has_room_when_somebody_leaves():
    async with serving(max_listeners=1) as server:
        _, first, status, _ = await server.ask("/stream.mp3")
        assert status == 200
        reader, second, status, headers = await server.ask("/stream.mp3")
        assert status == 503
        assert "Retry-After".lower() in headers
        assert await reader.read(200) == b"All 1 places are taken. Try again later, or use a relay.\n"
        second.close()
        first.close()
        server.publish()
        await settle(lambda: server.count("listeners", mount="/stream.mp3") == 0)
        _, third, status, _ = await server.ask("/stream.mp3")
        assert status == 200
        third.close()


async def test_a_station_that_stops_refuses_new_listeners_and_keeps_the_old():
    async with serving() as server:
        server.publish(CHUNKS[:10])
        reader, old, _, _ = await server.ask("/stream.mp3")
        server.streams.refusing = True
        _, new, status, _ = await server.ask("/stream.mp3")
        assert status == 503
        assert await reader.readexactly(1000)
        old.close()
        new.close()


async def test_every_station_has_its_mount_and_the_first_also_the_short_one():
    async with serving(stations=("lofi", "night")) as server:
        for hub, byte in zip(server.hubs.values(), (b"a", b"b"), strict=True):
            hub.publish(EncodedChunk(0, 1152, byte * 384))
        heard = {}
        for path in ("/stream.mp3", "/lofi/stream.mp3", "/night/stream.mp3"):
            reader, writer, _, _ = await server.ask(path)
            heard[path] = await reader.readexactly(1)
            writer.close()
        assert heard == {"/stream.mp3": b"a", "/lofi/stream.mp3": b"a", "/night/stream.mp3": b"b"}


@pytest.mark.parametrize(
    ("path", "kind", "line"),
    [
        ("/stream.m3u", "audio/x-mpegurl", "http://127.0.0.1:{port}/stream.mp3"),
        ("/lofi/stream.m3u", "audio/x-mpegurl", "http://127.0.0.1:{port}/lofi/stream.mp3"),
        ("/stream.pls", "audio/x-scpls", "File1=http://127.0.0.1:{port}/stream.mp3"),
    ],
)
async def test_playlist_files_point_to_the_stream(path, kind, line):
    async with serving() as server:
        reader, writer, status, headers = await server.ask(path, version="1.0")
        text = (await reader.read()).decode()
        writer.close()
        assert status == 200
        assert headers["content-type"].startswith(kind)
        assert line.format(port=server.port) in text.splitlines()


async def test_a_client_that_never_reads_is_dropped_and_others_hear_everything():
    # 40 MB, a minute of sound: more than all the buffers of the system between us and the stuck client
    big = [EncodedChunk(n * 4608, 4608, bytes([n % 256]) * 100_000) for n in range(600)]
    async with serving() as server:
        _, stuck, _, _ = await server.ask("/stream.mp3")
        reader, quick, _, _ = await server.ask("/stream.mp3")
        async with asyncio.TaskGroup() as tasks:
            hearing = tasks.create_task(reader.readexactly(sum(len(chunk.data) for chunk in big)))
            for chunk in big:
                server.hub.publish(chunk)
                await asyncio.sleep(0.005)  # 19 times real time
        heard = hearing.result()
        assert heard == b"".join(chunk.data for chunk in big)
        assert server.hub.listeners == 1
        stuck.close()
        quick.close()
        await settle(lambda: server.count("listeners", mount="/stream.mp3") == 0)
        assert server.count("listener_drops_total", mount="/stream.mp3", reason="lagged") == 1


async def test_a_client_that_is_let_go_is_counted_once(monkeypatch):
    monkeypatch.setattr("radio.web.stream.WRITE_TIMEOUT_S", 0.3)
    async with serving() as server:
        _, stuck, _, _ = await server.ask("/stream.mp3")
        for more in (100, 200):  # the first do not get through, the others pile up behind them
            for number in range(more):
                server.hub.publish(EncodedChunk(number * 4608, 4608, bytes(200_000)))
            await asyncio.sleep(0.1)
        await settle(lambda: server.count("listeners", mount="/stream.mp3") == 0)
        stuck.close()
        drops = [server.count("listener_drops_total", mount="/stream.mp3", reason=r) for r in ("stuck", "lagged")]
        assert sum(filter(None, drops)) == 1


async def test_every_format_has_a_mount_of_its_own_and_ogg_takes_no_titles_between_its_bytes():
    async with serving() as server:
        about = ("lofi", "lofi radio", "", "lo-fi")
        hub = Hub(65_536)
        for ending, kind in (("aac", "audio/aac"), ("opus", "audio/ogg")):
            server.mounts.append(Mount(*about, hub, 96, kind, ending))
        app = web.Application()
        server.streams.add_routes(app, server.mounts)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            server.port = runner.addresses[0][1]
            for path, kind, titles in (("aac", "audio/aac", True), ("opus", "audio/ogg", False)):
                for prefix in ("", "/lofi"):
                    _, writer, status, headers = await server.ask(f"{prefix}/stream.{path}", "Icy-MetaData: 1")
                    writer.close()
                    assert (status, headers["content-type"]) == (200, kind)
                    assert ("icy-metaint" in headers) == titles
        finally:
            await runner.cleanup()
