"""What the web pages may see of a station: narrow protocols. Knows nothing about aiohttp or how a station works."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from engine import BarStart
from radio.wishes import Wishes


class Counted(Protocol):
    """Something with listeners."""

    @property
    def listeners(self) -> int:
        """People who listen now."""


class ShownMount(Protocol):
    """One stream of a station."""

    @property
    def ending(self) -> str:
        """`mp3`, `aac` or `opus`."""

    @property
    def bitrate_kbps(self) -> int:
        """As configured."""

    @property
    def hub(self) -> Counted:
        """Who listens to it."""


class PlayedPiece(Protocol):
    """One piece that went on air (the newest may still be sounding)."""

    @property
    def number(self) -> int:
        """Counts from 0 for the life of the station."""

    @property
    def title(self) -> str:
        """Name for people."""

    @property
    def key(self) -> str:
        """As read aloud: `E♭ minor`."""

    @property
    def bpm(self) -> float:
        """Tempo, beats a minute."""

    @property
    def mood(self) -> str:
        """Mood in force when it was composed."""

    @property
    def started_at(self) -> datetime:
        """Wall clock of its first frame, with a time zone."""


class Board(Protocol):
    """The now-playing board; `radio.nowplaying.NowPlaying` is one."""

    @property
    def current(self) -> BarStart | None:
        """The bar that is sounding; None before the first one."""

    @property
    def bar_started_at(self) -> datetime | None:
        """Wall clock at which that bar began."""

    @property
    def piece_started_at(self) -> datetime | None:
        """Wall clock at which the piece that is sounding began."""

    @property
    def history(self) -> Sequence[PlayedPiece]:
        """Last pieces, newest first, the one that is sounding included; at most 50."""

    def watch(self, watcher: Callable[[BarStart, datetime], None]) -> Callable[[], None]:
        """Call `watcher` at every bar with the wall clock of its first frame; the answer ends that."""


class StationView(Protocol):
    """A station as the pages see it."""

    @property
    def name(self) -> str:
        """Name in URLs and metrics."""

    @property
    def title(self) -> str:
        """Name for people."""

    @property
    def description(self) -> str:
        """One line about it."""

    @property
    def now(self) -> Board:
        """What is sounding."""

    @property
    def mounts(self) -> Sequence[ShownMount]:
        """Its own streams, the one that every player plays first."""

    @property
    def has_hls(self) -> bool:
        """Whether there is a live playlist."""

    @property
    def wishes(self) -> Wishes:
        """What was asked of its music."""

    @property
    def troubles(self) -> Sequence[str]:
        """What was replaced or is missing, each with its remedy; empty when all is well."""

    def hub_listeners(self) -> int:
        """Listeners connected to our own mounts."""

    def healthy(self) -> tuple[bool, str]:
        """Whether audio advanced and was not silent in the last 2 s, and a reason."""
