"""Who may come in, and how many at once: limits for each connection before any HTTP is spoken, and behind proxies.

Knows nothing about what is served.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Middleware

from radio.config_security import Network, Security
from radio.metrics import Metrics

logger = logging.getLogger(__name__)

UNREAD_S = 30.0
"""A client that leaves what it asked for unread for so long is cut by the system (RFC 5482)."""
SAY_EVERY_S = 60.0
_REFUSALS = {
    "full": b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\n",
    "address": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\n",
}
_NO_MORE = b"Content-Type: text/plain\r\nContent-Length: 22\r\nConnection: close\r\n\r\nToo many connections.\n"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Doors:
    """The limits of one server and what they count."""

    def __init__(self, settings: Security, connections_max: int, metrics: Metrics) -> None:
        self._settings = settings
        self._networks = settings.networks
        self._connections_max = connections_max
        self._metrics = metrics
        self._open = 0
        self._by_address: Counter[str] = Counter()
        self._behind_proxies: Counter[str] = Counter()
        self._said_s: dict[str, float] = {}

    @property
    def first_request_s(self) -> float:
        """How long a connection may stay without having asked for anything."""
        return self._settings.first_request_s

    def come_in(self, address: str) -> str:
        """Count a connection in; a reason when it must not come in: `full` or `address`."""
        if self._open >= self._connections_max:
            self.refuse("full", f"{self._connections_max} connections are open, more are refused. {_RAISE}")
            return "full"
        limit = self._settings.connections_per_address
        if self._by_address[address] >= limit and not self._is_trusted(address):
            self.refuse("address", f"{address} has {limit} connections open, more from there are refused.")
            return "address"
        self._open += 1
        self._by_address[address] += 1
        return ""

    def go_out(self, address: str) -> None:
        """Count a connection out."""
        self._open -= 1
        _take_one(self._by_address, address)

    def refuse(self, reason: str, said: str) -> None:
        """Count a refusal, and say so once a minute: a flood must not become a flood of lines."""
        self._metrics.refusals.labels(reason).inc()
        now_s = time.monotonic()
        if now_s - self._said_s.get(reason, -SAY_EVERY_S) >= SAY_EVERY_S:
            self._said_s[reason] = now_s
            logger.warning("%s", said)

    def client(self, request: web.Request) -> str:
        """Address of who asks; of who stands behind a trusted proxy, when it is one that asks."""
        peer = plain_address(request.remote or "")
        if not self._is_trusted(peer):
            return peer
        for told in reversed(",".join(request.headers.getall("X-Forwarded-For", [])).split(",")):
            address = plain_address(told.strip())
            if not address:
                return peer
            if not self._is_trusted(address):
                return address
        return peer

    @property
    def middleware(self) -> Middleware:
        """What notes that a connection has asked for something, and limits each client of a proxy."""

        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            gate = None if request.transport is None else request.transport.get_protocol()
            if isinstance(gate, Gate):
                gate.asked()
            client = self.client(request)
            if client == plain_address(request.remote or ""):
                return await handler(request)
            limit = self._settings.connections_per_address
            if self._behind_proxies[client] >= limit:
                self.refuse("address", f"{client} has {limit} requests open, more from there are refused.")
                return web.Response(status=429, text="Too many connections.\n", headers={"Retry-After": "30"})
            self._behind_proxies[client] += 1
            try:
                return await handler(request)
            finally:
                _take_one(self._behind_proxies, client)

        return watch

    def _is_trusted(self, address: str) -> bool:
        return is_within(address, self._networks)


_RAISE = "Raise the limit of open files (ulimit -Hn, LimitNOFILE in systemd) if these are listeners."


class Gate(asyncio.Protocol):
    """Stands before aiohttp's protocol of one connection and passes everything on to it."""

    def __init__(self, doors: Doors, make: Callable[[], asyncio.Protocol], unread_s: float) -> None:
        self._doors = doors
        self._make = make
        self._unread_s = unread_s
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._address = ""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the connection in, or answer that there is no room."""
        assert isinstance(transport, asyncio.Transport)
        peer = transport.get_extra_info("peername")
        self._address = plain_address(peer[0] if isinstance(peer, tuple) else "")
        reason = self._doors.come_in(self._address)
        if reason:
            transport.write(_REFUSALS[reason] + _NO_MORE)
            transport.close()
            return
        self._transport = transport
        wire = transport.get_extra_info("socket")
        if wire is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._unread_s * 1000))
        self._timer = asyncio.get_running_loop().call_later(self._doors.first_request_s, self._give_up)
        self._inner = self._make()
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection out."""
        self.asked()
        if self._inner is not None:
            self._doors.go_out(self._address)
            self._inner.connection_lost(exc)
            self._inner = None

    def data_received(self, data: bytes) -> None:
        """Pass on."""
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on."""
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        """Pass on."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass on."""
        if self._inner is not None:
            self._inner.resume_writing()

    def asked(self) -> None:
        """Stop the clock: a whole request has come."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._transport is not None:
            said = f"{self._address} asked for nothing within {self._doors.first_request_s:g} s and was cut."
            self._doors.refuse("slow", said)
            self._transport.abort()


class GatedSite(web.BaseSite):
    """A listening address whose connections come in through the doors."""

    def __init__(self, runner: web.AppRunner, address: tuple[str, int], backlog: int, doors: Doors) -> None:
        super().__init__(runner, backlog=backlog)
        self._address = address
        self._doors = doors
        self.unread_s = UNREAD_S

    @property
    def name(self) -> str:
        """Address as people write it."""
        host, port = self._address
        return f"http://{host}:{port}"

    async def start(self) -> None:
        """Listen; raises OSError when the address cannot be had."""
        await super().start()
        make = self._runner.server
        assert make is not None
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Gate(self._doors, make, self.unread_s), *self._address, backlog=self._backlog
        )


def plain_address(told: str) -> str:
    """One spelling for each client: IPv4 as it is, of IPv6 the network of 64 bits; empty when it is no address."""
    try:
        address = ipaddress.ip_address(told.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        if not address.is_loopback:  # a home has a whole /64 to itself
            return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Tell whether an address belongs to one of the networks."""
    if not address:
        return False
    found = ipaddress.ip_address(address)
    return any(found in network for network in networks)


def _take_one(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if counter[name] <= 0:
        del counter[name]
