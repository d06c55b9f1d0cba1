"""The page that turns OBS's scenes into moods, in a real browser with OBS's side played by the test."""

from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import web
from fakes_web import FakeConducted, FakeStation
from playwright.async_api import async_playwright

from radio.metrics import Metrics
from radio.web.app import make_app
from radio.web.control import Control, ControlRoom
from radio.web.guard import Attempts, Guard
from radio.web.obs import ObsPage

TOKEN = "correct-horse-battery-staple"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
OBS = """
window.obsstudio = { getCurrentScene: (tell) => tell({ name: "Starting" }) };
window.scene = (name) => dispatchEvent(new CustomEvent("obsSceneChanged", { detail: { name } }));
"""
PATIENCE_MS = 45_000

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs /usr/bin/chromium: apt-get install chromium"),
]


@asynccontextmanager
async def served(folder):
    """The page and the control routes; yields the address and the music behind them."""
    conducted = FakeConducted(folder)
    app = make_app({"lofi": FakeStation()}, Metrics())
    guard = Guard(TOKEN, Attempts(10), lambda _: "here", Metrics())
    Control(guard, ControlRoom({"lofi": conducted}, ("rain",))).add_routes(app)
    ObsPage().add_routes(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", conducted.producer
    finally:
        await runner.cleanup()


@asynccontextmanager
async def opened():
    """A page as OBS opens it; its complaints and the addresses that it asked for are collected."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.complaints, page.asked = [], []
        page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda problem: page.complaints.append(str(problem)))
        page.on("request", lambda request: page.asked.append(request.url))
        await page.add_init_script(OBS)
        yield page
        await browser.close()


async def test_scenes_become_moods_and_the_token_is_in_no_address(tmp_path):
    scenes = {
        "token": TOKEN,
        "Starting": "sleep",
        "Gaming & co": "jazzhop",
        "*": "cafe",
        "Ending": "study:0.6,snow:0.4",
    }
    mapping = "&".join(f"{quote(name)}={quote(mood)}" for name, mood in {"token": TOKEN, **scenes}.items())
    async with served(tmp_path) as (address, music), opened() as page:
        await page.goto(f"{address}/obs-control#{mapping}")
        mixture = "study 60 % + snow 40 %"
        heard = ((None, "sleep"), ("Gaming & co", "jazzhop"), ("Just Chatting", "cafe"), ("Ending", mixture))
        assert await page.locator("dt.now").all_inner_texts() == ["Starting"]
        for scene, mood in heard:
            if scene is not None:
                await page.evaluate("(name) => scene(name)", scene)
            await page.get_by_role("status").filter(has_text=f"{mood}: on air in 6 s").wait_for()
        assert await page.locator("dt.now").all_inner_texts() == ["Ending"]
        assert [one.name for one in music.moods] == ["sleep", "jazzhop", "cafe", mixture]
        await page.evaluate("() => { for (const name of ['Starting', 'Gaming & co', 'Starting']) scene(name); }")
        await page.get_by_role("status").filter(has_text="sleep: on air").wait_for()
        assert [one.name for one in music.moods][4:] == ["sleep"], "of scenes in a row the last one counts"
        assert page.complaints == []
        assert not [url for url in page.asked if TOKEN in url.partition("#")[0] or not url.startswith(address)]
        await page.goto("about:blank")
        await page.goto(f"{address}/obs-control#token={TOKEN}x&Starting=rainy")
        await page.get_by_role("status").filter(has_text="This is not the control token.").wait_for()
        assert music.moods[-1].name == "sleep"
