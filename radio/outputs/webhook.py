"""Tells programs of others what happens on a station: a POST for each event, signed, tried again, never waited for.

Knows nothing about how events come about. A receiver that is away costs its own messages, the oldest first.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import aiohttp

from engine import BarStart
from radio.clock import Clock
from radio.config_news import Webhook
from radio.metrics import Metrics
from radio.nowplaying import NowPlaying
from radio.web.facts import Json, iso, piece_facts, wish_facts
from radio.wishes import Wish, Wishes

logger = logging.getLogger(__name__)

QUEUE_MESSAGES = 32
TIMEOUT_S = 10.0
RETRY_S = (1.0, 3.0, 10.0, 30.0, 60.0)
"""Between the tries for one message; then it is given up."""
LOOK_S = 5.0
"""How often it looks whether the sound has stopped or is back."""
SIGNATURE = "X-Hub-Signature-256"
"""GitHub's way, which receivers know how to check."""
ERRORS: tuple[type[Exception], ...] = ()
"""It copes with everything that a receiver can do."""
_PASSING = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class Source:
    """What happens."""

    title: str
    """Of the station, for people."""
    now: NowPlaying
    wishes: Wishes
    healthy: Callable[[], tuple[bool, str]]


class WebhookOutput:
    """One receiver."""

    def __init__(self, settings: Webhook, source: Source, metrics: Metrics, clock: Clock) -> None:
        self.name = f"webhook {settings.name}"
        self._settings, self._source, self._metrics, self._clock = settings, source, metrics, clock
        self._secret = settings.secret().encode()
        self._waiting: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._piece: int | None = None
        self._on_air: bool | None = None
        self._failing = False
        metrics.expect_webhook(settings.name)

    async def run(self) -> None:
        """Tell for ever."""
        events = self._settings.events
        with ExitStack() as stack:
            if "piece" in events:
                stack.callback(self._source.now.watch(self._at_bar))
            if "mood" in events:
                stack.callback(self._source.wishes.watch(self._at_wish))
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session, asyncio.TaskGroup() as tasks:
                if "state" in events:
                    tasks.create_task(self._look())
                while True:
                    await self._news.wait()
                    self._news.clear()
                    while self._waiting:
                        await self._deliver(session, self._waiting.popleft())

    def _at_bar(self, start: BarStart, wall: datetime) -> None:
        number = start.bar.piece.number
        if number == self._piece:
            return
        known, self._piece = self._piece is not None, number
        began = self._source.now.piece_started_at or wall
        if known or start.bar.piece_bar == 0:  # a radio that goes on in the middle of a piece has no news of it
            piece = piece_facts(start, began)
            self._tell("piece", piece, f"♪ {piece['title']} · {piece['key']} · {piece['bpm']:g} bpm · {piece['mood']}")

    def _at_wish(self, wish: Wish) -> None:
        self._tell("mood", wish_facts(wish), f"{self._source.title} turns to {wish.mood}")

    async def _look(self) -> None:
        while True:
            on_air, reason = self._source.healthy()
            if on_air is not self._on_air:
                if self._on_air is not None:
                    said = "is back on air" if on_air else f"is silent: {reason}"
                    self._tell(
                        "state", {"on_air": on_air, "reason": "" if on_air else reason}, f"{self._source.title} {said}"
                    )
                self._on_air = on_air
            await self._clock.sleep_until(self._clock.now_s() + LOOK_S)

    def _tell(self, event: str, data: Json, words: str) -> None:
        """Put a message in the queue; returns at once."""
        body = {
            "id": secrets.token_hex(8), "event": event, "station": self._settings.station,
            "at": iso(self._clock.wall()), "data": data, "text": words, "content": words,
        }  # fmt: skip
        if len(self._waiting) >= QUEUE_MESSAGES:
            self._waiting.popleft()
            self._metrics.webhook_messages.labels(self._settings.name, "dropped").inc()
        self._waiting.append(json.dumps(body, ensure_ascii=False).encode())
        self._news.set()

    async def _deliver(self, session: aiohttp.ClientSession, body: bytes) -> None:
        count = self._metrics.webhook_messages
        for pause_s in (*RETRY_S, None):
            problem, final = await self._post(session, body)
            if not problem:
                self._failing = False
                count.labels(self._settings.name, "sent").inc()
                return
            level = logging.DEBUG if self._failing else logging.WARNING  # a night of the same words helps nobody
            logger.log(level, "%s: %s", self.name, problem)
            self._failing = True
            if final or pause_s is None:
                break
            count.labels(self._settings.name, "retried").inc()
            await self._clock.sleep_until(self._clock.now_s() + pause_s)
        count.labels(self._settings.name, "failed").inc()

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> tuple[str, bool]:
        """Post once; what is in the way (empty: nothing), and whether another try would be in vain."""
        headers = {"Content-Type": "application/json", "User-Agent": "lofi-radio"}
        if self._secret:
            headers[SIGNATURE] = f"sha256={hmac.new(self._secret, body, hashlib.sha256).hexdigest()}"
        try:
            async with session.post(self._settings.url, data=body, headers=headers, allow_redirects=False) as answer:
                if answer.status < 300:
                    return "", True
                return f"answered with {answer.status}", answer.status < 500 and answer.status not in _PASSING
        except (aiohttp.ClientError, OSError) as problem:
            return f"cannot be reached ({type(problem).__name__})", False
        except TimeoutError:
            return f"did not answer within {TIMEOUT_S:g} s", False
