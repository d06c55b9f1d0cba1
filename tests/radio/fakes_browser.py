"""A real Chromium for the pages' tests, and what is noted of everything a page says and asks for."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import async_playwright

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
SCREENSHOTS = Path(__file__).parents[2] / "build/screenshots"

needs_chromium = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs /usr/bin/chromium: apt-get install chromium"),
]


@asynccontextmanager
async def chromium(*flags):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *flags])
        yield browser
        await browser.close()


@asynccontextmanager
async def opened(browser, address, **wishes):
    """A page in a fresh profile; `complaints`: errors, broken policies; `asked`, `answers`: what went to and fro."""
    wishes = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", "locale": "en-GB"} | wishes
    context = await browser.new_context(**wishes)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.complaints, page.asked, page.answers = [], [], []
    page.on("pageerror", lambda problem: page.complaints.append(str(problem)))
    page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
    page.on("response", lambda answer: page.answers.append(answer))
    context.on("request", lambda request: page.asked.append(request.url))
    await page.goto(address)
    if not urlsplit(address).path.endswith("overlay"):
        await page.wait_for_selector("html[data-ready=yes]")
    yield page
    await context.close()


async def becomes_true(page, question):
    """Wait for an expression; the page's own policy forbids playwright's wait_for_function."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not await page.evaluate(question):  # noqa: ASYNC110 - the event is in another process
            await asyncio.sleep(0.05)


async def play(page):
    await page.get_by_role("button", name="Play", exact=True).click()
    await page.wait_for_selector("html[data-state=playing]")
