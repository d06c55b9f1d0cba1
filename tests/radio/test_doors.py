"""The doors, over raw sockets on loopback, and who is who behind a proxy."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from fakes_clock import settle
from fakes_web import FakeStation

from radio.config_security import Security
from radio.metrics import Metrics
from radio.web.app import Rules, make_app
from radio.web.doors import Doors, GatedSite, plain_address

NOBODY = ()


class House:
    def __init__(self, settings, connections_max):
        self.metrics = Metrics()
        self.doors = Doors(settings, connections_max, self.metrics)
        self.port = 0

    def refused(self, reason):
        return self.metrics.registry.get_sample_value("lofi_refusals_total", {"reason": reason})

    async def connect(self, text=b"", address="127.0.0.1"):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        writer.write(text)
        return reader, writer

    async def answer(self, text, address="127.0.0.1"):
        """Everything that comes back until the connection ends."""
        reader, writer = await self.connect(text, address)
        try:
            async with asyncio.timeout(20):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


@asynccontextmanager
async def house(connections_max=1_000, *, unread_s=30.0, **settings):
    found = House(Security(**settings), connections_max)
    app = make_app({"lofi": FakeStation()}, found.metrics, rules=Rules(Security(**settings), found.doors))
    app.router.add_get("/big", _big)
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=0.1, max_line_size=8_192, max_field_size=8_192, max_headers=64
    )
    await runner.setup()
    site = GatedSite(runner, ("127.0.0.1", 0), 64, found.doors)
    site.unread_s = unread_s
    await site.start()
    found.port = runner.addresses[0][1]
    try:
        yield found
    finally:
        await runner.cleanup()


async def _big(_request):
    return web.Response(body=bytes(4_000_000))


GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def test_requests_pass():
    async with house() as home:
        assert b" 200 OK" in await home.answer(GET)


@pytest.mark.parametrize("text", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Drip: a\r\n"])
async def test_a_connection_that_does_not_end_its_request_is_cut(text):
    async with house(first_request_s=1.0) as home:
        began_s = time.monotonic()
        assert await home.answer(text) == b""
        assert time.monotonic() - began_s > 0.5
        assert home.refused("slow") == 1


async def test_dripping_a_header_byte_by_byte_wins_no_time():
    async with house(first_request_s=1.0) as home:
        reader, writer = await home.connect(b"GET / HTTP/1.1\r\n")

        async def drip():
            while True:
                writer.write(b"X-A: b\r\n")
                await asyncio.sleep(0.1)

        async with asyncio.timeout(20):
            dripping = asyncio.ensure_future(drip())
            try:
                assert await reader.read() == b""
            except ConnectionError:
                pass
            finally:
                dripping.cancel()
        writer.close()
        assert home.refused("slow") == 1


async def test_a_connection_that_has_asked_once_is_left_alone():
    async with house(first_request_s=1.0) as home:
        reader, writer = await home.connect(GET.replace(b"Connection: close\r\n", b""))
        assert b"200" in await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.6)
        await asyncio.sleep(0.6)
        writer.write(GET)
        assert b"200" in await reader.read()
        writer.close()
        assert home.refused("slow") == 0


async def test_an_address_has_so_many_connections_and_others_still_get_theirs():
    async with house(connections_per_address=2, trusted_proxies=NOBODY) as home:
        held = [await home.connect(address="127.0.0.7") for _ in range(2)]
        refused = await home.answer(GET, address="127.0.0.7")
        assert refused.startswith(b"HTTP/1.1 429 ") or refused == b""  # the answer may lose against the reset
        assert b" 200 OK" in await home.answer(GET, address="127.0.0.8")
        assert home.refused("address") == 1
        held[0][1].close()
        await settle(lambda: home.doors._open == 1)
        assert b" 200 OK" in await home.answer(GET, address="127.0.0.7")
        held[1][1].close()


async def test_when_all_connections_are_taken_the_next_is_told_so():
    async with house(connections_max=1) as home:
        _, writer = await home.connect()
        reader, second = await home.connect()
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
        assert home.refused("full") == 1
        writer.close()
        second.close()


async def test_the_clients_of_a_trusted_proxy_are_limited_one_by_one():
    async with house(connections_per_address=1) as home:
        slow = b"GET /big HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
        _, writer = await home.connect(slow)
        told = GET.replace(b"Host: x", b"Host: x\r\nX-Forwarded-For: 192.0.2.2")
        for _ in range(3):
            assert b" 200 OK" in await home.answer(told)
        writer.close()
        assert not home.doors._behind_proxies, "what is counted in is counted out"


async def test_a_client_that_reads_nothing_it_asked_for_is_cut_by_the_system():
    async with house(unread_s=0.5) as home:
        reader, writer = await home.connect(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n" * 4)
        reader._transport.pause_reading()
        await settle(lambda: not home.doors._open, timeout_s=30)
        writer.close()


def request(remote, forwarded=None):
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    found = make_mocked_request("GET", "/", headers=headers)
    return found.clone(remote=remote)


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("192.0.2.9", "10.0.0.1", "192.0.2.9"),  # not a proxy of ours: believed nothing
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "6.6.6.6, 192.0.2.1", "192.0.2.1"),  # what a client made up stands further left
        ("127.0.0.1", "192.0.2.1, 127.0.0.1", "192.0.2.1"),
        ("127.0.0.1", "not an address", "127.0.0.1"),
        ("::ffff:127.0.0.1", "2001:db8::1:2:3:4", "2001:db8::"),
    ],
)
def test_who_asks_is_who_stands_before_the_last_proxy_we_trust(remote, forwarded, expected):
    doors = Doors(Security(), 10, Metrics())
    assert doors.client(request(remote, forwarded)) == expected


def test_a_home_with_ipv6_is_one_address():
    assert plain_address("2001:db8:1:2::1") == plain_address("2001:db8:1:2:ffff::9") != plain_address("2001:db8:1:3::1")
    assert plain_address("::1") == "::1"
    assert plain_address("fe80::1%eth0") == "fe80::"
    assert plain_address("") == plain_address("unix") == ""


def test_a_flood_is_one_line_a_minute(caplog):
    doors = Doors(Security(), 0, Metrics())
    for _ in range(50):
        assert doors.come_in("192.0.2.1") == "full"
    assert caplog.text.count("more are refused") == 1
