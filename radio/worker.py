"""The engine's side of the wall: the functions that its process is asked to run, and what an engine must offer.

Knows nothing about who asks (`engine_handle.py`); a new process imports no more than this.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine import Asset, AudioBlock, EngineError, Levels, Mood, Turn
from radio.allocator import LOOP_BYTES, give_back, keep_little
from radio.log import LogStyle, log_as

logger = logging.getLogger(__name__)

BACKGROUND_NICENESS = 15


class Rendered(Protocol):
    """One bar of sound and the engine's state just before it."""

    @property
    def block(self) -> AudioBlock:
        """The whole bar."""

    @property
    def snapshot(self) -> bytes:
        """The engine's state at the bar's first frame."""

    @property
    def levels(self) -> Levels | None:
        """What the engine's meters show at the bar's end."""


class Engine(Protocol):
    """What an engine must offer; `engine.Station` does."""

    @property
    def assets(self) -> tuple[Asset, ...]:
        """Every file that shapes the sound."""

    @property
    def troubles(self) -> tuple[str, ...]:
        """What was replaced, each with its remedy."""

    def render_bar(self) -> Rendered:
        """Compose and play the next bar."""

    def turn(self, turn: Turn) -> None:
        """Change something from the next bar on."""

    def prepare(self, mood: Mood) -> None:
        """Do what takes long about a mood, in another thread than all else, so that applying it later does not."""

    def restore(self, data: bytes) -> None:
        """Go back to a snapshot."""


Builder = Callable[[Any], Engine]
"""Makes an engine from its setup; both travel to the process, so both must be picklable."""


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says about itself once built."""

    pid: int
    troubles: tuple[str, ...]
    assets: tuple[Asset, ...]


# The engine lives where the calls arrive: in the only thread of the process (in tests, of the pool).
_seat = threading.local()


def build(builder: Builder, setup: object) -> EngineFacts:
    """Make the engine that all later calls are for."""
    _seat.engine = builder(setup)
    give_back()
    return EngineFacts(os.getpid(), tuple(_seat.engine.troubles), tuple(_seat.engine.assets))


def render_bar() -> tuple[Rendered, tuple[str, ...]]:
    """Render the next bar; with it comes what the engine had to replace up to now."""
    rendered: Rendered = _seat.engine.render_bar()
    return rendered, tuple(_seat.engine.troubles)


def turn_engine(turn: Turn) -> None:
    """Change something from the next bar on."""
    _seat.engine.turn(turn)


def prepare(moods: Sequence[Mood]) -> None:
    """Get moods ready beside the music, with whatever time the machine has left.

    One after the other between bars took 13 s on a machine at load 9, and the lead ran dry.
    """
    threading.Thread(target=_prepare_all, args=(_seat.engine, moods), daemon=True, name="prepare").start()


def _prepare_all(engine: Engine, moods: Sequence[Mood]) -> None:
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BACKGROUND_NICENESS)
    for mood in moods:
        try:
            engine.prepare(mood)
        except EngineError as problem:
            logger.warning("the mood %s cannot be prepared: %s", mood.name, problem)
    give_back()


def restore(data: bytes) -> None:
    """Go back to a snapshot."""
    _seat.engine.restore(data)


def settle_in(style: LogStyle | None) -> None:
    """Prepare the process: it logs as the radio does, signals are for the radio, and it must not outlive the radio."""
    keep_little(LOOP_BYTES)
    if style is not None:
        log_as(style)
    for number in (signal.SIGINT, signal.SIGTERM):  # systemd and Ctrl-C tell the whole group; the radio still fades out
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True, name="parent-watch").start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "expected to run in a process of the pool"
    parent.join()
    os._exit(1)
