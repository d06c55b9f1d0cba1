"""The page in a real browser, on the real web application, with a real MP3 stream."""

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from fakes_web import FakeStation, bar_start
from playwright.async_api import async_playwright

from radio.metrics import Metrics
from radio.web.app import make_app
from radio.web.stream import Mount, Streams

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
]

PATIENCE_MS = 45_000
"""A browser on two busy cores needs ten times as long as on idle ones."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs /usr/bin/chromium: apt-get install chromium"),
]


@asynccontextmanager
async def on_air(station, port=0):
    """Serve a station's pages and stream; yields the address."""
    metrics = Metrics()
    app = make_app({station.name: station}, metrics, latency_s=0.0)
    streams = Streams(metrics, 10)
    streams.add_routes(app, [Mount(station.name, station.title, "", "lo-fi", station.hub, 128)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    broadcast = asyncio.ensure_future(station.broadcast())
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        broadcast.cancel()
        with suppress(asyncio.CancelledError):
            await broadcast
        await runner.cleanup()


@pytest.fixture
async def station():
    station = FakeStation()
    station.play_past(pieces=2, mood="rainy")
    return station


@pytest.fixture
async def browser():
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser):
    page = await browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")  # spares two cores
    page.complaints = []
    page.on("pageerror", lambda problem: page.complaints.append(str(problem)))
    page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
    yield page
    await page.close()


async def seconds_heard(page):
    return await page.evaluate("window.player.audio.currentTime")


async def becomes_true(page, question):
    """Wait for an expression; the page's own policy forbids playwright's wait_for_function."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not await page.evaluate(question):  # noqa: ASYNC110 - the event is in another process
            await asyncio.sleep(0.05)


async def test_the_page_plays_and_shows_what_is_heard(page, station):
    async with on_air(station) as address:
        await page.goto(address)
        await page.get_by_text("Tea Going Cold").wait_for()
        assert "E♭ minor · 80 bpm · rainy" in await page.inner_text("#facts")
        await page.get_by_role("button", name="Play").click()
        await page.wait_for_selector("html[data-state=playing]", timeout=PATIENCE_MS)
        before = await seconds_heard(page)
        await becomes_true(page, f"window.player.audio.currentTime > {before + 1.0}")
        station.now.begin(bar_start(50, piece=3, mood="sunset"), datetime.now(UTC))
        await becomes_true(page, "document.title.startsWith('Rain on the Awning')")
        assert await page.evaluate("navigator.mediaSession.metadata.title") == "Rain on the Awning"
        assert await page.get_attribute("html", "data-mood") == "sunset"
        assert "Tea Going Cold" in await page.inner_text("#history")
        assert station.hub.listeners == 1
        await page.get_by_role("button", name="Pause").click()
        await page.wait_for_selector("html[data-state=paused]")
        assert page.complaints == []


async def test_the_page_finds_the_stream_again_by_itself(page, station):
    async with on_air(station) as address:
        await page.goto(address)
        await page.get_by_role("button", name="Play").click()
        await page.wait_for_selector("html[data-state=playing]", timeout=PATIENCE_MS)
        port = int(address.rsplit(":", 1)[1].strip("/"))
    again = FakeStation()
    again.play_past(pieces=2)
    await page.wait_for_selector("html[data-state=connecting]", timeout=PATIENCE_MS)
    async with on_air(again, port):
        await page.wait_for_selector("html[data-state=playing]", timeout=PATIENCE_MS)


async def test_keys_play_pause_and_set_the_volume(page, station):
    async with on_air(station) as address:
        await page.goto(address)
        await page.keyboard.press("Space")
        await page.wait_for_selector("html[data-state=playing]", timeout=PATIENCE_MS)
        await page.keyboard.press("ArrowLeft")
        assert await page.input_value("#volume") == "75"
        await page.keyboard.press("ArrowRight")
        assert await page.input_value("#volume") == "80"
        await page.keyboard.press("m")
        assert await page.evaluate("window.player.audio.muted") is True
        await page.keyboard.press("Space")
        await page.wait_for_selector("html[data-state=paused]")


async def test_nothing_moves_for_those_who_asked_for_it(browser, station):
    async with on_air(station) as address:
        for wish, moves in (("reduce", False), ("no-preference", True)):
            page = await browser.new_page(reduced_motion=wish)
            await page.goto(address)
            await page.get_by_text("Tea Going Cold").wait_for()
            assert (await page.evaluate("document.getAnimations().length") > 0) == moves
            await page.close()


async def test_nothing_sticks_out_at_any_width(page, station):
    async with on_air(station) as address:
        await page.goto(address)
        await page.get_by_text("Tea Going Cold").wait_for()
        for width in (320, 390, 768, 1280, 2560):
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            box = await page.locator("#play").bounding_box()
            assert box["width"] >= 44
            assert box["height"] >= 44
