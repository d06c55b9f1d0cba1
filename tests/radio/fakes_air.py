"""An HLS output on the air: real segments and files, a clock that is turned by hand."""

import asyncio
import re
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from fakes_clock import ManualClock, settle
from real_chunks import AAC_CHUNKS as CHUNKS
from real_chunks import AAC_FRAMES as LENGTH

from radio.encoders import EncodedChunk
from radio.hls import SEGMENT_FRAMES
from radio.hub import Hub
from radio.metrics import Metrics
from radio.outputs.hls import HlsHouse, HlsOutput, Rendition
from radio.web.hls import Hls


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
