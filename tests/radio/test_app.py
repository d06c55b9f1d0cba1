"""The whole radio over real sockets, with an engine that plays sines in a process of its own."""

import asyncio
import io
import os
import re
import signal
import socket
import time
from contextlib import asynccontextmanager

import aiohttp
import av
import numpy as np
import psutil
import pytest
from fakes_clock import settle
from fakes_ports import free_port
from fakes_station import FakeSetup, FakeStation

from engine import EngineError, StationSetup
from radio.app import run
from radio.errors import PortError, RadioError

CONFIG = """
server: {{port: {port}}}
engine: {{lead_s: 20.0}}  # a busy machine takes its time to start a process
stations:
  lofi: {{mood: study, seed: 5}}
"""
TWO = CONFIG + "  night: {{mood: rainy, seed: 6}}\n"


def build_sines(setup: StationSetup):
    return FakeStation(FakeSetup(mood=setup.mood, seed=setup.seed, composer=setup.composer))


def build_nothing(setup: StationSetup):
    raise EngineError("bank.sf2: not found. Install fluid-soundfont, or set engine.soundfont.")


class Radio:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.web = aiohttp.ClientSession()

    async def text(self, path):
        async with self.web.get(self.url + path) as answer:
            return await answer.text()

    async def count(self, name, station="lofi"):
        found = re.search(rf'^lofi_{name}{{station="{station}"}} (\S+)$', await self.text("/metrics"), re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    async def now(self):
        async with self.web.get(f"{self.url}/api/nowplaying") as answer:
            return (await answer.json())["lofi"]

    async def ready(self):
        try:
            async with self.web.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def until(self, condition, timeout_s=80):
        async with asyncio.timeout(timeout_s):
            while not await condition():  # noqa: ASYNC110 - what is waited for is at the other end of a socket
                await asyncio.sleep(0.05)

    async def record(self, path="/stream.mp3"):
        """Listen until the station ends the stream."""
        async with self.web.get(self.url + path) as answer:
            return await answer.read()


def engines():
    alive = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in alive if "spawn_main" in " ".join(child.cmdline())]


@asynccontextmanager
async def on_air(folder, port, text=CONFIG):
    """The radio, started; stopped by SIGTERM in the end."""
    config = folder / "config.yaml"
    if not config.exists():
        config.write_text(text.format(port=port))
    radio = Radio(port)
    try:
        async with asyncio.timeout(110), asyncio.TaskGroup() as tasks:
            tasks.create_task(run(config, builder=build_sines))
            await radio.until(radio.ready)
            yield radio
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        await radio.web.close()


def decode(data):
    with av.open(io.BytesIO(data), format="mp3") as container:
        return np.concatenate([frame.to_ndarray().T for frame in container.decode(audio=0)])


def hole_frames(sound):
    """Longest run in which the sine is gone."""
    loud = np.abs(sound[:, 0]) > 0.01
    edges = np.flatnonzero(np.diff(np.concatenate([[True], loud, [True]]).astype(int)))
    return int(np.diff(edges).max()) if len(edges) > 1 else 0


async def test_a_day_in_the_life_of_a_radio(tmp_path):
    port = free_port()
    async with on_air(tmp_path, port, TWO) as radio:
        async with asyncio.TaskGroup() as listeners:
            heard = listeners.create_task(radio.record())
            night = listeners.create_task(radio.record("/night/stream.mp3"))
            await asyncio.sleep(0.5)

            # the engine is killed: nobody notices
            engines()[0].kill()
            await radio.until(lambda: restarted(radio))

            # the mood is edited: heard at a bar line; a broken edit changes nothing
            config = tmp_path / "config.yaml"
            config.write_text(config.read_text().replace("mood: study", "mood: rainy"))
            await radio.until(lambda: is_mood(radio, "rainy"))
            config.write_text(config.read_text().replace("mood: rainy", "mood: rainny"))
            await radio.until(lambda: contains(radio, 'lofi_config_reloads_total{result="rejected"} 1.0'))
            assert (await radio.now())["mood"] == "rainy"

            for station in ("lofi", "night"):
                assert await radio.count("underrun_frames_total", station) == 0
            aired = await radio.count("bars_broadcast_total")
            last_bar = max(bar["piece"] * 8 + bar["piece_bar"] for bar in (await radio.now())["bars"])
            began_s = time.monotonic()
            os.kill(os.getpid(), signal.SIGTERM)
        assert time.monotonic() - began_s < 5
        sound = decode(heard.result())
        fade_frames = 48_000 + 4 * 1152
        assert hole_frames(sound[2 * 1152 : -fade_frames]) < 300, "a sine of 200 Hz is quiet for 0.1 ms at a time"
        assert np.abs(sound[-1152:]).max() < 0.01, "it fades out"
        assert len(decode(night.result())) > 48_000
    assert engines() == []

    # the next run goes on with the next bar
    config.write_text(config.read_text().replace("rainny", "rainy"))
    async with on_air(tmp_path, port) as radio:
        first = (await radio.now())["bars"][0]
        assert first["piece"] * 8 + first["piece_bar"] >= last_bar
        assert await radio.count("bars_broadcast_total") < aired


async def restarted(radio):
    return await radio.count("engine_restarts_total") + await radio.count("engine_restarts_total", "night") == 1


async def at_least(number, least):
    return await number >= least


async def is_mood(radio, mood):
    return (await radio.now())["mood"] == mood


async def contains(radio, line):
    return line in await radio.text("/metrics")


async def test_a_port_in_use_is_one_sentence_with_the_remedy(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / "config.yaml").write_text(CONFIG.format(port=port))
        with pytest.raises(PortError, match=f"127.0.0.1:{port}: .*in use.*server.port"):
            await run(tmp_path / "config.yaml", builder=build_sines)


async def test_an_engine_that_cannot_be_built_ends_the_radio_with_its_sentence(tmp_path):
    (tmp_path / "config.yaml").write_text(CONFIG.format(port=free_port()))
    async with asyncio.timeout(90):
        with pytest.raises(RadioError, match=r"bank\.sf2: not found\. Install fluid-soundfont"):
            await run(tmp_path / "config.yaml", builder=build_nothing)
    await settle(lambda: engines() == [])


async def test_a_state_folder_that_cannot_be_written_harms_nothing_else(tmp_path, caplog):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "lofi.new").mkdir()  # in the way of the file that is written
    async with on_air(tmp_path, free_port()) as radio:
        await radio.until(lambda: at_least(radio.count("bars_broadcast_total"), 3))
    assert "a restart would begin a new piece" in caplog.text


async def test_who_asks_for_nothing_is_shown_out_and_listeners_stay(tmp_path, monkeypatch):
    monkeypatch.setattr("radio.web.server.IDLE_S", 0.5)
    port = free_port()
    async with on_air(tmp_path, port) as radio, radio.web.get(radio.url + "/stream.mp3") as stream:
        silent, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(silent.read(), 20) == b""
        writer.close()
        await stream.content.readexactly(60_000)
