"""The source client, against a fake that misbehaves."""

import asyncio
import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from fakes_clock import settle
from fakes_icecast import fake_icecast
from fakes_ports import free_port
from fakes_source import Source, running
from real_chunks import MP3_CHUNKS
from real_icecast import PASSWORD

from radio.encoders import EncodedChunk
from radio.errors import OutputError
from radio.keepalive import RefusedError
from radio.outputs import icecast

MP3_FRAME_S = 1152 / 48_000


@pytest.fixture(autouse=True)
def _password(monkeypatch):
    monkeypatch.setenv("LOFI_TEST_PASSWORD", PASSWORD)


async def test_it_sends_the_sound_unchanged_and_says_who_it_is():
    async with fake_icecast() as server:
        source = Source(server.port, url="https://radio.example")
        async with running(source.output.run()):
            await settle(lambda: server.sources)
            await settle(lambda: source.count("icecast_connected") == 1)
            for chunk in MP3_CHUNKS[:50]:
                source.publish(chunk)
            sent = b"".join(chunk.data for chunk in MP3_CHUNKS[:50])
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
            source.publish(MP3_CHUNKS[0])
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
