"""Who can use the page, and what it costs them: axe-core, its weight, what it asks for and keeps, pictures of it."""

from pathlib import Path
from urllib.parse import urlsplit

import axe_playwright_python
import pytest
import pytest_asyncio
from fakes_browser import SCREENSHOTS, becomes_true, chromium, needs_chromium, opened, play
from fakes_tones import TITLES, ToneStation, served

pytestmark = [*needs_chromium, pytest.mark.asyncio(loop_scope="module")]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SHOWN = f"{list(TITLES)}.includes(document.querySelector('h1').textContent)"
KEPT = """
(async () => {
  const paths = [];
  for (const name of await caches.keys()) {
    for (const one of await (await caches.open(name)).keys()) paths.push(new URL(one.url).pathname);
  }
  return paths;
})()
"""
WITH_MOODS = """
document.addEventListener("readystatechange", () => {
  document.documentElement.dataset.api += " moods control/mood";
}, { once: true });
"""
MOODS = [
    {"name": name, "title": title, "description": about, "bpm_low": 65.0, "bpm_high": 73.0, "colour": colour}
    for name, title, about, colour in (
        ("rainy", "Rainy", "Felt piano by a wet window, soft drums.", "#7f9bb3"),
        ("study", "Study", "Warm electric piano, dusty drums, vinyl.", "#d9a05b"),
        ("sleep", "Sleep", "Slow chords over the sea, hardly a drum.", "#8f86c9"),
    )
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stations")
    first, second = ToneStation(folder), ToneStation(folder, name="night", title="night shift")
    async with first.on_air(), second.on_air(), served(first, second) as address:
        yield address


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """Let the threads of this module's one loop be: they end with it."""
    return


async def faults(page):
    """What axe-core finds wrong, with the element and why."""
    await page.evaluate(AXE)
    found = await page.evaluate("(rules) => axe.run(document, { runOnly: rules })", RULES)
    return [(one["id"], node["target"], node["failureSummary"]) for one in found["violations"] for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_on_the_page_nor_in_its_dialogs(browser, address, scheme):
    async with opened(browser, address, color_scheme=scheme) as page:
        await becomes_true(page, SHOWN)
        await page.keyboard.press("h")
        assert await faults(page) == []
        for opener, dialog in (
            ("#help", "#help-dialog"),
            ("#sleep", "#sleep-dialog"),
            ("#operator", "#operator-dialog"),
        ):
            await page.locator(opener).click()
            assert await page.locator(dialog).is_visible()
            assert await faults(page) == []
            await page.keyboard.press("Escape")
        assert page.complaints == []


async def test_the_page_weighs_little_and_asks_nobody_else(browser, address):
    # without the worker, which fetches everything once more and answers from its store
    async with opened(browser, address, reduced_motion="no-preference", service_workers="block") as page:
        await play(page)
        ours = urlsplit(address).netloc
        assert {urlsplit(url).netloc for url in page.asked} == {ours}
        kinds = ("/stream.mp3", "/api/")
        files = [answer for answer in page.answers if not any(kind in answer.url for kind in kinds)]
        weight_bytes = sum([len(await answer.body()) for answer in files])
        assert 80_000 < weight_bytes < 150_000
        assert not any("/ambience/" in url for url in page.asked), "nobody has moved a fader"
        assert page.complaints == [], "errors, or violations of the content security policy"


async def test_pictures_of_the_page_are_taken(browser, address):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, width, height, scheme in (("phone", 390, 844, "dark"), ("desktop", 1440, 900, "light")):
        wishes = {"viewport": {"width": width, "height": height}, "reduced_motion": "no-preference"}
        async with opened(browser, address, color_scheme=scheme, **wishes) as page:
            await becomes_true(page, SHOWN)
            picture = await page.screenshot(path=SCREENSHOTS / f"{name}.png")
            assert len(picture) > 20_000


async def test_the_other_station_is_a_tile_away(browser, address):
    async with opened(browser, address) as page:
        await page.get_by_role("button", name="night shift").click()
        await page.wait_for_selector("html[data-state=playing][data-station=night]")
        assert urlsplit(page.url).path == "/night/"
        assert "/night/stream.mp3" in await page.evaluate("audio.currentSrc")
        assert await page.inner_text("#station-title") == "night shift"


async def test_mood_tiles_explain_without_a_token_and_order_with_one(browser, address):
    async with opened(browser, address.rstrip("/") + "/night/") as page:
        ordered = []

        async def take(route):
            ordered.append((route.request.post_data_json, route.request.headers["authorization"]))
            await route.fulfill(status=202, json={"mood": "sleep"})

        await page.route("**/api/moods", lambda route: route.fulfill(json={"moods": MOODS}))
        await page.route("**/api/control/mood", take)
        await page.add_init_script(WITH_MOODS)
        await page.reload()
        await page.get_by_role("button", name="Sleep Slow chords").click()
        assert "operator" in await page.inner_text("#status")
        await page.get_by_role("button", name="For the operator").click()
        await page.get_by_label("Control token").fill("a-token-of-sixteen")
        await page.get_by_role("button", name="Use it").click()
        await page.get_by_role("button", name="Sleep Slow chords").click()
        await page.get_by_text("on its way").wait_for()
        assert ordered == [({"mood": "sleep", "station": "night"}, "Bearer a-token-of-sixteen")]
        assert await page.evaluate("sessionStorage.token") == "a-token-of-sixteen"
        assert "sixteen" not in await page.evaluate("JSON.stringify(localStorage)")


async def test_a_sound_of_ones_own_is_loaded_when_its_fader_moves(browser, address):
    async with opened(browser, address) as page:
        await play(page)
        await page.get_by_label("rain").focus()
        async with page.expect_response("**/ambience/rain.mp3") as sound:
            await page.keyboard.press("PageUp")
        assert (await (await sound.value).body())[:2] in (b"\xff\xfb", b"\xff\xfa")
        await page.get_by_role("button", name="Pause").click()
        assert [url for url in page.asked if "/ambience/" in url] == [f"{address}ambience/rain.mp3"]
        assert await page.evaluate("JSON.parse(localStorage.room).rain") > 0
        assert page.complaints == []


async def test_the_sleep_timer_fades_and_pauses(browser, address):
    async with opened(browser, address) as page:
        await play(page)
        await page.keyboard.press("z")
        await page.get_by_role("button", name="15 minutes").click()
        assert await page.inner_text("#sleep-left") == "15 min"
        loud = await page.evaluate("audio.volume")
        await page.clock.install()
        await page.clock.fast_forward((14 * 60 + 40) * 1000)
        await becomes_true(page, f"audio.volume < {loud / 2}")
        await page.clock.fast_forward(30_000)
        await page.wait_for_selector("html[data-state=paused]")


async def test_the_page_opens_without_a_network_and_keeps_no_sound(browser, address):
    async with opened(browser, address) as page:
        await page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
        await becomes_true(page, "navigator.serviceWorker.controller !== null")
        await page.reload()
        await play(page)
        kept = await page.evaluate(KEPT)
        assert {"/", "/static/js/main.js", "/static/words/en.json"} <= set(kept)
        assert not [path for path in kept if path.startswith(("/api", "/stream", "/hls", "/ambience"))]
        await page.context.set_offline(True)
        await page.reload()
        await page.get_by_role("button", name="Play", exact=True).wait_for()
        await page.context.set_offline(False)
