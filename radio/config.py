"""The configuration: one frozen tree, every field with its range.

Knows nothing about YAML, watched files or reloads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetPydanticSchema,
    StringConstraints,
    model_validator,
)
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

from engine import MOODS, Mood, StationSetup, find_mood
from radio.config_moods import MoodPatch, own_mood
from radio.errors import SecretError


class Live:
    """Marks a field that may change while on air; every other field needs a restart."""


Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$"),
    Field(description="1-32 lower-case letters, digits and dashes"),
]
"""It becomes part of a URL."""
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="one line of text, 1-200 characters"),
]
"""It travels in HTTP headers."""
_LABEL, _IPV6 = "[A-Za-z0-9_-]{1,63}", "[0-9A-Fa-f]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*"
Host = Annotated[
    str,
    StringConstraints(max_length=253, pattern=rf"^({_LABEL}(\.{_LABEL})*\.?|\[?{_IPV6}(%[A-Za-z0-9._-]+)?\]?)$"),
    Field(description="a host name or address, such as 127.0.0.1, :: or radio.example.org"),
]
AnyPath = Annotated[Path, Field(strict=False, description="a path (relative ones start at config.yaml's folder)")]
Port = Annotated[int, Field(ge=1, le=65535)]


class Part(BaseModel):
    """A part of the tree: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


class Server(Part):
    """The web server: pages, streams, metrics."""

    host: Host = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """0 lets the system choose a free one."""
    max_listeners: Annotated[int, Field(ge=1, le=100_000)] = 500
    burst_bytes: Annotated[int, Field(ge=0, le=1_048_576)] = 65_536
    """Sound sent at once to a new listener, so that players start without waiting."""


class Engine(Part):
    """Who composes and how it sounds."""

    piano_model: AnyPath = Path("models/piano")
    drums_model: AnyPath = Path("models/drums")
    backend: Literal["onnx", "rwkv"] = "onnx"
    soundfont: AnyPath | None = None
    """None: the distribution's MuseScore General small bank."""
    loops: AnyPath = Path("loops")
    composer: Literal["models", "rules"] = "models"
    lead_s: Annotated[float, Field(ge=2, le=60)] = 12.0
    """Music composed ahead of the broadcast."""
    spare: bool = True
    """Keep a second engine ready; it takes over within a second and costs 250 MB of memory a station."""
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


class Hls(Part):
    """HTTP Live Streaming: AAC in segments of 4.032 s."""

    enabled: bool = True
    """False: nothing is encoded for it and nothing served."""
    listed: Annotated[int, Field(ge=6, le=60)] = 6
    """Segments in the playlist."""
    folder: AnyPath | None = None
    """Where to keep a copy for another web server, one folder for each station; None: nowhere."""


class Station(Part):
    """One stream of music."""

    title: Text = "lofi radio"
    description: Text = "Piano and drums, composed as you listen by two small recurrent networks."
    genre: Text = "lo-fi"
    mood: Annotated[str, Live()] = "study"
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    """None: a new one at every start (it is in the journal)."""


class Icecast(Part):
    """An Icecast server that we are a source for."""

    name: Name
    station: str = "lofi"
    host: Host
    port: Port = 8000
    mount: Annotated[
        str,
        StringConstraints(pattern=r"^/[A-Za-z0-9._~/\-]{1,120}$"),
        Field(description="a path that starts with /, such as /lofi.mp3"),
    ] = "/lofi.mp3"
    user: Annotated[
        str, StringConstraints(pattern=r"^[^:\x00-\x1f\x7f]{1,100}$"), Field(description="a user name without a colon")
    ] = "source"
    password_env: (
        Annotated[
            str,
            StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
            Field(description="the name of an environment variable that holds the password"),
        ]
        | None
    ) = None
    password_file: AnyPath | None = None
    tls: bool = False
    public: bool = False
    """True: announce the stream in public directories."""
    url: (
        Annotated[
            str,
            StringConstraints(pattern=r"^https?://[^\s\x00-\x1f@]{1,500}$"),
            Field(description="a web address that starts with http:// or https://"),
        ]
        | None
    ) = None
    """Home page of the station, shown by players."""

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if (self.password_env is None) == (self.password_file is None):
            raise ValueError(
                "name exactly one place for the password: password_env (the name of an environment variable) "
                "or password_file (a file that holds it and nothing else)"
            )
        return self

    def password(self, environ: Mapping[str, str] = os.environ) -> str:
        """Fetch the password from its environment variable or file."""
        if self.password_file is not None:
            try:
                secret = self.password_file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as problem:
                raise SecretError(
                    f"icecast {self.name}: cannot read its password_file {self.password_file} ({problem}). "
                    "Put the password there, readable by the user that runs the radio."
                ) from problem
            where = f"the file {self.password_file}"
        else:
            secret = environ.get(self.password_env or "", "").strip()
            where = f"the environment variable {self.password_env}"
        if not secret:
            raise SecretError(f"icecast {self.name}: {where} is empty or missing. Put the source password there.")
        return secret


class Journal(Part):
    """The diary of every bar that went on air."""

    path: AnyPath = Path("state/journal.sqlite3")
    keep_days: Annotated[int, Field(ge=0, le=36_500)] = 90
    """0 keeps everything."""


class State(Part):
    """Where the station remembers what it was playing."""

    folder: AnyPath = Path("state")


class Log(Part):
    """What is written to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["text", "json"] = "text"


def _patch_schema(_source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
    """Check a mood's patch as `MoodPatch`, and keep the keys that were given as a plain dict."""
    return no_info_after_validator_function(
        lambda patch: patch.model_dump(exclude_unset=True), handler.generate_schema(MoodPatch)
    )


_AS_PATCH = GetPydanticSchema(_patch_schema)


class Config(Part):
    """The whole tree. `Config()` is what an empty config.yaml means."""

    server: Server = Server()
    engine: Engine = Engine()
    encoders: Encoders = Encoders()
    hls: Hls = Hls()
    stations: Annotated[dict[Name, Station], Field(min_length=1)] = Field(default={"lofi": Station()})
    icecast: tuple[Icecast, ...] = Field(default=(), strict=False)
    journal: Journal = Journal()
    state: State = State()
    log: Log = Log()
    moods: Annotated[dict[Name, Annotated[dict[str, Any], _AS_PATCH]], Live()] = Field(default={})
    """Own moods: name → {base: a mood, any field of a mood}."""

    def mood(self, name: str) -> Mood:
        """Find a mood by name, our own ones first; raises engine.MoodError with a suggestion."""
        if name in self.moods:
            return own_mood(name, self.moods[name])
        return find_mood(name)

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
