"""The engine behind its wall: the functions that run on its side, and the handle on ours.

Knows nothing about lead, clock or what to do when the engine fails; it only says that it did.
"""

from __future__ import annotations

import asyncio
import logging
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, ParamSpec, Protocol, TypeVar

from engine import Asset, AudioBlock, EngineError, Levels, Mood, Turn
from radio.allocator import LOOP_BYTES, give_back, keep_little
from radio.errors import WorkerError
from radio.log import LogStyle, log_as, log_style
from radio.vitals import Vital, Vitals

logger = logging.getLogger(__name__)

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")

START_TIMEOUT_S = 90.0
"""Interpreter, libraries, models and sound bank from a cold disk on a busy machine."""
CALL_TIMEOUT_S = 20.0
"""A bar takes a fraction of a second; an engine that computes for so long goes in circles."""
LOOK_S = 0.5
STILL_LOOKS = 4
"""One that was asked and stands still at so many looks (2 s) is frozen; one that was stopped at half as many. Looks are
counted, not seconds: after the radio itself was stopped, or had no processor, the engine is not to blame."""
STILL_LOOKS_AT_START = 20
"""While files are read from a slow disk or over a network."""
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


@contextmanager
def _plain_main() -> Iterator[None]:
    """Start a process that does not import our main module: an engine needs no commands, web or configuration.

    A new process imports what its parent was started with; that took 0.7 s of the 1.7 s until an engine was built.
    """
    own, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = own


class EngineHandle:
    """Our end of one engine: asks, waits, and kills it when it must."""

    def __init__(self, *, own_process: bool, call_timeout_s: float = CALL_TIMEOUT_S) -> None:
        self.pid: int | None = None
        self.troubles: tuple[str, ...] = ()
        """What the engine has replaced up to now."""
        self.built_ahead: Any = None
        """The setup of an engine that is being made, or is, before anybody asked for it."""
        self._own_process = own_process
        self._call_timeout_s = call_timeout_s
        self._executor: Executor
        self._process: BaseProcess | None = None
        self._building: Future[EngineFacts] | None = None
        if own_process:
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(1, context, initializer=settle_in, initargs=(log_style(),))
        else:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="engine")

    @property
    def dead(self) -> bool:
        """Whether its process has ended."""
        return self._process is not None and self._process.exitcode is not None

    def build_ahead(self, builder: Builder, setup: object) -> None:
        """Have an engine made for the day when another one fails; does not wait."""
        self.built_ahead = setup
        with _plain_main():
            self._building = self._executor.submit(build, builder, setup)
        self._meet()

    async def build(self, builder: Builder, setup: object) -> EngineFacts:
        """Start the engine, or take the one that was built ahead for this setup."""
        ahead, self._building = self._building, None
        if ahead is None or self.built_ahead != setup:
            with _plain_main():
                ahead = self._submit(build, builder, setup)
            self._meet()
        facts = await self._answer(ahead, "build", START_TIMEOUT_S, STILL_LOOKS_AT_START)
        self.pid, self.troubles = facts.pid if self.pid is None else self.pid, facts.troubles
        return facts

    async def render_bar(self) -> Rendered:
        """Have the next bar rendered."""
        rendered, self.troubles = await self._ask(render_bar)
        rendered.block.samples.flags.writeable = False  # the way through the pipe makes it writeable
        return rendered

    async def turn(self, turn: Turn) -> None:
        """Have something changed from the next bar on."""
        await self._ask(turn_engine, turn)

    async def prepare(self, moods: Sequence[Mood]) -> None:
        """Have moods got ready; does not wait until they are."""
        await self._ask(prepare, moods)

    async def restore(self, data: bytes) -> None:
        """Have a snapshot restored."""
        await self._ask(restore, data)

    def close(self) -> None:
        """End the engine at once: whatever it is doing is not needed any more."""
        if self._process is not None:  # by the object: the number of a process that is gone may be somebody else's
            self._process.kill()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _meet(self) -> None:
        """Learn whom to kill, before anything can hang, and close our copy of the end that it writes its answers to.

        The pool keeps that end open, so a process killed while it writes (a bar and its snapshot are 2 MB) leaves the
        pool waiting for the rest for ever, and with it the exit of the radio. Nothing else of ours writes there.
        """
        if not self._own_process or self._process is not None:
            return
        (self._process,) = getattr(self._executor, "_processes").values()  # noqa: B009 - the pool has no public way
        self.pid = self._process.pid
        getattr(self._executor, "_result_queue")._writer.close()  # noqa: B009

    def _submit(
        self, function: Callable[_Arguments, _Answer], *arguments: _Arguments.args, **keywords: _Arguments.kwargs
    ) -> Future[_Answer]:
        try:
            return self._executor.submit(function, *arguments, **keywords)
        except BrokenProcessPool as problem:
            raise self._died(f"before it was asked to {function.__name__}") from problem

    async def _ask(
        self, function: Callable[_Arguments, _Answer], *arguments: _Arguments.args, **keywords: _Arguments.kwargs
    ) -> _Answer:
        asked = self._submit(function, *arguments, **keywords)
        return await self._answer(asked, function.__name__, self._call_timeout_s, STILL_LOOKS)

    async def _answer(self, asked: Future[_Answer], name: str, timeout_s: float, still_looks: int) -> _Answer:
        answer = asyncio.wrap_future(asked)
        try:
            await self._wait(answer, name, timeout_s, still_looks)
        finally:
            if not answer.done():
                answer.cancel()
        if answer.cancelled():
            raise WorkerError(f"the engine did not answer for {timeout_s:g} s when asked to {name}")
        raised = answer.exception()
        if isinstance(raised, BrokenProcessPool):
            raise self._died(f"while asked to {name}") from raised
        if raised is not None:
            raise EngineRaisedError(f"the engine failed to {name}: {type(raised).__name__}: {raised}") from raised
        return answer.result()

    async def _wait(self, answer: asyncio.Future[_Answer], name: str, timeout_s: float, still_looks: int) -> None:
        vitals, still = Vitals(self.pid if self._own_process else None), 0
        for _ in range(math.ceil(timeout_s / LOOK_S)):
            await asyncio.wait((answer,), timeout=min(LOOK_S, timeout_s))
            if answer.done():
                return
            vital = vitals.look()
            still = still + {Vital.WAITS: 1, Vital.STOPPED: 2}[vital] if vital in (Vital.WAITS, Vital.STOPPED) else 0
            if still >= still_looks:
                how = "was stopped from outside" if vital is Vital.STOPPED else "stands still"
                raise WorkerError(f"the engine {how}, asked to {name}", outside=vital is Vital.STOPPED)

    def _died(self, when: str) -> WorkerError:
        code = None if self._process is None else self._process.exitcode
        for _ in range(20):  # the pool's thread, which collects the exit code too, may be just about to write it down
            if self._process is None or code is not None:
                break
            time.sleep(0.01)
            code = self._process.exitcode
        ended = f" ({signal.strsignal(-code)})" if code is not None and code < 0 else ""
        outside = code in (-signal.SIGKILL, -signal.SIGTERM)
        return WorkerError(f"the engine's process died{ended} {when}", outside=outside)


class EngineRaisedError(WorkerError):
    """Raised when the engine itself raised an error; the cause is what it raised."""
