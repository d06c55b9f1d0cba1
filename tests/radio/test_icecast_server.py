"""The source client against a real Icecast: killed, with another password, in every format, through TLS."""

import asyncio

import pytest
from fakes_clock import settle
from fakes_source import Source, running
from fakes_station import expected
from real_chunks import AAC_CHUNKS, MP3_CHUNKS
from real_icecast import PASSWORD, needs_icecast, real_icecast

from engine import AudioBlock
from radio.config import Station
from radio.encoders_opus import OpusEncoder
from radio.errors import OutputError
from radio.keepalive import RefusedError
from radio.outputs.icecast import Feed, IcecastOutput


@pytest.fixture(autouse=True)
def _password(monkeypatch):
    monkeypatch.setenv("LOFI_TEST_PASSWORD", PASSWORD)


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
            assert sound[: sound.rindex(b"\xff\xfb")] in b"".join(chunk.data for chunk in MP3_CHUNKS) * 2
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
        assert sound[: sound.rindex(b"\xff\xfb")] in b"".join(chunk.data for chunk in MP3_CHUNKS) * 2


@pytest.mark.icecast
@needs_icecast
async def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_password_is_sent(tmp_path):
    async with real_icecast(tmp_path) as server:
        with pytest.raises(OutputError, match=r"does not trust \(self-signed certificate\); nothing was sent.*ca_file"):
            await Source(server.tls_port, tls=True).output.run()
