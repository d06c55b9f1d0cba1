import asyncio
import logging
import os

import pytest

from engine import MoodError
from radio.config_file import load_config
from radio.reload import Reloader

PLAIN = "stations: {lofi: {mood: study}}\n"
RAINY = "stations: {lofi: {mood: rainy}}\n"


class Applied:
    """Remembers what it was asked to apply, and wakes who waits for it."""

    def __init__(self):
        self.moods = []
        self.changes = ()
        self.happened = asyncio.Event()

    async def __call__(self, config, changes):
        self.moods.append(config.stations["lofi"].mood)
        self.changes = changes
        self.happened.set()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(PLAIN)
    return path


def results(metrics):
    return {
        result: metrics.registry.get_sample_value("lofi_config_reloads_total", {"result": result})
        for result in ("applied", "rejected", "unchanged")
    }


def reloader(path, metrics, apply):
    return Reloader(path, load_config(path), apply, metrics)


async def test_a_right_edit_is_applied_and_told(path, metrics, caplog):
    caplog.set_level(logging.INFO)
    apply = Applied()
    reload = reloader(path, metrics, apply)
    path.write_text(RAINY + "server: {port: 81}\n")
    assert await reload.reload()
    assert apply.moods == ["rainy"]
    assert [change.path for change in apply.changes] == ["stations.lofi.mood"]
    assert reload.config.stations["lofi"].mood == "rainy"
    assert "config.yaml: stations.lofi.mood: study → rainy" in caplog.messages
    assert "config.yaml: server.port: 8000 → 81 (at the next start)" in caplog.messages
    assert results(metrics) == {"applied": 1, "rejected": 0, "unchanged": 0}


async def test_an_edit_that_needs_a_restart_applies_nothing_on_air(path, metrics):
    apply = Applied()
    reload = reloader(path, metrics, apply)
    path.write_text(PLAIN + "server: {port: 81}\n")
    assert await reload.reload()
    assert apply.moods == []


async def test_the_same_content_again_changes_nothing(path, metrics):
    apply = Applied()
    reload = reloader(path, metrics, apply)
    assert await reload.reload()
    assert apply.moods == []
    assert results(metrics)["unchanged"] == 1


def break_syntax(path):
    path.write_text("stations: {lofi: {mood: rainy}\n")


def break_key(path):
    path.write_text(RAINY + "servers: {}\n")


def break_value(path):
    path.write_text(RAINY + "server: {port: 0.5}\n")


def break_mood(path):
    path.write_text("stations: {lofi: {mood: raniy}}\n")


def break_encoding(path):
    path.write_bytes(RAINY.encode() + b"# caf\xe9\n")


def empty_it(path):
    path.write_text("")


def remove_it(path):
    path.unlink()


def make_it_a_folder(path):
    path.unlink()
    path.mkdir()


BREAKS = [break_syntax, break_key, break_value, break_mood, break_encoding, empty_it, remove_it, make_it_a_folder]


@pytest.fixture
def no_patience(monkeypatch):
    monkeypatch.setattr("radio.reload._SETTLE_S", (0.0, 0.0))


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda one: one.__name__)
async def test_a_broken_edit_keeps_the_old_tree(break_it, path, metrics, caplog, no_patience):
    apply = Applied()
    reload = reloader(path, metrics, apply)
    before = reload.config
    stamp = metrics.registry.get_sample_value("lofi_config_reload_success_timestamp_seconds")
    break_it(path)
    assert not await reload.reload()
    assert reload.config is before
    assert apply.moods == []
    assert results(metrics) == {"applied": 0, "rejected": 1, "unchanged": 0}
    assert metrics.registry.get_sample_value("lofi_config_reload_success_timestamp_seconds") == stamp
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) >= 2
    assert "the station plays on" in errors[-1]


async def test_every_problem_of_a_broken_edit_is_logged(path, metrics, caplog, no_patience):
    reload = reloader(path, metrics, Applied())
    path.write_text("server: {prot: 1, port: -1}\nlog: {level: x}\n")
    assert not await reload.reload()
    for part in ("server.prot", "server.port", "log.level"):
        assert any(part in message for message in caplog.messages)


