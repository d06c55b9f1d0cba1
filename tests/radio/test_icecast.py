"""The source client, against a fake that misbehaves and against a real Icecast that is killed."""

import asyncio
import base64
import time
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from fakes_clock import EPOCH, settle
from fakes_icecast import fake_icecast
from fakes_ports import free_port
from fakes_station import FakeSetup, FakeStation, expected
from real_icecast import PASSWORD, needs_icecast, real_icecast
from test_hls_output import CHUNKS as AAC_CHUNKS
from test_stream import CHUNKS

from engine import AudioBlock
from radio.clock import SystemClock
from radio.config import Station
from radio.config_outputs import Icecast
from radio.encoders import EncodedChunk
from radio.encoders_opus import OpusEncoder
from radio.errors import OutputError
from radio.hub import Hub
from radio.keepalive import Keeper, RefusedError, keepalive
from radio.metrics import Metrics
from radio.nowplaying import NowPlaying
from radio.outputs import icecast
from radio.outputs.icecast import Feed, IcecastOutput

MP3_FRAME_S = 1152 / 48_000


class Source:
    def __init__(self, port, *, sounds=True, **settings):
        self.hub, self.now, self.metrics = Hub(65_536), NowPlaying(), Metrics()
        self.settings = Icecast(name="ice", host="127.0.0.1", port=port, password_env="LOFI_TEST_PASSWORD", **settings)
        feed = Feed(Station(title="Lofi Ä", description="endless"), self.hub, self.now, "audio/mpeg", 128)
        self.output = IcecastOutput(self.settings, feed, self.metrics)
        self.engine = FakeStation(FakeSetup())
        self.longest_publish_s = 0.0
        if sounds:
            self.begin_piece()
            self.publish(CHUNKS[0])

    def begin_piece(self):
        """Begin the next piece: the title changes."""
        before = self.now.title
        while self.now.title == before:
            self.now.begin(self.engine.render_bar().block.bars[0], EPOCH + timedelta(seconds=1))

    def publish(self, chunk):
        began_s = time.perf_counter()
        self.hub.publish(chunk, self.now.title)
        self.longest_publish_s = max(self.longest_publish_s, time.perf_counter() - began_s)

    async def play(self):
        """Publish sound in real time, for ever."""
        while True:
            for chunk in CHUNKS:
                self.publish(chunk)
                await asyncio.sleep(chunk.frames / 48_000)

    async def keep_alive(self):
        await keepalive("icecast ice", self.output.run, icecast.ERRORS, Keeper(self.metrics, SystemClock()))

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"lofi_{name}", {"output": "ice", **labels}) or 0


@pytest.fixture(autouse=True)
def _password(monkeypatch):
    monkeypatch.setenv("LOFI_TEST_PASSWORD", PASSWORD)


@asynccontextmanager
async def running(*coroutines):
    async with asyncio.timeout(100), asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(one) for one in coroutines]
        yield
        for task in started:
            task.cancel()


async def test_it_sends_the_sound_unchanged_and_says_who_it_is():
    async with fake_icecast() as server:
        source = Source(server.port, url="https://radio.example")
        async with running(source.output.run()):
            await settle(lambda: server.sources)
            await settle(lambda: source.count("icecast_connected") == 1)
            for chunk in CHUNKS[:50]:
                source.publish(chunk)
            sent = b"".join(chunk.data for chunk in CHUNKS[:50])
            await settle(lambda: len(server.sound) == len(sent))
            assert server.sound == sent
        head = dict(line.split(": ", 1) for line in server.sources[0].split("\r\n")[1:] if line)
        assert server.sources[0].startswith("PUT /lofi.mp3 HTTP/1.1\r\n")
        assert base64.b64decode(head["Authorization"].split()[1]).decode() == f"source:{PASSWORD}"
        assert head["Content-Type"] == "audio/mpeg"
        assert head["Expect"] == "100-continue"
        assert (head["ice-name"], head["ice-genre"], head["ice-public"]) == ("Lofi Ä", "lo-fi", "0")
        assert head["ice-audio-info"] == "ice-samplerate=48000;ice-bitrate=128;ice-channels=2"
        assert head["ice-url"] == "https://radio.example"
        assert source.count("icecast_connected") == 0


