"""Reads prompts that come from outside in a process of its own: what breaks a decoder breaks nothing else.

Knows nothing about who sends them or what they are for.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from engine import Prompt, PromptError, TokenError, midi_prompt, tokens_prompt
from radio.prompting import audio_prompt

READ_S = 60.0
"""A recording of a minute and a half takes 5 s of a free core."""
_NICENESS = 10
_MEMORY_BYTES = 2 << 30


async def read_prompt(kind: str, data: bytes, name: str) -> Prompt:
    """Return the prompt in a `midi` file, a `sound` or `tokens`.

    Raises:
        PromptError: it cannot be read; also when it brings its reader down or takes too long.
        TokenError: a word is no token.
    """
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_settle_in)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(READ_S):
            return await loop.run_in_executor(pool, read_here, kind, data, name)
    except TimeoutError as problem:
        raise PromptError(f"{name}: reading it takes longer than {READ_S:g} s. Send a shorter passage.") from problem
    except BrokenProcessPool as problem:
        raise PromptError(f"{name}: reading it ended its reader; it is damaged, or huge inside.") from problem
    finally:
        for process in list(getattr(pool, "_processes").values()):  # noqa: B009 - the pool has no public way
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)


def read_here(kind: str, data: bytes, name: str) -> Prompt:
    """Read a prompt in this process."""
    try:
        if kind == "midi":
            return midi_prompt(data, name)
        if kind == "tokens":
            return tokens_prompt(data.decode("utf-8", "replace"), name)
        return audio_prompt(data, name)
    except (PromptError, TokenError):
        raise
    except MemoryError as problem:
        raise PromptError(f"{name}: more than a reader's memory holds.") from problem


def _settle_in() -> None:
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
