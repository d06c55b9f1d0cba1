"""A station's Icecast output with its hub and titles, without the station."""

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import timedelta

from fakes_clock import EPOCH
from fakes_station import FakeSetup, FakeStation
from real_chunks import MP3_CHUNKS

from radio.clock import SystemClock
from radio.config import Station
from radio.config_outputs import Icecast
from radio.hub import Hub
from radio.keepalive import Keeper, keepalive
from radio.metrics import Metrics
from radio.nowplaying import NowPlaying
from radio.outputs import icecast
from radio.outputs.icecast import Feed, IcecastOutput


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
            self.publish(MP3_CHUNKS[0])

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
            for chunk in MP3_CHUNKS:
                self.publish(chunk)
                await asyncio.sleep(chunk.frames / 48_000)

    async def keep_alive(self):
        await keepalive("icecast ice", self.output.run, icecast.ERRORS, Keeper(self.metrics, SystemClock()))

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"lofi_{name}", {"output": "ice", **labels}) or 0


@asynccontextmanager
async def running(*coroutines):
    async with asyncio.timeout(100), asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(one) for one in coroutines]
        yield
        for task in started:
            task.cancel()
