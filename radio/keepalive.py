"""Keeps an edge of the station running: starts it again after the errors it declared, and after no others.

Knows nothing about what the edge does.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from radio.clock import Clock
from radio.errors import OutputError
from radio.metrics import Metrics

logger = logging.getLogger(__name__)


class RefusedError(OutputError):
    """Raised when the far end answered and said no: asking again soon will not help."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next try.

    A far end that restarts is back within seconds, so the first ten minutes never wait more than 3 s: sound is back
    on it within 5 s. One that stays away is asked every 30 s; so is one that refused us.
    """

    first_s: tuple[float, ...] = (0.5, 1.0, 2.0, 2.0)
    eager_s: float = 3.0
    eager_for_s: float = 600.0
    longest_s: float = 30.0
    healthy_s: float = 15.0
    """A run that lasted so long was well: the next failure starts from the beginning.

    Longer than an attempt in which nobody answers; at 60 s a server that reset us every 20 s was away for 28 s each
    time.
    """
    jitter: float = 0.2
    """Up to this share is taken off, so that many stations do not knock at once."""

    def delay_s(self, tries: int, failing_s: float) -> float:
        """Wait before try number `tries` + 1, when it has been failing for so long."""
        if tries <= len(self.first_s):
            return self.first_s[tries - 1]
        if failing_s < self.eager_for_s:
            return self.eager_s
        return min(self.longest_s, self.eager_s * 2 ** ((failing_s - self.eager_for_s) / self.longest_s))


@dataclass(frozen=True, slots=True)
class Keeper:
    """What keeping alive needs besides the edge."""

    metrics: Metrics
    clock: Clock
    backoff: Backoff = Backoff()
    rng: random.Random | None = None
    """None: no jitter."""


async def keepalive(
    name: str, run: Callable[[], Awaitable[None]], errors: tuple[type[Exception], ...], keeper: Keeper
) -> None:
    """Run an edge until it ends by itself; start it again after its declared errors, later and later."""
    tries, failing_since_s, last_said = 0, 0.0, ""
    while True:
        began_s = keeper.clock.now_s()
        try:
            return await run()
        except errors as problem:
            failed_s = keeper.clock.now_s()
            if tries == 0 or failed_s - began_s >= keeper.backoff.healthy_s:
                tries, failing_since_s, last_said = 0, failed_s, ""
            tries += 1
            delay_s = keeper.backoff.delay_s(tries, failed_s - failing_since_s)
            if isinstance(problem, RefusedError):
                delay_s = keeper.backoff.longest_s
            if keeper.rng is not None:
                delay_s *= 1 - keeper.rng.random() * keeper.backoff.jitter
            said = f"{type(problem).__name__}: {problem}"
            # the same words again and again for a night help nobody
            level = logging.DEBUG if said == last_said else logging.WARNING
            logger.log(level, "%s: %s (tries again in %.1f s)", name, problem or said, delay_s)
            last_said = said
            keeper.metrics.keepalive_restarts.labels(name).inc()
            await keeper.clock.sleep_until(failed_s + delay_s)
