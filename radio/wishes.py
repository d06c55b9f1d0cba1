"""What was asked of a station's music, by whom, and when it will be on air. Knows nothing about how music changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Reach:
    """The next bar line at which a change can still take effect."""

    seconds: float
    """From now until its first frame goes out."""
    bars: int
    """Bar lines from now until then, itself included; 1 is the next one."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A mood that was asked for."""

    mood: str
    by: str
    """`config`, `schedule` or `control`: who asked."""
    asked_at: datetime
    reach: Reach
    drift_minutes: float = 0.0
    """How long the music takes to get there from that bar line on."""

    @property
    def on_air_at(self) -> datetime:
        """Wall clock at which the change begins to go out."""
        return self.asked_at + timedelta(seconds=self.reach.seconds)


Watcher = Callable[[Wish], None]
"""Called with each wish; must return at once."""


class Wishes:
    """The last wish, and those who want to know of the next."""

    def __init__(self) -> None:
        self.last: Wish | None = None
        self._watchers: list[Watcher] = []

    def tell(self, wish: Wish) -> None:
        """Say that something was asked for."""
        self.last = wish
        for watcher in tuple(self._watchers):
            watcher(wish)

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call `watcher` at every wish; the answer ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)
