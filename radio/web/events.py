"""The news of a station as a stream: Server-Sent Events at /api/events, the same over WebSocket at /api/ws.

Knows nothing about what the news say. A follower that does not read harms only itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from aiohttp import WSCloseCode, web

from radio.metrics import Metrics
from radio.web.answers import OPEN, SOON, no_station, refused
from radio.web.news import Message, News

logger = logging.getLogger(__name__)

WRITE_TIMEOUT_S = 15.0
"""Who takes nothing for so long is let go."""
RETRY_MS = 2_000
"""When a browser whose connection broke asks again."""
PING_S = 20.0
_SEND_BUFFER_BYTES = 65_536
"""The system's own choice would keep an hour of events for a client that does not read."""
CHATTER_MAX = 32
"""Messages of a client that are put up with; then it is let go."""
_SSE_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep events back
    **OPEN,
}

Send = Callable[[tuple[Message, ...]], Awaitable[None]]


@dataclass(slots=True)
class Follower:
    """One client's place in the news."""

    news: News
    number: int
    """Of the event that it needs next."""
    greeting: tuple[Message, ...] = ()

    @classmethod
    def of(cls, news: News, last_id: str) -> Follower:
        """Go on after an event, or greet who is new here."""
        number = news.number_after(last_id)
        return cls(news, news.end_number, news.greeting()) if number is None else cls(news, number)

    @property
    def lagged(self) -> bool:
        """Whether it missed events for good."""
        return self.number < self.news.first_number

    async def follow(self, send: Send) -> None:
        """Send what happens until the news end or the client lags; raises TimeoutError for one that takes nothing."""
        while True:
            messages, self.greeting = (*self.greeting, *self.news.since(self.number)), ()
            self.number = self.news.end_number
            if messages:
                async with asyncio.timeout(WRITE_TIMEOUT_S):
                    await send(messages)
            if self.lagged or self.news.closed:
                return
            if self.number == self.news.end_number:
                await self.news.more()


class Events:
    """The handlers of both streams; they share one limit."""

    def __init__(self, news: Mapping[str, News], metrics: Metrics, max_clients: int) -> None:
        self._news = news
        self._metrics = metrics
        self._max_clients = max_clients
        metrics.event_clients_max.set(max_clients)

    def add_routes(self, app: web.Application) -> None:
        """Add /api/events and /api/ws (?station=name, ?after=id), and their end when the server stops."""
        app.router.add_get("/api/events", self._sse, allow_head=False)
        app.router.add_get("/api/ws", self._websocket, allow_head=False)
        app.on_shutdown.append(self._close)

    async def _close(self, _app: web.Application) -> None:
        for news in self._news.values():
            news.close()

    async def _sse(self, request: web.Request) -> web.StreamResponse:
        found = self._find(request)
        if isinstance(found, web.Response):
            return found
        last_id = request.headers.get("Last-Event-ID", request.query.get("after", ""))
        response = web.StreamResponse(headers=_SSE_HEADERS)
        response.force_close()

        async def send(messages: tuple[Message, ...]) -> None:
            await response.write(b"".join(message.sse for message in messages))

        async def begin() -> None:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await response.prepare(request)
                await response.write(b"retry: %d\n\n" % RETRY_MS)
            await follower.follow(send)

        _limit_backlog(request)
        with self._counted(found, "sse"):
            follower = Follower.of(found, last_id)
            await self._guarded(request, follower, begin)
        return response

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        found = self._find(request)
        if isinstance(found, web.Response):
            return found
        wire = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=1_024, compress=False, timeout=1.0)
        if not wire.can_prepare(request):
            said = "This is a WebSocket; the same for plain HTTP is at /api/events."
            return refused(426, said, {"Upgrade": "websocket"})

        async def send(messages: tuple[Message, ...]) -> None:
            for message in messages:
                await wire.send_str(message.text)

        async def tell() -> None:
            await self._guarded(request, follower, lambda: follower.follow(send))
            await wire.close(code=WSCloseCode.GOING_AWAY)

        _limit_backlog(request)
        with self._counted(found, "ws"):
            await wire.prepare(request)
            follower = Follower.of(found, request.query.get("after", ""))
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(tell())
                heard = 0
                async for _ in wire:  # nobody is asked to say anything; this sees a client leave
                    heard += 1
                    if heard > CHATTER_MAX:
                        break
                telling.cancel()
        return wire

    async def _guarded(self, request: web.Request, follower: Follower, tell: Callable[[], Awaitable[None]]) -> None:
        """Tell the news until the end, and let go who does not take them."""
        try:
            await tell()
        except TimeoutError:
            self._drop(request, "stuck")
        except ConnectionError:
            logger.debug("%s: a follower left", request.path)
        else:
            if follower.lagged:
                self._drop(request, "lagged")

    def _find(self, request: web.Request) -> News | web.Response:
        """The news asked for, or the answer that there are none for this client."""
        name = request.query.get("station", next(iter(self._news)))
        if name not in self._news:
            return refused(404, no_station(name, self._news))
        if self._news[name].closed:  # no drop: nobody needs a place more, and the alarm for those would ring
            return refused(503, "The station is stopping. Try again in a moment.", SOON)
        if sum(news.followers for news in self._news.values()) >= self._max_clients:
            self._metrics.event_drops.labels("full").inc()
            said = f"All {self._max_clients} places are taken. Ask /api/nowplaying every few seconds instead."
            return refused(503, said, SOON)
        return self._news[name]

    @contextlib.contextmanager
    def _counted(self, news: News, way: str) -> Iterator[None]:
        gauge = self._metrics.event_clients.labels(way)
        news.enter()
        gauge.inc()
        try:
            yield
        finally:
            news.leave()
            gauge.dec()

    def _drop(self, request: web.Request, reason: str) -> None:
        self._metrics.event_drops.labels(reason).inc()
        if request.transport is not None:
            request.transport.abort()  # a polite end would wait in the kernel for a client that does not read


def _limit_backlog(request: web.Request) -> None:
    if request.transport is not None:
        wire = request.transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
