"""The overlay in a real browser: nothing painted but the card, which comes with a piece, goes, and finds back."""

from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from aiohttp import web
from fakes_browser import SCREENSHOTS, becomes_true, chromium, needs_chromium, opened
from fakes_web import FakeStation, bar_start
from PIL import Image

from radio.metrics import Metrics
from radio.web.app import make_app
from radio.web.arrivals import Arrivals

pytestmark = needs_chromium
SIZE = {"viewport": {"width": 1920, "height": 1080}, "reduced_motion": "no-preference"}
OPACITY = "Number(getComputedStyle(document.getElementById('card')).opacity)"


@asynccontextmanager
async def served(station, port=0):
    app = make_app({station.name: station}, Metrics())
    Arrivals().add_routes(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def begin(station, index, piece):
    station.now.begin(bar_start(index, piece=piece), datetime.now(UTC) - timedelta(seconds=0.3))


async def test_a_new_piece_fades_in_over_nothing_and_goes_again():
    station = FakeStation()
    async with chromium() as browser, AsyncExitStack() as first_run:
        address = await first_run.enter_async_context(served(station))
        begin(station, 1, piece=1)
        async with opened(browser, f"{address}lofi/overlay?hold=3&delay=0&corner=top-right&theme=tape", **SIZE) as page:
            await becomes_true(page, f"{OPACITY} > 0.95")
            assert await page.inner_text("#title") == "Tea Going Cold"
            assert "E♭ minor · 80 bpm" in await page.inner_text("#facts")
            picture = Image.open(BytesIO(await page.screenshot(omit_background=True)))
            box = await page.locator("#card").bounding_box()
            assert box["x"] > 960
            assert box["y"] < 100
            assert picture.getpixel((100, 900)) == (0, 0, 0, 0)
            assert picture.getpixel((int(box["x"] + box["width"] / 2), int(box["y"] + 5)))[3] > 240
            await becomes_true(page, f"{OPACITY} === 0")
            begin(station, 2, piece=2)
            await becomes_true(page, f"{OPACITY} > 0.5")
            assert await page.inner_text("#title") == "Window Seat, Rear Car"
            await first_run.aclose()
            again = FakeStation()
            async with served(again, int(address.rsplit(":", 1)[1].strip("/"))):
                begin(again, 9, piece=3)
                await becomes_true(page, "document.getElementById('title').textContent === 'Rain on the Awning'")


@pytest.mark.parametrize("theme", ["night", "bare"])
async def test_a_picture_over_a_colour_is_taken(theme):
    station = FakeStation()
    async with chromium() as browser, served(station) as address:
        begin(station, 1, piece=2)
        async with opened(browser, f"{address}overlay?hold=0&delay=0&theme={theme}", **SIZE) as page:
            await page.evaluate("document.documentElement.style.background = '#2f6f5e'")
            await becomes_true(page, f"{OPACITY} > 0.99")
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            picture = Image.open(BytesIO(await page.screenshot(path=SCREENSHOTS / f"overlay-{theme}.png")))
            assert picture.getpixel((1800, 100)) == (0x2F, 0x6F, 0x5E)
            assert page.complaints == []
