"""The configuration of everything that sends sound away: HLS, Icecast, sound cards, video platforms, files.

Knows nothing about how any of them works.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from radio.config_parts import AnyPath, EnvironmentName, Host, Name, Part, Port, SecretPlace, WebAddress

MountFormat = Literal["mp3", "aac", "opus"]


class Rendition(Part):
    """One quality of the HLS stream."""

    name: Name
    bitrate_kbps: Annotated[int, Field(ge=32, le=320)] = 128


class Bucket(Part):
    """An S3-compatible bucket that HLS is copied to; the keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."""

    name: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"),
        Field(description="the name of a bucket, 3-63 lower-case letters, digits, dots and dashes"),
    ]
    prefix: Annotated[
        str,
        StringConstraints(pattern=r"^([A-Za-z0-9._-]+/)*$", max_length=200),
        Field(description="a folder in the bucket that ends in /, or nothing"),
    ] = ""
    region: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")] = "us-east-1"
    endpoint: WebAddress | None = None
    """None: Amazon's own."""


class Hls(Part):
    """HTTP Live Streaming: AAC in segments of 4.032 s."""

    enabled: bool = True
    """False: nothing is encoded for it and nothing served."""
    listed: Annotated[int, Field(ge=6, le=60)] = 6
    """Segments in the playlist."""
    renditions: tuple[Rendition, ...] = Field(default=(), strict=False)
    """Qualities that players choose from; none: what encoders.aac makes."""
    folder: AnyPath | None = None
    """Where to keep a copy for another web server, one folder for each station; None: nowhere."""
    bucket: Bucket | None = None
    """Where to keep a copy for a CDN, one folder for each station; None: nowhere."""

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [rendition.name for rendition in self.renditions]
        if len(set(names)) < len(names) or "live" in names:
            raise ValueError("each rendition needs a name of its own, and `live` is the playlist that lists them all")
        return self


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
    format: MountFormat = "mp3"
    user: Annotated[
        str, StringConstraints(pattern=r"^[^:\x00-\x1f\x7f]{1,100}$"), Field(description="a user name without a colon")
    ] = "source"
    password_env: EnvironmentName | None = None
    password_file: AnyPath | None = None
    tls: bool = False
    ca_file: AnyPath | None = None
    """Certificates to trust instead of the system's, for a server with one of its own making."""
    public: bool = False
    """True: announce the stream in public directories."""
    url: WebAddress | None = None
    """Home page of the station, shown by players."""

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if (self.password_env is None) == (self.password_file is None):
            raise ValueError(
                "name exactly one place for the password: password_env (the name of an environment variable) "
                "or password_file (a file that holds it and nothing else)"
            )
        return self

    @property
    def password_place(self) -> SecretPlace:
        """Where its password is kept."""
        return SecretPlace(f"icecast {self.name}", "source password", self.password_env, self.password_file)

    def password(self, environ: Mapping[str, str] = os.environ) -> str:
        """Fetch the password from its environment variable or file."""
        return self.password_place.read(environ)


class Device(Part):
    """A sound card, or a virtual cable to another program."""

    name: Name
    station: str = "lofi"
    device: str | int | None = None
    """Name, part of a name or number from `lofi-radio devices`; None: the system's default."""
    latency_ms: Annotated[int, Field(ge=50, le=2000)] = 300
    """Sound held ready for the card; more survives a busier machine."""


class Push(Part):
    """A video platform, or OBS, that gets picture and sound through ffmpeg."""

    name: Name
    station: str = "lofi"
    url: Annotated[
        str,
        StringConstraints(pattern=r"^(rtmps?|srt)://[^\s\x00-\x1f@]{1,500}$"),
        Field(description="an address that starts with rtmp://, rtmps:// or srt://"),
    ]
    """Without the stream key; `{key}` says where the key goes, and without it stands at the end of an RTMP address."""
    password_env: EnvironmentName | None = None
    password_file: AnyPath | None = None
    picture: AnyPath | None = None
    """A still (PNG, JPEG) or a clip (GIF, MP4 …) that is looped; None: a plain background."""
    show_title: bool = True
    font: AnyPath | None = None
    """A font file for the title; None: the system's default."""
    width: Annotated[int, Field(ge=160, le=3840, multiple_of=2)] = 1280
    height: Annotated[int, Field(ge=90, le=2160, multiple_of=2)] = 720
    fps: Annotated[int, Field(ge=1, le=60)] = 10
    video_kbps: Annotated[int, Field(ge=50, le=20_000)] = 1000

    @model_validator(mode="after")
    def _at_most_one_key(self) -> Self:
        if self.password_env is not None and self.password_file is not None:
            raise ValueError("name one place for the stream key: password_env or password_file")
        if "{key}" in self.url and self.password_env is None and self.password_file is None:
            raise ValueError("the url has a {key}: say where the stream key is, in password_env or password_file")
        return self

    @property
    def password_place(self) -> SecretPlace | None:
        """Where its stream key is kept; None: it needs none."""
        if self.password_env is None and self.password_file is None:
            return None
        return SecretPlace(f"push {self.name}", "stream key", self.password_env, self.password_file)

    def password(self, environ: Mapping[str, str] = os.environ) -> str:
        """Fetch the stream key; empty when it needs none."""
        place = self.password_place
        return "" if place is None else place.read(environ)


class Record(Part):
    """Files of what went on air."""

    name: Name
    station: str = "lofi"
    folder: AnyPath = Path("recordings")
    format: Literal["flac", "mp3"] = "flac"
    minutes: Annotated[float, Field(ge=0.1, le=1440)] = 60.0
    """Length of one file."""
    budget_mb: Annotated[int, Field(ge=10, le=10_000_000)] = 10_000
    """The oldest recordings go when all of them are larger than this."""
