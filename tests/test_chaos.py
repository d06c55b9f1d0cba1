"""The proxy that plays bad weather does what it says, or the tests that use it prove nothing."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from chaos import FAIR, Weather, chaos_proxy


@asynccontextmanager
async def echo():
    async def handle(reader, writer):
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server, chaos_proxy("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        try:
            async with asyncio.timeout(20):
                yield proxy, reader, writer
        finally:
            writer.transport.abort()


async def test_in_fair_weather_everything_passes():
    async with echo() as (proxy, reader, writer):
        writer.write(bytes(range(256)) * 1000)
        assert await reader.readexactly(256_000) == bytes(range(256)) * 1000
        assert proxy.connections == 1


async def test_a_black_hole_swallows_until_it_is_gone():
    async with echo() as (proxy, reader, writer):
        proxy.weather = Weather(blackhole=True)
        writer.write(b"anybody there?")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(1), 0.3)
        proxy.weather = FAIR
        assert await reader.readexactly(14) == b"anybody there?"


async def test_connections_are_reset_when_they_are_old_enough():
    async with echo() as (proxy, reader, _):
        proxy.weather = Weather(reset_every_s=0.2)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)


async def test_a_slow_line_is_as_slow_as_it_says():
    async with echo() as (proxy, reader, writer):
        proxy.weather = Weather(kbit_s=400)  # 50 kB/s there and back
        began_s = time.monotonic()
        writer.write(bytes(20_000))
        await reader.readexactly(20_000)
        assert time.monotonic() - began_s > 0.4
