"""A small TCP proxy that behaves as badly as networks do: it swallows, resets, crawls and delays.

Knows nothing about what goes through it.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

PIECE_BYTES = 16_384


@dataclass(frozen=True)
class Weather:
    """How the proxy treats what goes through it; the default lets everything pass."""

    blackhole: bool = False
    """Connections stand, new ones are taken, and nothing goes through in either direction."""
    reset_every_s: float | None = None
    """Connections older than this are reset."""
    kbit_s: float | None = None
    """So much goes through each connection in each direction."""
    latency_s: float = 0.0


FAIR = Weather()


class ChaosProxy:
    """Stands between a client and `host:port`; `weather` may be changed at any time and holds from then on."""

    def __init__(self, host: str, port: int) -> None:
        self.weather = FAIR
        self.port = 0
        self.connections = 0
        """Connections taken up to now."""
        self._target = (host, port)
        self._open: dict[asyncio.StreamWriter, float] = {}

    def reset_all(self) -> None:
        """Reset every connection now."""
        for writer in tuple(self._open):
            writer.transport.abort()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either end or the weather ends it."""
        self.connections += 1
        self._open[writer] = time.monotonic()
        far_writer: asyncio.StreamWriter | None = None
        try:
            await self._calm()
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            self._open[far_writer] = time.monotonic()
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._carry(reader, far_writer))
                ways.create_task(self._carry(far_reader, writer))
                ways.create_task(self._age(writer))
        except* (OSError, EOFError):
            pass  # what the weather and the far end do to connections is what the proxy is for
        finally:
            for end in (writer, far_writer):
                if end is not None:
                    self._open.pop(end, None)
                    end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(PIECE_BYTES):
            weather = self.weather
            if weather.latency_s:
                await asyncio.sleep(weather.latency_s)
            await self._calm()
            if self.weather.kbit_s:
                await asyncio.sleep(len(data) / (self.weather.kbit_s * 125))
            writer.write(data)
            await writer.drain()
        raise EOFError

    async def _calm(self) -> None:
        while self.weather.blackhole:  # noqa: ASYNC110 - the weather is a plain value that anybody may set
            await asyncio.sleep(0.05)

    async def _age(self, writer: asyncio.StreamWriter) -> None:
        while True:
            await asyncio.sleep(0.1)
            limit_s = self.weather.reset_every_s
            if limit_s is not None and time.monotonic() - self._open[writer] > limit_s:
                raise ConnectionResetError


@asynccontextmanager
async def chaos_proxy(host: str, port: int) -> AsyncIterator[ChaosProxy]:
    """Listen on a free port of the loopback for as long as the block lasts."""
    proxy = ChaosProxy(host, port)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0, limit=PIECE_BYTES)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.weather = FAIR
        proxy.reset_all()
        await asyncio.sleep(0.1)
