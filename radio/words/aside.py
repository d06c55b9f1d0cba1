"""Understanding in a process of its own, which ends with the answer: the model's 130 MB and its time burden no station.

Knows nothing about HTTP.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from asyncio.subprocess import PIPE, Process

from engine import Mood, MoodError
from radio.errors import RadioError
from radio.words import Understanding, understand

LONGEST_S = 60.0
"""It takes 2 s of a core; on a machine at load 25 that was 27 s."""
_NICE = 1
_MODULE = "radio.words.aside"


class WordsError(RadioError):
    """Raised when words could not be understood in time; the text is fit for whoever asked."""


class Aside:
    """Has one text at a time understood."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def understand(self, text: str, start: Mood, now: Mood) -> Understanding:
        """Return what `words.understand` returns.

        Raises:
            MoodError: the text is empty or too long.
            WordsError: the process failed, took too long, or reads somebody else's words.
        """
        if self._turn.locked():
            raise WordsError("Somebody else's words are being read. Ask again in a second.")
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", _MODULE, stdin=PIPE, stdout=PIPE, start_new_session=True
            )
            try:
                async with asyncio.timeout(LONGEST_S):
                    out, _ = await process.communicate(pickle.dumps((text, start, now)))
            except TimeoutError as problem:
                raise WordsError(f"The words could not be read within {LONGEST_S:g} s. Ask again.") from problem
            finally:
                await _end(process)
        if process.returncode:
            raise WordsError(f"The words could not be read: the reader ended with {process.returncode} (see the log).")
        answer = pickle.loads(out)  # from our own child
        if isinstance(answer, MoodError):
            raise answer
        assert isinstance(answer, Understanding)
        return answer


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def main() -> None:
    """Answer the question that lies on standard input."""
    os.nice(_NICE)  # sound first
    text, start, now = pickle.loads(sys.stdin.buffer.read())
    answer: Understanding | MoodError
    try:
        answer = understand(text, start, now)
    except MoodError as problem:
        answer = problem
    sys.stdout.buffer.write(pickle.dumps(answer))


if __name__ == "__main__":
    main()
