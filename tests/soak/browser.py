"""A listener with a real browser: Chromium on the station's page, which must go on by itself.

Knows nothing about faults or judgement.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from playwright.async_api import Error, Page, async_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--mute-audio", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
LOOK_S = 0.25


@dataclass
class PagePlayer:
    """One page that was told to play, once, when it was opened."""

    via: str
    """`mp3` or `hls`: how it takes the sound."""
    played_s: float = 0.0
    complaints: list[str] = field(default_factory=list)
    """Errors of the page's own scripts; that a server is away is none."""

    async def run(self, page: Page, url: str) -> None:
        """Open the page, press play and count what sounds until cancelled."""
        page.on("pageerror", lambda problem: self.complaints.append(str(problem)))
        await page.goto(f"{url}/?via={self.via}")
        await page.wait_for_function("document.documentElement.dataset.state === 'paused'")  # the button is wired
        await page.click("#play")
        last_s = 0.0
        while True:
            now_s = float(await page.evaluate("document.querySelector('audio').currentTime"))
            self.played_s += max(0.0, min(now_s - last_s, 2 * LOOK_S + 1)) if now_s > last_s else 0.0
            last_s = now_s
            await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def pages(url: str, *kinds: str) -> AsyncIterator[tuple[PagePlayer, ...]]:
    """Open a page for each way to take the sound; the browser is closed at the end."""
    players = tuple(PagePlayer(kind) for kind in kinds)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = []
                for player in players:
                    page = await browser.new_page(reduced_motion="reduce")
                    running.append(tasks.create_task(player.run(page, url)))
                yield players
                for task in running:
                    task.cancel()
        finally:
            with suppress(Error):  # it died before us, which the counts have told
                await browser.close()
