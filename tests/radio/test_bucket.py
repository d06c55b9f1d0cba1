"""The copy in a bucket: a fake that fails as told, and a real S3 server (moto) over HTTP with the real client."""

import asyncio
import json

import aiohttp
import obstore.store
import pytest
from fakes_clock import settle
from fakes_ports import free_port

from radio.config_outputs import Bucket
from radio.errors import OutputError
from radio.keepalive import RefusedError
from radio.metrics import Metrics
from radio.outputs import bucket
from radio.outputs.bucket import BucketOutput, open_s3
from radio.outputs.hls import Shown

moto_server = pytest.importorskip("moto.server", reason="moto is not installed: requirements/test.txt")


class Source:
    """What HLS shows, as far as a bucket needs it."""

    station = "lofi"

    def __init__(self):
        self.changed = asyncio.Event()
        self.number = 0
        self.grow()

    def grow(self):
        self.number += 1
        names = [f"a-{number}.aac" for number in range(max(1, self.number - 2), self.number + 1)]
        playlists = {"live.m3u8": b"master", "low.m3u8": "\n".join(names).encode()}
        self.shown = Shown(playlists, {name: name.encode() for name in names})
        self.changed.set()


class FakeStore:
    def __init__(self):
        self.objects, self.order, self.fails = {}, [], False

    async def put(self, key, data, _headers):
        if self.fails:
            raise OutputError("no")
        self.objects[key] = data
        self.order.append(key.rpartition("/")[2])

    async def delete(self, key):
        self.objects.pop(key, None)


def copier(tmp_path, source, metrics=None, **settings):
    place = Bucket(**({"name": "music", "prefix": "radio/"} | settings))
    return BucketOutput(place, source, metrics or Metrics(), tmp_path / "lofi.bucket.json")


async def test_segments_go_first_and_the_playlist_that_names_the_others_last(tmp_path):
    source, store, known = Source(), FakeStore(), set()
    output = copier(tmp_path, source)
    await output.copy(store, known)
    source.grow()
    await output.copy(store, known)
    assert store.order == ["a-1.aac", "low.m3u8", "live.m3u8", "a-2.aac", "low.m3u8", "live.m3u8"]
    assert store.objects["radio/lofi/low.m3u8"] == b"a-1.aac\na-2.aac"


async def test_what_a_failure_left_out_is_made_good(tmp_path):
    source, store, known = Source(), FakeStore(), set()
    output = copier(tmp_path, source)
    store.fails = True
    with pytest.raises(OutputError):
        await output.copy(store, known)
    store.fails = False
    source.grow()
    await output.copy(store, known)
    assert {"radio/lofi/a-1.aac", "radio/lofi/a-2.aac"} <= store.objects.keys()


async def test_old_objects_of_ours_go_also_those_of_a_run_that_was_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(bucket, "SWEEP_AFTER_S", -1.0)
    (tmp_path / "lofi.bucket.json").write_text(json.dumps({"old-1.aac": 5.0}))
    source, store = Source(), FakeStore()
    store.objects |= {"radio/lofi/old-1.aac": b"", "radio/lofi/theirs.aac": b""}
    monkeypatch.setattr(bucket, "open_s3", lambda _settings: store)
    monkeypatch.setattr(bucket, "SWEEP_AFTER_S", 600.0)
    output = copier(tmp_path, source)
    task = asyncio.ensure_future(output.run())
    await settle(lambda: "radio/lofi/old-1.aac" not in store.objects)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "radio/lofi/theirs.aac" in store.objects
    assert "radio/lofi/a-1.aac" in store.objects
    assert json.loads((tmp_path / "lofi.bucket.json").read_text()).keys() >= {"a-1.aac"}


async def test_a_bucket_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(bucket, "PATIENCE_S", 0.05)

    class Stuck(FakeStore):
        async def put(self, key, data, _headers):
            await asyncio.sleep(30)

    with pytest.raises(OutputError, match=r"a-1\.aac took longer than 0\.05 s"):
        await copier(tmp_path, Source()).copy(Stuck(), set())


@pytest.fixture(scope="module")
def s3():
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def _keys(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter22")


@pytest.mark.usefixtures("_keys")
async def test_a_real_server_has_content_types_and_cache_headers_and_may_go_away(tmp_path, s3):
    source, metrics, place = Source(), Metrics(), {"endpoint": s3}
    async with aiohttp.ClientSession() as web:
        with pytest.raises(RefusedError, match="there is no bucket music at http"):
            await copier(tmp_path, source, **place).run()  # there is no such bucket yet
        async with web.put(f"{s3}/music") as made:
            assert made.status == 200
        output = copier(tmp_path, source, metrics, **place)
        task = asyncio.ensure_future(output.run())
        connected = {"output": "bucket lofi"}
        await settle(lambda: metrics.registry.get_sample_value("lofi_output_connected", connected) == 1)
        source.grow()
        sent = "lofi_output_bytes_total"
        await settle(lambda: metrics.registry.get_sample_value(sent, connected) >= 2 * 7 + 2 * 6 + 7 + 15)
        place = {"endpoint": s3, "region": "us-east-1"}
        client = obstore.store.S3Store("music", config=place, client_options={"allow_http": True})
        seen = {}
        for name in ("a-2.aac", "low.m3u8", "live.m3u8"):
            found = (await client.get_async(f"radio/lofi/{name}")).attributes
            seen[name] = found["Content-Type"], found["Cache-Control"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    playlist = ("application/vnd.apple.mpegurl", "public, max-age=1")
    assert seen == {
        "a-2.aac": ("audio/aac", "public, max-age=31536000, immutable"),
        "low.m3u8": playlist,
        "live.m3u8": playlist,
    }


@pytest.mark.usefixtures("_keys")
async def test_a_server_that_is_away_is_an_error_to_try_again_after(tmp_path):
    with pytest.raises(OutputError) as caught:
        await copier(tmp_path, Source(), endpoint=f"http://127.0.0.1:{free_port()}").run()
    assert not isinstance(caught.value, RefusedError)
    assert "hunter22" not in str(caught.value)


@pytest.mark.usefixtures("_keys")
async def test_keys_that_are_refused_are_told_with_the_remedy():
    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        body = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
        writer.write(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        store = open_s3(Bucket(name="music", endpoint=f"http://127.0.0.1:{port}"))
        with pytest.raises(RefusedError, match="check AWS_ACCESS_KEY_ID") as caught:
            await store.put("x", b"x", {"Content-Type": "audio/aac"})
        with pytest.raises(OutputError):
            await store.delete("x")
    assert "hunter22" not in str(caught.value)
