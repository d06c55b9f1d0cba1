"""The configuration: one frozen tree, every field with its range.

Knows nothing about YAML, watched files or reloads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

from engine import MOODS, Mood, StationSetup, find_mood, mixed
from radio.config_moods import MoodChoice, MoodPatch, own_mood
from radio.config_news import TextFile, Webhook
from radio.config_outputs import Device, Hls, Icecast, Push, Record
from radio.config_parts import AnyPath, Host, Live, Name, Part, Text
from radio.config_schedule import ScheduleEntry, TimeZone, zone
from radio.config_security import Security
from radio.schedule import Schedule


class Server(Part):
    """The web server: pages, streams, metrics."""

    host: Host = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """0 lets the system choose a free one."""
    max_listeners: Annotated[int, Field(ge=1, le=100_000)] = 500
    max_event_clients: Annotated[int, Field(ge=0, le=100_000)] = 500
    """Pages and scripts that follow /api/events or /api/ws; 0 switches both off."""
    burst_bytes: Annotated[int, Field(ge=0, le=1_048_576)] = 65_536
    """Sound sent at once to a new listener, so that players start without waiting."""


class Engine(Part):
    """Who composes and how it sounds."""

    piano_model: AnyPath = Path("models/piano")
    drums_model: AnyPath = Path("models/drums")
    backend: Literal["auto", "native", "onnx", "rwkv"] = "auto"
    soundfont: AnyPath | None = None
    """None: the distribution's MuseScore General small bank."""
    loops: AnyPath = Path("loops")
    composer: Literal["models", "rules"] = "models"
    lead_s: Annotated[float, Field(ge=2, le=60)] = 8.0
    """Music composed ahead of the broadcast."""
    spare: bool = True
    """Keep a second engine ready; it takes over within a second and costs 60 MB of memory a station."""
    target_lufs: Annotated[float, Field(ge=-30, le=-10)] = -16.0


class Mp3(Part):
    """The MP3 encoder."""

    bitrate_kbps: Literal[64, 80, 96, 112, 128, 160, 192, 224, 256, 320] = 128


class Aac(Part):
    """The AAC-LC encoder; HLS sends what it makes, too."""

    bitrate_kbps: Annotated[int, Field(ge=64, le=320)] = 128


class Opus(Part):
    """The Opus encoder."""

    bitrate_kbps: Annotated[int, Field(ge=32, le=256)] = 96


class Encoders(Part):
    """One entry for each format on air; one that nobody listens to costs nothing."""

    mp3: Mp3 = Mp3()
    aac: Aac = Aac()
    opus: Opus = Opus()


class Station(Part):
    """One stream of music."""

    title: Text = "lofi radio"
    description: Text = "Piano and drums, composed as you listen by two small recurrent networks."
    genre: Text = "lo-fi"
    mood: Annotated[MoodChoice, Live()] = "study"
    """The name of a mood, or several with their weights."""
    drift_minutes: Annotated[float, Field(ge=0, le=240), Live()] = 0.0
    """How long the music takes from one mood to the next; 0: from the next bar line on."""
    schedule: Annotated[tuple[ScheduleEntry, ...], Field(strict=False), Live()] = ()
    """Moods by time of day and weekday, and one-off events."""
    timezone: Annotated[TimeZone, Live()] = "UTC"
    """Where the schedule's clock hangs."""
    text_file: TextFile | None = None
    """A file that says what plays, for OBS and others; None: nowhere."""
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    """None: a new one at every start (it is in the journal)."""

    def clockwork(self) -> Schedule:
        """The schedule, ready to be asked."""
        return Schedule([line.entry() for line in self.schedule], zone(self.timezone))


class Journal(Part):
    """The diary of every bar that went on air."""

    path: AnyPath = Path("state/journal.sqlite3")
    keep_days: Annotated[int, Field(ge=0, le=36_500)] = 90
    """0 keeps everything."""


class Replay(Part):
    """What is kept so that past minutes can be played again, and who may ask for them."""

    keep_hours: Annotated[int, Field(ge=0, le=87_600)] = 168
    """0 keeps nothing: notes can still be played again, the sound only alike."""
    state_every_s: Annotated[float, Field(ge=10, le=600)] = 60.0
    clip_s: Annotated[int, Field(ge=0, le=3_600)] = 600
    """Longest clip over HTTP; 0: no route for clips."""
    clips_a_minute: Annotated[int, Field(ge=1, le=1_000)] = 6
    """New clips that an address may ask for."""
    clips_mb: Annotated[int, Field(ge=10, le=1_000_000)] = 500
    """Clips that were made are kept for who asks again; the oldest go first."""


class State(Part):
    """Where the station remembers what it was playing."""

    folder: AnyPath = Path("state")


