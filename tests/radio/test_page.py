"""The page in a real browser, on the real web application, with the real broadcast, encoders and streams."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from fakes_browser import becomes_true, chromium, needs_chromium, opened, play
from fakes_clock import settle
from fakes_journal import Evening
from fakes_tones import TITLES, ToneStation, bar_of, served
from real_ear import listen

from radio.web.facts import chord_text
from radio.web.history import History

pytestmark = [*needs_chromium, pytest.mark.asyncio(loop_scope="module")]
TITLE = "document.querySelector('h1').textContent"
SHOWN = f"{list(TITLES)}.includes({TITLE})"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station(tmp_path_factory):
    async with ToneStation(tmp_path_factory.mktemp("station")).on_air() as station:
        yield station


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(station):
    async with served(station) as address:
        yield address


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """Let the threads of this module's one loop be: they end with it."""
    return


async def test_the_page_plays_and_shows_what_is_heard(browser, address):
    async with opened(browser, address) as page:
        await becomes_true(page, f"{TITLE} !== 'lofi radio'")
        await play(page)
        before = await page.evaluate("audio.currentTime")
        await becomes_true(page, f"audio.currentTime > {before + 0.5}")
        title = await page.evaluate(TITLE)
        assert title in TITLES
        assert "E♭ minor · 120 bpm" in await page.inner_text("#facts")
        chords = [chord_text(bar_of(index).chords[0], bar_of(index).piece) for index in range(12)]
        assert await page.inner_text("#chord") in chords
        await becomes_true(page, f"{TITLE} !== {title!r}")
        title = await page.evaluate(TITLE)
        assert title in TITLES
        assert await page.evaluate("navigator.mediaSession.metadata.title") == title
        assert (await page.title()).startswith(title)
        await page.get_by_role("button", name="Pause").click()
        await page.wait_for_selector("html[data-state=paused]")
        assert await page.evaluate("audio.currentSrc && audio.getAttribute('src')") in (None, "")
        assert page.complaints == []


async def test_the_page_survives_a_restart_of_the_server(browser, tmp_path):
    async with AsyncExitStack() as first_run:
        station = await first_run.enter_async_context(ToneStation(tmp_path / "first").on_air())
        address = await first_run.enter_async_context(served(station))
        async with opened(browser, address) as page:
            await play(page)
            await first_run.aclose()
            await page.wait_for_selector("html[data-state=connecting]")
            port = int(address.rsplit(":", 1)[1].strip("/"))
            async with ToneStation(tmp_path / "second", title="back again").on_air() as again, served(again, port=port):
                await page.wait_for_selector("html[data-state=playing]")
                await becomes_true(page, f"{SHOWN} && document.documentElement.dataset.air === 'on'")
                await settle(lambda: again.hub_listeners() == 1)  # what had been loaded before may still sound


async def test_keys_play_set_the_volume_and_open_the_help(browser, address):
    async with opened(browser, address) as page:
        await page.keyboard.press("Space")
        await page.wait_for_selector("html[data-state=playing]")
        for key, volume in (("ArrowDown", "75"), ("ArrowUp", "80"), ("ArrowUp", "85")):
            await page.keyboard.press(key)
            assert await page.input_value("#volume") == volume
        await page.keyboard.press("m")
        assert await page.evaluate("audio.muted") is True
        await page.keyboard.press("?")
        assert await page.locator("#help-dialog").is_visible()
        await page.keyboard.press("Escape")
        assert not await page.locator("#help-dialog").is_visible()
        await page.keyboard.press("k")
        await page.wait_for_selector("html[data-state=paused]")


async def test_the_pieces_of_an_earlier_run_are_among_those_played_before(browser, station, tmp_path):
    an_hour_ago_ms = round((time.time() - 3600) * 1000)
    journal = Evening(tmp_path / "journal.sqlite3", began_ms=an_hour_ago_ms).bars(3 * 8).write()
    async with (
        served(station, add=[History(journal, ["lofi"]).add_routes]) as address,
        opened(browser, address) as page,
    ):
        await becomes_true(page, "document.querySelectorAll('#past li:not(.none)').length === 3")
        assert await page.locator("#past b").all_inner_texts() == ["Piece 2", "Piece 1", "Piece 0"]
        assert "E♭ minor" in await page.inner_text("#past")
        assert page.complaints == []


async def test_without_a_journal_the_pieces_of_this_run_are_those_played_before(browser, station, tmp_path):
    async with (
        served(station, add=[History(tmp_path / "none.sqlite3", ["lofi"]).add_routes]) as address,
        opened(browser, address) as page,
    ):
        await becomes_true(page, "document.querySelectorAll('#past li:not(.none)').length > 0")
        assert set(await page.locator("#past b").all_inner_texts()) <= set(TITLES)


async def test_a_piece_is_kept_in_the_browser_and_let_go_again(browser, address):
    async with opened(browser, address) as page:
        await becomes_true(page, SHOWN)
        await page.keyboard.press("h")
        kept = await page.evaluate("JSON.parse(localStorage.hearts)")
        assert kept[0]["title"] in TITLES
        assert kept[0]["title"] in await page.inner_text("#kept")
        await page.reload()
        await page.get_by_role("button", name=f"Remove {kept[0]['title']}").click()
        assert await page.evaluate("localStorage.hearts") == "[]"


async def test_nothing_moves_for_those_who_asked_for_it(browser, address):
    for wish, moves in (("reduce", False), ("no-preference", True)):
        async with opened(browser, address, reduced_motion=wish) as page:
            assert (await page.evaluate("document.getAnimations().length") > 0) == moves


async def test_nothing_sticks_out_at_any_width_in_any_language(browser, address):
    for language in ("en", "de"):
        async with opened(browser, f"{address}?lang={language}") as page:
            assert await page.get_attribute("html", "lang") == language
            await page.wait_for_selector("#room:not([hidden])")
            for width in (320, 390, 768, 1280, 2560):
                await page.set_viewport_size({"width": width, "height": 800})
                assert await page.evaluate("document.documentElement.scrollWidth") <= width
                for button in await page.locator("button:visible:not(.link)").all():
                    box = await button.bounding_box()
                    assert min(box["width"], box["height"]) >= 44


async def test_chords_and_titles_are_shown_when_they_are_heard(browser, address, station):
    """Measured from outside the page's code, on both transports; last, because HLS needs three segments to begin."""
    while len(station.hls.shown.files) < 4:
        station.hls.changed.clear()
        await station.hls.changed.wait()
    async with opened(browser, f"{address}?via=mp3") as direct, opened(browser, f"{address}?via=hls") as hls:
        for page in (direct, hls):
            await play(page)
            await becomes_true(page, "audio.currentTime > 1")
        heard = await asyncio.gather(*(listen(page, seconds=5) for page in (direct, hls)))
        for offsets, limit_s in zip(heard, (0.3, 1.0), strict=True):
            assert len(offsets.chords_s) >= 2
            assert offsets.worst_s < limit_s, str(offsets)
