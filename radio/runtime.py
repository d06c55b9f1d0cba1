"""One station on air: its engine, clock, encoder, hub and board, wired together. Knows nothing about other stations."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from engine import SAMPLE_RATE_HZ, BarStart, Station
from radio import state
from radio.broadcast import Broadcast, Desk
from radio.channel import Channel
from radio.clock import Clock, SystemClock
from radio.config import Config
from radio.direction import LOOK_S, Director, Say, conduct
from radio.ear import Ear
from radio.encoders import AacEncoder, Encoder, Mp3Encoder, PcmEncoder
from radio.encoders_opus import OpusEncoder
from radio.encore import ENCORE_S
from radio.engine_room import EngineRoom
from radio.health import Health
from radio.heard import heard_pieces
from radio.hls import PLAIN
from radio.hub import Hub
from radio.journal import Journal
from radio.lead import Lead
from radio.logbook import Logbook
from radio.metrics import Metrics
from radio.nowplaying import NowPlaying
from radio.outputs.hls import HlsHouse, HlsOutput, Rendition
from radio.outputs.icecast import Feed
from radio.producer import Producer
from radio.sound_recorder import SoundRecorder
from radio.web.stream import Mount
from radio.wishes import Wish, Wishes
from radio.worker import Builder

logger = logging.getLogger(__name__)

REMEMBER_S = 10.0
"""A crash costs so much of a piece at most; a file of a few hundred kB is written each time."""


@dataclass(frozen=True, slots=True)
class House:
    """What all stations share."""

    metrics: Metrics
    journal: Journal
    clock: Clock = field(default_factory=SystemClock)
    builder: Builder = Station.build
    own_process: bool = True
    sounds: SoundRecorder | None = None
    """None: no minute can be played again exactly."""


class StationRuntime:
    """Everything that one entry of `stations:` needs to be on air; the pages see it as a StationView."""

    def __init__(self, name: str, config: Config, house: House) -> None:
        self.name = name
        self.settings = config.stations[name]
        self.now = NowPlaying()
        self.wishes = Wishes()
        self._house = house
        house.metrics.expect_station(name)
        self._state_path = config.state.folder / f"{name}.state"
        saved = state.load(self._state_path)
        if saved is not None and self.settings.seed not in (None, saved.seed):
            logger.info("station %s: begins a new piece: the configuration names another seed", name)
            saved = None
        seed = self.settings.seed if saved is None else saved.seed
        self.director = Director(name, config, config.state.folder / f"{name}.orders.json", house.clock)
        mood = self.director.said(self.director.now()).mood
        setup = config.setup(mood, secrets.randbits(63) if seed is None else seed)
        if self.settings.seed is None:  # a seed that was asked for plays the same music again, whatever was heard
            setup = replace(setup, heard=heard_pieces(config.journal.path, name))
        self.lead = Lead(int(config.engine.lead_s * SAMPLE_RATE_HZ))
        moods = tuple(config.mood(mood) for mood in config.mood_names())
        room = EngineRoom(
            house.builder, setup, moods, house.own_process, clock=house.clock, spare=config.engine.spare,
            hands=self.director.orders.hands,
        )  # fmt: skip
        self.producer = Producer(name, room, self.lead, house.metrics, saved)
        self._health = Health(house.clock)
        self.channels = _channels(name, config)
        self._inner = _inner_channels(name, config)
        every = (*self.channels.values(), *self._inner.values())
        self.ear = Ear(name, {**self.channels, **self._inner}, self._health, house.metrics)
        self._logbook = Logbook(name, house.journal, self.lead, house.sounds)
        desk = Desk(
            name, self.lead, every, self.now, self._health, house.metrics, house.clock, ENCORE_S, self._logbook.tell
        )  # fmt: skip
        self.broadcast = Broadcast(desk, 0 if saved is None else saved.next_frame)
        self.hls = self._make_hls(config) if config.hls.enabled else None
        self._composer = config.engine.composer
        self._new_bar = asyncio.Event()
        self._saving = asyncio.Lock()
        self._save_failed = False
        self.now.watch(self._at_bar)

    @property
    def title(self) -> str:
        """Name for people."""
        return self.settings.title

    @property
    def description(self) -> str:
        """One line about it."""
        return self.settings.description

    @property
    def troubles(self) -> Sequence[str]:
        """What was replaced or is missing, each with its remedy; empty when all is well."""
        rules = (
            ("The engine failed again and again; the rules compose. See the log.",) if self.producer.on_rules else ()
        )
        late = ("No new music is ready; bars heard before are played again.",) if self.broadcast.without_music else ()
        journal = self._house.journal.trouble
        return (*rules, *late, *self.producer.troubles, *((journal,) if journal else ()))

    @property
    def mounts(self) -> Sequence[Mount]:
        """The streams as listeners find them, one for each format."""
        about = (self.name, self.title, self.description, self.settings.genre)
        return [
            Mount(*about, channel.hub, channel.bitrate_kbps, channel.content_type, ending)
            for ending, channel in self.channels.items()
        ]

    @property
    def has_hls(self) -> bool:
        """Whether there is a live playlist."""
        return self.hls is not None

    def feed(self, ending: str) -> Feed:
        """The stream as outputs send it; `ending`: one of the mounts', or `pcm`."""
        channel = self._inner[ending] if ending in self._inner else self.channels[ending]
        return Feed(self.settings, channel.hub, self.now, channel.content_type, channel.bitrate_kbps)

    def hub_listeners(self) -> int:
        """Listeners connected to our own mounts."""
        return sum(channel.hub.listeners for channel in self.channels.values())

    def end_streams(self) -> None:
        """End every stream once its listeners have what is pending."""
        for channel in (*self.channels.values(), *self._inner.values()):
            channel.hub.close()

    def healthy(self) -> tuple[bool, str]:
        """Whether audio advanced and was not silent in the last 2 s, and why."""
        return self._health.healthy()

    def follow(self, config: Config) -> None:
        """Take an edited configuration."""
        self.director.follow(config)
        self.direct()

    def direct(self) -> bool:
        """Have the music follow whoever has the say now; False when it does already."""
        return conduct(self.director, self.producer, self._tell)

    async def conduct(self) -> None:
        """Follow the clock on the wall for ever."""
        while True:
            self.direct()
            await self._house.clock.sleep_until(self._house.clock.now_s() + LOOK_S)

    async def remember(self) -> None:
        """Write down every few seconds where the music is, for ever."""
        while True:
            await self._new_bar.wait()
            self._new_bar.clear()
            await self.save()
            await self._house.clock.sleep_until(self._house.clock.now_s() + REMEMBER_S)

    async def save(self) -> None:
        """Write down where the music is; a disk that refuses is logged and harms nothing else."""
        sounding = self.now.current
        if sounding is None:
            return
        bar = sounding.bar
        saved = self.producer.saved(self.broadcast.frame, bar.index + 1, bar.piece.number + 1)
        if saved is None:
            return
        async with self._saving:  # a slow disk: the last one before a stop must not meet the one before in one file
            try:
                await asyncio.to_thread(state.save, self._state_path, saved)
                self._save_failed = False
            except OSError as problem:
                level = logging.DEBUG if self._save_failed else logging.WARNING  # every 10 s, on a full disk for days
                self._save_failed = True
                logger.log(
                    level, "%s: cannot be written (%s): a restart would begin a new piece. "
                    "Make its folder writable, or free some disk space.", self._state_path, problem,
                )  # fmt: skip

    def close(self) -> None:
        """Free the encoder's thread."""
        self.broadcast.close()

    def _tell(self, say: Say) -> None:
        asked_at, reach = self._house.clock.wall(), self.producer.reach
        self.wishes.tell(Wish(say.mood.name, say.by, asked_at, reach, say.mood.drift_minutes))

    def _make_hls(self, config: Config) -> HlsOutput:
        house = HlsHouse(
            self.name,
            config.state.folder / f"{self.name}.hls",
            config.hls.folder,
            self._house.metrics,
            self._house.clock,
        )
        return HlsOutput(self._renditions(config), config.hls.listed, house)

    def _renditions(self, config: Config) -> Mapping[str, Rendition]:
        if not config.hls.renditions:
            channel = self.channels["aac"]
            return {PLAIN: Rendition(channel.hub, channel.bitrate_kbps)}
        channels = {one.name: self._inner[f"hls {one.name}"] for one in config.hls.renditions}
        return {name: Rendition(channel.hub, channel.bitrate_kbps) for name, channel in channels.items()}

    def _at_bar(self, start: BarStart, wall: datetime) -> None:
        fallback = start.bar.composer != self._composer
        self._house.metrics.composer_fallback.labels(self.name).set(int(fallback))
        self._logbook.write(start, wall, self.producer)
        self._new_bar.set()


def _channels(station: str, config: Config) -> Mapping[str, Channel]:
    """Make one channel for each format, by the ending of its mount."""
    encoders = config.encoders
    makers: dict[str, Callable[[], Encoder]] = {
        "mp3": partial(Mp3Encoder, encoders.mp3.bitrate_kbps),
        "aac": partial(AacEncoder, encoders.aac.bitrate_kbps),
        "opus": partial(OpusEncoder, encoders.opus.bitrate_kbps),
    }
    burst_bytes = config.server.burst_bytes
    return {ending: Channel(f"{station} {ending}", make, Hub(burst_bytes)) for ending, make in makers.items()}


def _inner_channels(station: str, config: Config) -> Mapping[str, Channel]:
    """Make the channels that have no mount of their own: plain samples, and HLS in several qualities."""
    channels = {"pcm": Channel(f"{station} pcm", PcmEncoder, Hub(0))}
    for one in config.hls.renditions if config.hls.enabled else ():
        channels[f"hls {one.name}"] = Channel(
            f"{station} hls {one.name}", partial(AacEncoder, one.bitrate_kbps), Hub(0)
        )
    return channels