async def test_the_title_is_told_on_connect_and_at_each_change():
    async with fake_icecast() as server:
        source = Source(server.port)
        async with running(source.output.run()):
            await settle(lambda: len(server.titles) == 1)
            source.begin_piece()
            await settle(lambda: len(server.titles) == 2)
        queries = [parse_qs(urlsplit(target).query) for target in server.titles]
        assert [query["song"] for query in queries] == [["piece 0 - Eb minor - study"], ["piece 1 - Eb minor - study"]]
        assert queries[0]["mode"] == ["updinfo"]
        assert queries[0]["mount"] == ["/lofi.mp3"]
        assert queries[0]["charset"] == ["UTF-8"]


async def test_a_server_that_takes_no_sound_neither_stalls_the_clock_nor_holds_the_output(monkeypatch):
    monkeypatch.setattr(icecast, "STALL_TIMEOUT_S", 0.3)
    async with fake_icecast(reads=False) as server:
        source = Source(server.port)

        async def flood():
            for number in range(400):
                source.publish(EncodedChunk(number * 1152, 1152, bytes(50_000)))
                await asyncio.sleep(0)
            await asyncio.sleep(30)

        async with running(flood()):
            with pytest.raises(OutputError, match=r"took no sound for 0\.3 s"):
                await source.output.run()
        assert source.longest_publish_s < 0.1


async def test_a_server_that_does_not_answer_is_told_as_such(monkeypatch):
    monkeypatch.setattr(icecast, "ANSWER_TIMEOUT_S", 0.1)
    async with fake_icecast(answer=b"200 ") as server:
        server.answer = b""
        with pytest.raises(OutputError, match="closed the connection instead of answering"):
            await Source(server.port).output.run()
        server.answer = b" 200 "
        with pytest.raises(OutputError, match=r"does not answer\. Is it an Icecast"):
            await Source(server.port).output.run()


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (
            b"HTTP/1.0 401 Authentication Required\r\n\r\n",
            RefusedError,
            "refused the password of user 'source' for mount",
        ),
        (
            b"HTTP/1.0 403 Forbidden\r\n\r\nMountpoint in use",
            OutputError,
            "mount /lofi.mp3 is in use by another source",
        ),
        (b"HTTP/1.0 403 Forbidden\r\n\r\ntoo many sources", RefusedError, "HTTP 403 Forbidden too many sources"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", OutputError, "is no HTTP"),
        (b"HTTP/1.1 \xb2\xb2\xb2 squares\r\n\r\n", OutputError, "is no HTTP"),
    ],
    ids=["password", "in use", "limits", "no http", "no number"],
)
async def test_every_refusal_names_the_place_and_the_remedy(answer, error, words, caplog):
    async with fake_icecast(answer) as server:
        with pytest.raises(OutputError, match=words) as caught:
            await Source(server.port).output.run()
        assert type(caught.value) is error
        assert PASSWORD not in f"{caught.value}{caplog.text}"


async def test_a_port_nobody_listens_at_is_told_with_a_question():
    port = free_port()
    with pytest.raises(OutputError, match=f"http://127.0.0.1:{port} cannot be reached: .*Is Icecast running there?"):
        await Source(port).output.run()


async def test_a_missing_password_is_told_and_asked_for_slowly(monkeypatch):
    monkeypatch.delenv("LOFI_TEST_PASSWORD")
    with pytest.raises(RefusedError, match="LOFI_TEST_PASSWORD is empty or missing"):
        await Source(9).output.run()


async def test_it_connects_when_there_is_sound_and_not_before():
    async with fake_icecast() as server:
        source = Source(server.port, sounds=False)
        async with running(source.output.run()):
            await asyncio.sleep(0.05)
            assert server.sources == []
            source.begin_piece()
            source.publish(CHUNKS[0])
            await settle(lambda: len(server.titles) == 1)


async def test_a_station_that_stops_before_its_first_sound_ends_it_too():
    source = Source(9, sounds=False)
    source.hub.close()
    async with asyncio.timeout(30):
        await source.keep_alive()


async def test_it_ends_by_itself_when_the_station_stops():
    async with fake_icecast() as server:
        source = Source(server.port)
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            tasks.create_task(source.keep_alive())
            await settle(lambda: source.count("icecast_connected") == 1)
            source.hub.close()
        assert source.count("keepalive_restarts_total") == 0


