"""What happens on a station, put into words once for everybody who follows, and kept for those who come late.

Knows nothing about HTTP: a follower is a number in the log, and one whose number has left it has lagged.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from engine import BarStart
from radio.metrics import Metrics
from radio.web.facts import Json, bar_score, iso, piece_facts, wish_facts
from radio.web.views import StationView
from radio.wishes import Wish

TRAIL_BARS = 16
"""Bars that a newcomer is told: the ear is up to 20 s behind the broadcast, and a page shows what it hears."""
KEPT_EVENTS = 96
"""Some three minutes: who is further behind has lagged; who was away for no longer goes on where it was."""
LOOK_S = 2.0
STATE_EVERY_S = 10.0
LISTENERS_EVERY_S = 4.0
"""A change of their number alone is told no sooner: at a rush it changes many times a second."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event, in both ways of writing it."""

    kind: str
    sse: bytes
    """As Server-Sent Events have it, the empty line at the end included."""
    text: str
    """As one JSON object."""

    @classmethod
    def of(cls, kind: str, data: Json, event_id: str = "") -> Message:
        """Write an event down; one without an id leaves the follower's place in the log as it was."""
        told = json.dumps(data, ensure_ascii=False, separators=(",", ":"))  # no line feed is ever in it
        line = f"id: {event_id}\n" if event_id else ""
        name = f'"id":"{event_id}",' if event_id else ""
        sse = f"{line}event: {kind}\ndata: {told}\n\n".encode()
        return cls(kind, sse, f'{{"event":"{kind}",{name}"data":{told}}}')


class News:
    """The log of one station."""

    def __init__(self, view: StationView, metrics: Metrics) -> None:
        self.closed = False
        self.followers = 0
        self.bars: deque[tuple[BarStart, datetime]] = deque(maxlen=TRAIL_BARS)
        """The last bars, each with the wall clock of its first frame."""
        self._view = view
        self._metrics = metrics
        self._epoch = secrets.token_hex(4)
        """Numbers begin anew with the process: ids of another one mean nothing here."""
        self._log: deque[Message] = deque(maxlen=KEPT_EVENTS)
        self._trail: deque[Message] = deque(maxlen=TRAIL_BARS)
        self._end_number = 0
        self._news = asyncio.Event()
        self._piece: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._told: tuple[bool, str, int] = (True, "", 0)
        self._told_at_s = 0.0
        now = view.now
        if now.current is not None and now.bar_started_at is not None:
            self._add_bar(now.current, now.bar_started_at)
        now.watch(self._at_bar)
        view.wishes.watch(self._at_wish)

    @property
    def end_number(self) -> int:
        """Of the event that comes next."""
        return self._end_number

    @property
    def first_number(self) -> int:
        """Of the oldest event that is kept."""
        return self._end_number - len(self._log)

    def since(self, number: int) -> tuple[Message, ...]:
        """All events from that number on, as far as they are kept."""
        count = len(self._log)
        return tuple(islice(self._log, max(0, count - (self._end_number - number)), count))

    def number_after(self, event_id: str) -> int | None:
        """Number of the event after the one with this id; None when that is not known here (any more)."""
        epoch, _, digits = event_id.partition("-")
        if epoch != self._epoch or not digits.isascii() or not digits.isdigit() or len(digits) > 15:
            return None
        number = int(digits) + 1
        return number if self.first_number <= number <= self._end_number else None

    def greeting(self) -> tuple[Message, ...]:
        """What a newcomer must know: state, piece, the last wish and the last bars."""
        now, wish = self._view.now, self._view.wishes.last
        messages = [Message.of("state", self._state())]
        if now.current is not None and now.piece_started_at is not None:
            messages.append(Message.of("piece", piece_facts(now.current, now.piece_started_at)))
        if wish is not None:
            messages.append(Message.of("mood", wish_facts(wish)))
        return (*messages, *self._trail)

    async def more(self) -> None:
        """Wait until there is an event, or none any more."""
        await self._news.wait()

    def enter(self) -> None:
        """Count a follower in; while there is one the state is told every few seconds."""
        self.followers += 1
        if self._timer is None and not self.closed:
            self._told, self._told_at_s = self._seen(), asyncio.get_running_loop().time()
            self._look_later()

    def leave(self) -> None:
        """Count a follower out."""
        self.followers -= 1
        if not self.followers and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """End it for everybody once they have what is pending."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake()

    def _at_bar(self, start: BarStart, wall: datetime) -> None:
        number = start.bar.piece.number
        if number != self._piece:
            began = self._view.now.piece_started_at
            self._add("piece", piece_facts(start, wall if began is None else began))
        self._add_bar(start, wall)

    def _add_bar(self, start: BarStart, wall: datetime) -> None:
        self._piece = start.bar.piece.number
        self.bars.append((start, wall))
        self._trail.append(self._add("bar", bar_score(start, wall)))

    def _at_wish(self, wish: Wish) -> None:
        self._add("mood", wish_facts(wish))

    def _add(self, kind: str, data: Json) -> Message:
        message = Message.of(kind, data, f"{self._epoch}-{self._end_number}")
        self._log.append(message)
        self._end_number += 1
        self._metrics.events.labels(self._view.name, kind).inc()
        self._wake()
        return message

    def _wake(self) -> None:
        self._news.set()
        self._news.clear()

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def _look(self) -> None:
        self._look_later()
        seen, now_s = self._seen(), asyncio.get_running_loop().time()
        due_s = 0.0 if seen[:2] != self._told[:2] else STATE_EVERY_S if seen == self._told else LISTENERS_EVERY_S
        if now_s - self._told_at_s >= due_s:
            self._told, self._told_at_s = seen, now_s
            self._add("state", self._state())

    def _seen(self) -> tuple[bool, str, int]:
        on_air, reason = self._view.healthy()
        return on_air, "" if on_air else reason, self._view.hub_listeners()

    def _state(self) -> Json:
        on_air, reason, listeners = self._seen()
        return {"on_air": on_air, "reason": reason, "listeners": listeners, "now": iso(datetime.now(UTC))}