class Log(Part):
    """What is written to standard error, and to a file that rotates when there is one."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["text", "json"] = "text"
    file: AnyPath | None = None
    max_bytes: Annotated[int, Field(ge=10_000, le=10**10)] = 10_000_000
    backups: Annotated[int, Field(ge=1, le=1_000)] = 5


def _patch_schema(_source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
    """Check a mood's patch as `MoodPatch`, and keep the keys that were given as a plain dict."""
    return no_info_after_validator_function(
        lambda patch: patch.model_dump(exclude_unset=True), handler.generate_schema(MoodPatch)
    )


_AS_PATCH = GetPydanticSchema(_patch_schema)


class Config(Part):
    """The whole tree. `Config()` is what an empty config.yaml means."""

    server: Server = Server()
    security: Security = Security()
    engine: Engine = Engine()
    encoders: Encoders = Encoders()
    hls: Hls = Hls()
    stations: Annotated[dict[Name, Station], Field(min_length=1)] = Field(default={"lofi": Station()})
    icecast: tuple[Icecast, ...] = Field(default=(), strict=False)
    device: tuple[Device, ...] = Field(default=(), strict=False)
    push: tuple[Push, ...] = Field(default=(), strict=False)
    record: tuple[Record, ...] = Field(default=(), strict=False)
    webhooks: tuple[Webhook, ...] = Field(default=(), strict=False)
    journal: Journal = Journal()
    replay: Replay = Replay()
    state: State = State()
    log: Log = Log()
    moods: Annotated[dict[Name, Annotated[dict[str, Any], _AS_PATCH]], Live()] = Field(default={})
    """Own moods: name → {base: a mood, any field of a mood}."""

    def mood(self, choice: str | Mapping[str, float]) -> Mood:
        """Find a mood by name, our own ones first, or mix several; raises engine.MoodError with a suggestion."""
        if not isinstance(choice, str):
            return mixed([(self.mood(name), weight) for name, weight in choice.items()])
        if choice in self.moods:
            return own_mood(choice, self.moods[choice])
        return find_mood(choice)

    def station_mood(self, name: str) -> Mood:
        """Return the mood that a station is to play, with the time it takes to get there."""
        station = self.stations[name]
        mood = self.mood(station.mood)
        return replace(mood, drift_minutes=station.drift_minutes) if station.drift_minutes else mood

    def setup(self, mood: Mood, seed: int) -> StationSetup:
        """Say what a station of this configuration is made of."""
        engine = self.engine
        return StationSetup(
            mood=mood,
            seed=seed,
            piano_model=engine.piano_model,
            drums_model=engine.drums_model,
            backend=engine.backend,
            soundfont=engine.soundfont,
            loops=engine.loops,
            composer=engine.composer,
            target_lufs=engine.target_lufs,
        )

    def mood_names(self) -> tuple[str, ...]:
        """Names of all moods: the built-in ones, then our own."""
        return tuple(dict.fromkeys((*MOODS, *self.moods)))

    def anchored(self, folder: Path) -> Config:
        """Copy with every relative path made absolute, seen from config.yaml's folder."""
        anchored = _anchor(self, folder.absolute())
        assert isinstance(anchored, Config)
        return anchored


def _anchor(value: object, folder: Path) -> object:
    if isinstance(value, Path):
        return folder / Path(os.path.expanduser(value))  # Path.expanduser raises for a user it does not know
    if isinstance(value, tuple):
        return tuple(_anchor(item, folder) for item in value)
    if isinstance(value, dict):
        return {name: _anchor(item, folder) for name, item in value.items()}
    if isinstance(value, BaseModel):
        changed = {name: _anchor(getattr(value, name), folder) for name in type(value).model_fields}
        return value.model_copy(update=changed)
    return value


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs between two trees."""

    path: str
    """`stations.lofi.mood`"""
    old: object
    new: object
    live: bool
    """True: applied while on air. False: needs a restart."""

    def __str__(self) -> str:
        return f"{self.path}: {_shown(self.old)} → {_shown(self.new)}"


def diff(old: Config, new: Config) -> tuple[Change, ...]:
    """List every value that differs, in the order of the tree."""
    return tuple(_differences(old, new, "", live=False))


def _differences(old: object, new: object, path: str, *, live: bool) -> Iterator[Change]:
    if isinstance(old, BaseModel) and type(old) is type(new):
        for name, field in type(old).model_fields.items():
            here = f"{path}.{name}" if path else name
            marked = live or any(isinstance(mark, Live) for mark in field.metadata)
            yield from _differences(getattr(old, name), getattr(new, name), here, live=marked)
    elif isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys((*old, *new)):
            yield from _differences(old.get(name), new.get(name), f"{path}.{name}", live=live)
    elif old != new:
        yield Change(path, old, new, live)


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    return value.model_dump_json() if isinstance(value, BaseModel) else str(value)
