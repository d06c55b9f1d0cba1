"""Work on many files at once, with a progress bar; results come in the order of the items.

Workers are spawned, so what they run must be a module's function. Knows nothing about what it does to the files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.errors import CorpusError

Item = TypeVar("Item")
Value = TypeVar("Value")
ITEMS_AT_ONCE = 16
"""Handed to a worker in one go: a MIDI file takes 1-20 ms, passing it on 0.2 ms."""


def attempt(function: Callable[[Item], Value], item: Item) -> tuple[Value | None, str | None]:
    """Return (value, None), or (None, the reason why the item cannot be used)."""
    try:
        return function(item), None
    except CorpusError as error:
        return None, str(error)


class _Attempt:
    """Picklable `attempt` of one function."""

    def __init__(self, function: Callable[[Item], Value]) -> None:
        self._function = function

    def __call__(self, item: Item) -> tuple[Value | None, str | None]:
        return attempt(self._function, item)


def work_through(
    function: Callable[[Item], Value], items: Sequence[Item], label: str, workers: int | None = None
) -> tuple[list[tuple[Item, Value]], list[str]]:
    """Return what a function makes of each item, and the reasons for the items that it refused.

    `workers`: processes; 1 works in this one, None takes a process a core.
    """
    done: list[tuple[Item, Value]] = []
    skipped: list[str] = []
    for item, (value, reason) in zip(items, _results(_Attempt(function), items, label, workers), strict=True):
        if reason is None:
            done.append((item, value))  # type: ignore[arg-type]
        else:
            skipped.append(reason)
    return done, skipped


def _results(
    function: Callable[[Item], Value], items: Sequence[Item], label: str, workers: int | None
) -> Iterator[Value]:
    count = min(workers or os.cpu_count() or 1, -(-len(items) // ITEMS_AT_ONCE) or 1)
    if count == 1:
        yield from progress(map(function, items), label, len(items))
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        yield from progress(pool.map(function, items, chunksize=ITEMS_AT_ONCE), label, len(items))


def progress(items: Iterable[Value], label: str, total: int) -> Iterator[Value]:
    """Yield items and show how far they are, on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(items, total=total, description=label)
