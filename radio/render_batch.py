"""Many tracks: what is missing is made, several at a time, each in a process of its own. Knows nothing about terminals.

A file says by its tags which order it is of. So a second run makes only what the first one did not, and nothing that
was made with other settings, or by somebody else, is ever overwritten.
"""

from __future__ import annotations

import json
import multiprocessing
import queue
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine import EngineError, Station
from radio.errors import RadioError, RenderError
from radio.render import render, sweep
from radio.render_order import Order
from radio.sound_file import read_comment

JOBS_MAX = 64
_LOOK_S = 0.2

Told = Callable[[int, int, int], None]
"""Is told the number of an order, frames done and frames in all."""


@dataclass(frozen=True, slots=True)
class Made:
    """How one order ended."""

    order: Order
    seconds: float = 0.0
    pieces: tuple[str, ...] = ()
    lufs: float = 0.0
    problem: str = ""
    """Why there is no file; empty when there is."""
    troubles: tuple[str, ...] = ()
    """What the station had to replace."""


def missing(orders: Iterable[Order]) -> list[Order]:
    """Return the orders whose files are not there yet.

    Raises:
        RenderError: a file is there that is of another order.
    """
    wanted = []
    for order in orders:
        if not order.out.exists():
            wanted.append(order)
            continue
        found = _order_of(order)
        if found != order.digest:
            what = "was made with other settings" if found else "is none of our tracks"
            raise RenderError(f"{order.out}: is there already and {what}. Move it, or choose another --out.")
        if any(not path.exists() for path in (order.midi, order.stems) if path is not None):
            wanted.append(order)
    return wanted


def make(order: Order, told: Callable[[int, int], None] = lambda _done, _total: None) -> Made:
    """Build a station and render one order."""
    station = Station.build(order.setup)
    try:
        result = render(order, station, station.assets, told)
        return Made(order, result.seconds, tuple(result.pieces), result.lufs, troubles=station.troubles)
    finally:
        station.close()


def make_all(orders: Sequence[Order], jobs: int, told: Told, ended: Callable[[Made], None]) -> list[Made]:
    """Render orders, so many at a time; one that fails does not stop the others. Returns how each ended.

    Raises:
        RenderError: the number of jobs is out of range.
    """
    if not 1 <= jobs <= JOBS_MAX:
        raise RenderError(f"--jobs {jobs}: must be 1 to {JOBS_MAX}.")
    if min(jobs, len(orders)) == 1:
        return list(_one_by_one(orders, told, ended))
    context = multiprocessing.get_context("spawn")
    news: Any = context.Queue()
    executor = ProcessPoolExecutor(min(jobs, len(orders)), context, initializer=_settle_in, initargs=(news,))
    futures = {executor.submit(_make_one, number, order): number for number, order in enumerate(orders)}
    try:
        return _gather(futures, orders, news, (told, ended))
    finally:
        for process in list(getattr(executor, "_processes").values()):  # noqa: B009 - the pool has no public way
            if any(not future.done() for future in futures):
                process.kill()
        executor.shutdown(wait=True, cancel_futures=True)
        news.cancel_join_thread()
        for order in orders:
            sweep(order)


def _one_by_one(orders: Sequence[Order], told: Told, ended: Callable[[Made], None]) -> Iterator[Made]:
    """Render orders here: a process for one at a time would only cost its start."""
    for number, order in enumerate(orders):
        try:
            made = make(order, partial(told, number))
        except (RadioError, EngineError) as problem:
            made = Made(order, problem=str(problem))
        ended(made)
        yield made


def _gather(
    futures: dict[Future[Made], int],
    orders: Sequence[Order],
    news: Any,  # noqa: ANN401 - the queue's type is not public
    watchers: tuple[Told, Callable[[Made], None]],
) -> list[Made]:
    told, ended = watchers
    made: dict[int, Made] = {}
    open_futures = set(futures)
    while open_futures:
        done, open_futures = wait(open_futures, timeout=_LOOK_S)
        while True:
            try:
                told(*news.get_nowait())
            except queue.Empty:
                break
        for future in done:
            number = futures[future]
            made[number] = _outcome(future, orders[number])
            ended(made[number])
    return [made[number] for number in sorted(made)]


def _outcome(future: Future[Made], order: Order) -> Made:
    try:
        return future.result()
    except BrokenProcessPool:
        return Made(order, problem="its process was killed; the machine may lack memory for so many --jobs")
    except (RadioError, EngineError) as problem:
        return Made(order, problem=str(problem))


def _order_of(order: Order) -> str | None:
    try:
        told = json.loads(read_comment(order.out) or "")
    except ValueError:
        return None
    found = told.get("order") if isinstance(told, dict) else None
    return found if isinstance(found, str) else None


_news: Any = None


def _settle_in(news: Any) -> None:  # noqa: ANN401
    """Prepare a process of the pool: it tells of its progress, and Ctrl-C is for the command alone."""
    global _news
    _news = news
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _make_one(number: int, order: Order) -> Made:
    return make(order, lambda done, total: _news.put((number, done, total)))