AAC = [(chunk, "x") for chunk in AAC_CHUNKS[:5]]


def opus_sounds():
    encoder, blocks = OpusEncoder(96), []
    for at in range(0, 20 * 2048, 2048):
        chunk = encoder.encode(AudioBlock(at, expected(1)[:2048]))
        if chunk is not None:
            blocks.append((chunk, "x", encoder.head))
    return blocks


@pytest.mark.icecast
@needs_icecast
async def test_a_real_icecast_that_is_killed_has_sound_and_title_back_within_five_seconds(tmp_path):
    async with real_icecast(tmp_path) as server:
        source = Source(server.port)
        async with running(source.keep_alive(), source.play()):
            sound, titles = await server.hear(40_000, timeout_s=60)
            assert titles[-1] == "piece 0 - Eb minor - study"
            assert sound[: sound.rindex(b"\xff\xfb")] in b"".join(chunk.data for chunk in CHUNKS) * 2
            await server.kill()
            await settle(lambda: source.count("icecast_connected") == 0)
            source.begin_piece()
            await asyncio.sleep(0.9)
            await server.start()
            _, titles = await server.hear(20_000, timeout_s=5)
            assert titles[-1] == "piece 1 - Eb minor - study"
            assert source.count("icecast_reconnects_total") == 1
        assert source.longest_publish_s < 0.1


@pytest.mark.icecast
@needs_icecast
async def test_a_real_icecast_with_another_password_is_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("LOFI_TEST_PASSWORD", "wrong")
    async with real_icecast(tmp_path) as server:
        source = Source(server.port)
        with pytest.raises(RefusedError, match=r"HTTP 401.*LOFI_TEST_PASSWORD to the <source-password>"):
            await refused(source)


async def refused(source):
    """Run until the server is up and says no."""
    async with asyncio.timeout(60):
        while True:
            try:
                await source.output.run()
            except RefusedError:
                raise
            except OutputError:
                await asyncio.sleep(0.05)


@pytest.mark.icecast
@needs_icecast
async def test_a_real_icecast_takes_several_mounts_in_every_format_at_once(tmp_path):
    sounds = (("aac", "audio/aac", AAC), ("opus", "audio/ogg", opus_sounds()))
    async with real_icecast(tmp_path) as server:
        sources = []
        for ending, kind, made in sounds:
            source = Source(server.port, sounds=False, format=ending, mount=f"/lofi.{ending}")
            feed = Feed(Station(title="x"), source.hub, source.now, kind, 96)
            source.output = IcecastOutput(source.settings, feed, source.metrics)
            sources.append((source, made))

        async def play():
            while True:
                for source, made in sources:
                    for one in made:
                        source.hub.publish(*one)
                await asyncio.sleep(0.2)

        async with running(play(), *(source.keep_alive() for source, _ in sources)):
            for source, _ in sources:
                await settle(lambda source=source: source.count("icecast_connected") == 1)
            for source, _ in sources:
                mount = source.settings.mount
                async with asyncio.timeout(30):
                    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                    writer.write(f"GET {mount} HTTP/1.0\r\n\r\n".encode())
                    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                    begin = await reader.readexactly(4)
                    writer.close()
                assert " 200 " in head.splitlines()[0], head
                if mount == "/lofi.opus":
                    assert "application/ogg" in head or "audio/ogg" in head
                    assert begin == b"OggS"
                else:
                    assert "audio/aac" in head


@pytest.mark.icecast
@needs_icecast
async def test_a_real_icecast_is_fed_through_tls_when_its_certificate_is_trusted(tmp_path):
    async with real_icecast(tmp_path) as server:
        source = Source(server.tls_port, tls=True, ca_file=server.certificate)
        async with running(source.keep_alive(), source.play()):
            sound, titles = await server.hear(20_000, timeout_s=30)
        assert titles[-1] == "piece 0 - Eb minor - study"
        assert sound[: sound.rindex(b"\xff\xfb")] in b"".join(chunk.data for chunk in CHUNKS) * 2


@pytest.mark.icecast
@needs_icecast
async def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_password_is_sent(tmp_path):
    async with real_icecast(tmp_path) as server:
        with pytest.raises(OutputError, match=r"does not trust \(self-signed certificate\); nothing was sent.*ca_file"):
            await Source(server.tls_port, tls=True).output.run()
