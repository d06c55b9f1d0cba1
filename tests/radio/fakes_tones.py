"""A station whose sound tells which bar it is: each bar is one tone, from down-beat to down-beat.

The broadcast, its clock, the encoders, the hubs and HLS are the real ones; only the engine is not.
"""

import asyncio
import itertools
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import numpy as np
from aiohttp import web

from engine import DOWNBEAT_FRAMES, SAMPLE_RATE_HZ, AudioBlock, Bar, BarStart, Chord, NoteEvent, Part, Piece, Section
from radio.broadcast import Broadcast, Desk
from radio.channel import Channel
from radio.clock import SystemClock
from radio.encoders import AacEncoder, Mp3Encoder
from radio.health import Health
from radio.hls import PLAIN
from radio.hub import Hub
from radio.lead import Lead, LeadBar
from radio.metrics import Metrics
from radio.nowplaying import NowPlaying
from radio.outputs.hls import HlsHouse, HlsOutput, Rendition
from radio.web.ambience import Ambience
from radio.web.app import make_app
from radio.web.arrivals import Arrivals
from radio.web.hls import Hls
from radio.web.stream import Mount, Streams
from radio.wishes import Wishes

BAR_FRAMES = 2 * SAMPLE_RATE_HZ
BARS_A_PIECE = 4
TONES = 12
LOOPS = Path(__file__).parents[2] / "loops"
TITLES = ("Paper Lanterns", "Tea Going Cold", "Window Seat, Rear Car", "Rain on the Awning", "Slow Elevator")
QUALITIES = ("maj7", "min7", "7", "min7", "maj7", "hdim7")
_EDGE_FRAMES = 480


def tone_hz(index):
    """The tone of a bar; neighbours are 150 Hz apart."""
    return 400.0 + 150.0 * (index % TONES)


def bar_of(index, mood="rainy"):
    number = index // BARS_A_PIECE
    piece = Piece(number, TITLES[number % 5], 7, 120.0, 3, True, BARS_A_PIECE)
    chord = Chord(index % TONES, QUALITIES[index % 6])
    return Bar(index, piece, index % BARS_A_PIECE, Section.A, (chord, None), events_of(index), mood, "models")


def events_of(index):
    """A chord, a bass note and a backbeat, so that there is something to draw."""
    root = index % TONES
    keys = [(at, 70, 52 + (root + step) % 12 + lift, Part.KEYS) for at in (0, 84) for step, lift in CHORD]
    drums = [(at, 20, 36, Part.DRUMS) for at in (0, 108)] + [(at, 20, 38, Part.DRUMS) for at in (48, 144)]
    hats = [(at, 12, 42, Part.DRUMS) for at in range(0, 192, 24)]
    events = [*keys, (0, 90, 36 + root, Part.BASS), *drums, *hats]
    return tuple(NoteEvent(tick, length, pitch, 80, part) for tick, length, pitch, part in sorted(events))


CHORD = ((0, 0), (3, 0), (7, 12), (10, 12))


def block_of(index):
    """A bar's frames: the tone before it until its down-beat, then its own."""
    times_s = (index * BAR_FRAMES + np.arange(BAR_FRAMES)) / SAMPLE_RATE_HZ
    before, own = (np.sin(2 * np.pi * tone_hz(at) * times_s) for at in (index - 1, index))
    tone = np.where(np.arange(BAR_FRAMES) < DOWNBEAT_FRAMES, before if index else 0.0, own)
    rise = np.clip((np.arange(BAR_FRAMES) - DOWNBEAT_FRAMES) / _EDGE_FRAMES, 0, 1)
    fall = np.clip((DOWNBEAT_FRAMES - np.arange(BAR_FRAMES)) / _EDGE_FRAMES, 0, 1)
    sound = (0.1 * tone * np.maximum(rise, fall)).astype(np.float32)
    start = BarStart(index * BAR_FRAMES, BAR_FRAMES, bar_of(index))
    return AudioBlock(start.frame, np.stack([sound, sound], axis=1), (start,))


class ToneStation:
    """What `radio.web.views.StationView` asks for, on air."""

    description = "Tones, one for each bar."
    troubles = ()
    has_hls = True

    def __init__(self, folder, name="lofi", title="lofi radio", first_bar=0):
        self.name, self.title = name, title
        self.metrics, self.now, self.wishes = Metrics(), NowPlaying(), Wishes()
        clock = SystemClock()
        self.health = Health(clock)
        self.lead = Lead(10**9)
        self.channels = {
            "mp3": Channel("mp3", Mp3Encoder, Hub(65_536)),
            "aac": Channel("aac", AacEncoder, Hub(65_536)),
        }
        desk = Desk(
            name, self.lead, tuple(self.channels.values()), self.now, self.health, self.metrics, clock
        )  # fmt: skip
        self.broadcast = Broadcast(desk, first_bar * BAR_FRAMES)
        house = HlsHouse(name, folder / f"{name}.hls", None, self.metrics, clock)
        self.hls = HlsOutput({PLAIN: Rendition(self.channels["aac"].hub, 128)}, 6, house)
        self._indexes = itertools.count(first_bar)

    has_hls = True

    def hub_listeners(self):
        return sum(channel.hub.listeners for channel in self.channels.values())

    def healthy(self):
        return self.health.healthy()

    async def compose(self):
        """Keep twenty bars in store."""
        while True:
            while self.lead.frames < 20 * BAR_FRAMES:
                self.lead.add(LeadBar(block_of(next(self._indexes)), b""))
                await asyncio.sleep(0)
            self.lead.changed.clear()
            await self.lead.changed.wait()

    @asynccontextmanager
    async def on_air(self):
        """Be on air with all tasks."""
        tasks = [asyncio.ensure_future(one) for one in (self.compose(), self.broadcast.run(), self.hls.run())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            self.broadcast.close()

    @property
    def mounts(self):
        about = (self.name, self.title, self.description, "lo-fi")
        types = {"mp3": "audio/mpeg", "aac": "audio/aac"}
        return [Mount(*about, one.hub, 128, types[ending], ending) for ending, one in self.channels.items()]


@asynccontextmanager
async def served(*stations, port=0, add=()):
    """Serve stations that are on air; yields the address of the first one's page."""
    views = {station.name: station for station in stations}
    metrics = Metrics()
    app = make_app(views, metrics)
    arrivals = Arrivals()
    arrivals.add_routes(app)
    Ambience(LOOPS).add_routes(app)
    streams = Streams(metrics, 20, arrivals)
    streams.add_routes(app, [mount for station in stations for mount in station.mounts])
    Hls({name: station.hls for name, station in views.items()}).add_routes(app, first=stations[0].name)
    for more in add:
        more(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
