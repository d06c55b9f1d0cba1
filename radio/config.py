"""The configuration: one frozen tree, every field with its range.

Knows nothing about YAML, watched files or reloads.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from radio.errors import SecretError


class Live:
    """Marks a field that may change while on air; every other field needs a restart."""


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
"""Lower case letters, digits and dashes: it becomes part of a URL."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""One line, no control characters: it travels in HTTP headers."""
Host = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_%\-\[\]]+$")]
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

    piano_model: Annotated[Path, Field(strict=False)] = Path("models/piano")
    drums_model: Annotated[Path, Field(strict=False)] = Path("models/drums")
    backend: Literal["onnx", "rwkv"] = "onnx"
    soundfont: Annotated[Path, Field(strict=False)] | None = None
    """None: the distribution's MuseScore General small bank."""
    loops: Annotated[Path, Field(strict=False)] = Path("loops")
    composer: Literal["models", "rules"] = "models"
    lead_s: Annotated[float, Field(ge=2, le=60)] = 8.0
    """Music composed ahead of the broadcast."""
    target_lufs: Annotated[float, Field(ge=-30, le=-10)] = -16.0


class Mp3(Part):
    """The MP3 encoder."""

    bitrate_kbps: Literal[64, 80, 96, 112, 128, 160, 192, 224, 256, 320] = 128


class Encoders(Part):
    """One entry for each format on air."""

    mp3: Mp3 = Mp3()


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
    mount: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/\-]{1,120}$")] = "/lofi.mp3"
    user: Annotated[str, StringConstraints(min_length=1, pattern=r"^[^:\x00-\x1f\x7f]+$")] = "source"
    password_env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    password_file: Annotated[Path, Field(strict=False)] | None = None
    tls: bool = False
    public: bool = False
    """True: announce the stream in public directories."""
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00-\x1f]+$", max_length=500)] | None = None
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

    path: Annotated[Path, Field(strict=False)] = Path("state/journal.sqlite3")
    keep_days: Annotated[int, Field(ge=0, le=36_500)] = 90
    """0 keeps everything."""


class State(Part):
    """Where the station remembers what it was playing."""

    folder: Annotated[Path, Field(strict=False)] = Path("state")


class Log(Part):
    """What is written to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["text", "json"] = "text"


class Config(Part):
    """The whole tree. `Config()` is what an empty config.yaml means."""

    server: Server = Server()
    engine: Engine = Engine()
    encoders: Encoders = Encoders()
    stations: Annotated[dict[Name, Station], Field(min_length=1)] = Field(default={"lofi": Station()})
    icecast: tuple[Icecast, ...] = Field(default=(), strict=False)
    journal: Journal = Journal()
    state: State = State()
    log: Log = Log()
    moods: Annotated[dict[Name, dict[str, Any]], Live()] = Field(default={})
    """Own moods: name → {base: a mood, any field of a mood}."""

    def anchored(self, folder: Path) -> Config:
        """Copy with every relative path made absolute, seen from config.yaml's folder."""
        anchored = _anchor(self, folder.absolute())
        assert isinstance(anchored, Config)
        return anchored


def _anchor(value: object, folder: Path) -> object:
    if isinstance(value, Path):
        return folder / value.expanduser()
    if isinstance(value, tuple):
        return tuple(_anchor(item, folder) for item in value)
    if isinstance(value, BaseModel):
        changed = {name: _anchor(getattr(value, name), folder) for name in type(value).model_fields}
        return value.model_copy(update=changed)
    return value
