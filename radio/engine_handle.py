"""The handle on an engine behind its wall: asks, waits, and kills it when it must.

Knows nothing about lead, clock or what to do when the engine fails; it only says that it did.
"""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

from engine import Mood, Turn
from radio.errors import WorkerError
from radio.log import log_style
from radio.vitals import Vital, Vitals
from radio.worker import Builder, EngineFacts, Rendered, build, prepare, render_bar, restore, settle_in, turn_engine

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