async def test_a_mood_that_the_engine_refuses_keeps_the_old_tree(path, metrics):
    async def refuse(config, changes):
        raise MoodError("mood 'rainy': no.")

    reload = reloader(path, metrics, refuse)
    path.write_text(RAINY)
    assert not await reload.reload()
    assert reload.config.stations["lofi"].mood == "study"
    assert results(metrics)["rejected"] == 1


async def test_a_half_written_file_is_read_again_before_it_is_refused(path, metrics, monkeypatch):
    apply = Applied()
    reload = reloader(path, metrics, apply)
    path.write_text(RAINY[:12])
    monkeypatch.setattr("radio.reload._SETTLE_S", (0.02, 0.3))
    waiting = asyncio.ensure_future(reload.reload())
    await asyncio.sleep(0.05)
    path.write_text(RAINY)
    assert await waiting
    assert apply.moods == ["rainy"]
    assert results(metrics)["rejected"] == 0


async def watched(reload, apply, edit, seconds=30):
    """Run the watcher, edit, and wait for the edit to be applied."""
    running = asyncio.ensure_future(reload.run())
    try:
        await asyncio.sleep(0.3)
        edit()
        async with asyncio.timeout(seconds):
            await apply.happened.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def overwrite(path):
    path.write_text(RAINY)


def replace_by_rename(path):
    other = path.with_name(".config.yaml.swp")
    other.write_text(RAINY)
    os.replace(other, path)


def delete_and_write_anew(path):
    path.unlink()
    path.write_text(RAINY)


@pytest.mark.parametrize("edit", [overwrite, replace_by_rename, delete_and_write_anew], ids=lambda one: one.__name__)
async def test_each_way_that_editors_save_is_noticed(edit, path, metrics):
    apply = Applied()
    await watched(reloader(path, metrics, apply), apply, lambda: edit(path))
    assert apply.moods == ["rainy"]


async def test_a_link_that_is_switched_as_kubernetes_does_is_noticed(tmp_path, metrics):
    for name, text in (("one", PLAIN), ("two", RAINY)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(text)
    (tmp_path / "now").symlink_to("one")
    path = tmp_path / "config.yaml"
    path.symlink_to("now/config.yaml")
    apply = Applied()

    def switch():
        (tmp_path / "next").symlink_to("two")
        os.replace(tmp_path / "next", tmp_path / "now")

    await watched(reloader(path, metrics, apply), apply, switch)
    assert apply.moods == ["rainy"]


async def test_an_edit_made_before_the_watch_began_is_noticed(path, metrics):
    apply = Applied()
    reload = reloader(path, metrics, apply)
    path.write_text(RAINY)
    await watched(reload, apply, lambda: None)
    assert apply.moods == ["rainy"]


async def test_a_trigger_reloads_without_any_change_of_the_file(path, metrics):
    apply = Applied()
    reload = reloader(path, metrics, apply)
    running = asyncio.ensure_future(reload.run())
    await asyncio.sleep(0.1)
    reload.trigger()
    async with asyncio.timeout(30):
        while not results(metrics)["unchanged"]:  # noqa: ASYNC110 - a counter is all there is to wait for
            await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert results(metrics) == {"applied": 0, "rejected": 0, "unchanged": 1}


async def test_a_folder_that_cannot_be_watched_is_looked_at_instead(path, metrics, monkeypatch, caplog):
    async def no_watches(*_args, **_options):
        raise OSError("inotify watch limit reached")
        yield

    monkeypatch.setattr("radio.reload.watchfiles.awatch", no_watches)
    monkeypatch.setattr("radio.reload._LOOK_EVERY_S", 0.05)
    apply = Applied()
    await watched(reloader(path, metrics, apply), apply, lambda: overwrite(path))
    assert apply.moods == ["rainy"]
    assert sum("cannot watch its folder" in message for message in caplog.messages) == 1
