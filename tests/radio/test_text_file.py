"""The text file that OBS shows: right, whole at every moment, and in time."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from fakes_clock import ManualClock, settle
from fakes_web import bar_start

from radio.config_file import parse_config
from radio.config_news import TextFile
from radio.errors import ConfigError
from radio.nowplaying import NowPlaying
from radio.outputs.text_file import Shown, TextFileOutput

NOW = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)


@asynccontextmanager
async def written(path, clock=None, **settings):
    now = NowPlaying()
    output = TextFileOutput(
        Shown("lofi", "lofi radio", now), TextFile(file=path, **settings), clock or ManualClock(runs=True)
    )
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(output.run())
        await asyncio.sleep(0)
        yield now
        running.cancel()


async def test_the_file_says_what_plays_and_is_replaced_at_a_new_piece(tmp_path):
    path = tmp_path / "obs" / "nowplaying.txt"
    async with written(path) as now:
        now.begin(bar_start(0), NOW)
        await settle(path.exists)
        assert path.read_text(encoding="utf-8") == "Paper Lanterns · E♭ minor · 80 bpm · rainy"
        before = path.stat().st_ino
        now.begin(bar_start(1), NOW)
        now.begin(bar_start(2, piece=1, mood="snow"), NOW)
        await settle(lambda: "Tea" in path.read_text())
        assert path.stat().st_ino != before, "renamed into place: a reader never meets half of it"
        assert [one.name for one in path.parent.iterdir()] == ["nowplaying.txt"]


async def test_its_words_are_chosen(tmp_path):
    async with written(tmp_path / "a.txt", format="{{♪}} {title}\n{station}, {mood}") as now:
        now.begin(bar_start(0), NOW)
        await settle((tmp_path / "a.txt").exists)
        assert (tmp_path / "a.txt").read_text() == "{♪} Paper Lanterns\nlofi radio, rainy"


async def test_it_may_be_as_late_as_the_sound_is_heard(tmp_path):
    clock, path = ManualClock(), tmp_path / "a.txt"
    async with written(path, clock, delay_s=4.0) as now:
        now.begin(bar_start(0), NOW)
        await settle(lambda: clock.next_deadline_s == 1004.0)
        clock.advance(3.9)
        assert not path.exists()
        clock.advance(0.2)
        await settle(path.exists)


async def test_a_run_that_begins_late_writes_what_plays(tmp_path):
    now = NowPlaying()
    now.begin(bar_start(0), NOW)
    output = TextFileOutput(Shown("lofi", "", now), TextFile(file=tmp_path / "a.txt"), ManualClock(runs=True))
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(output.run())
        await settle((tmp_path / "a.txt").exists)
        running.cancel()


async def test_a_disk_that_refuses_is_for_keepalive(tmp_path):
    (tmp_path / "a.txt.new").mkdir()
    now = NowPlaying()
    now.begin(bar_start(0), NOW)
    output = TextFileOutput(Shown("lofi", "", now), TextFile(file=tmp_path / "a.txt"), ManualClock(runs=True))
    with pytest.raises(IsADirectoryError):
        await output.run()


def test_a_path_starts_at_the_folder_of_the_configuration(tmp_path):
    config = parse_config("stations: {lofi: {text_file: {file: obs/a.txt}}}", tmp_path / "config.yaml")
    assert config.stations["lofi"].text_file.file == tmp_path / "obs" / "a.txt"


@pytest.mark.parametrize(
    "text", ["{titel}", "{}", "{0}", "{title.__class__}", "{title[0]}", "{title!r}", "{bpm:9999999}", "{", "}"]
)
def test_a_text_that_names_something_else_is_refused(text, tmp_path):
    with pytest.raises(ConfigError, match=r"brace|names something else"):
        parse_config(f"stations: {{lofi: {{text_file: {{file: a.txt, format: '{text}'}}}}}}", tmp_path / "config.yaml")
