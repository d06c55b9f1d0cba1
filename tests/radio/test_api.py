"""What the API tells: AzuraCast's shape, history from the journal, moods."""

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes_web import FakeConducted, FakeStation, bar_start

from engine import MOODS
from radio.config import Config
from radio.journal import Journal
from radio.journal_bars import Airing, bar_row
from radio.metrics import Metrics
from radio.web.app import make_app
from radio.web.history import History
from radio.web.moods import CARDS, Moods

TOKEN = "correct-horse-battery-staple"
NOW = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)


@pytest.fixture
def served(tmp_path):
    """A function that serves two stations and a journal of ten pieces."""

    @asynccontextmanager
    async def serve(pieces=10):
        metrics, journal = Metrics(), Journal(tmp_path / "journal.sqlite3", Metrics())
        journal.start()
        for bar in range(2 * pieces):
            start = bar_start(bar, piece=bar // 2, piece_bar=bar % 2)
            airing = Airing("lofi", NOW + timedelta(minutes=bar), seed=7, assets="x")
            journal.append(bar_row(start, airing))
            again = replace(airing, wall=airing.wall + timedelta(seconds=9), repeated=True)
            journal.append(bar_row(start, again))  # a bar that was played twice begins no piece
        journal.close()
        stations = {"lofi": FakeStation(), "night": FakeStation("night", "Night")}
        stations["lofi"].play_past(pieces=3, bars_in=10)
        app = make_app(stations, metrics)
        config = Config(moods={"my-own": {"base": "rainy"}})
        Moods(FakeConducted(tmp_path, config).director.moods).add_routes(app)
        history = History(tmp_path / "journal.sqlite3", ["lofi", "night"])
        history.add_routes(app)
        async with TestClient(TestServer(app)) as client:
            client.history = history
            yield client

    return serve


async def told(client, path, status=200, **options):
    answer = await client.get(path, **options)
    assert answer.status == status, await answer.text()
    return await answer.json()


async def test_now_playing_has_azuracasts_shape(served):
    async with served() as client:
        now = await told(client, "/api/nowplaying", headers={"Host": "radio.test", "X-Forwarded-Proto": "https"})
        assert set(now) == {
            "station", "listeners", "live", "now_playing", "playing_next", "song_history", "is_online", "cache", "lofi",
        }  # fmt: skip
        assert (now["station"]["id"], now["station"]["shortcode"], now["is_online"]) == (1, "lofi", True)
        assert now["station"]["listen_url"] == "https://radio.test/stream.mp3"
        assert now["listeners"] == {"total": 2, "unique": 2, "current": 2}
        playing, song = now["now_playing"], now["now_playing"]["song"]
        assert (song["title"], song["artist"]) == ("Window Seat, Rear Car", "lofi radio")
        assert song["text"] == "lofi radio - Window Seat, Rear Car"
        assert re.fullmatch(r"[0-9a-f]{32}", song["id"])
        assert playing["elapsed"] + playing["remaining"] == playing["duration"] == 144
        assert abs(playing["played_at"] + playing["elapsed"] - datetime.now(UTC).timestamp()) < 30
        assert [one["song"]["title"] for one in now["song_history"]] == ["Tea Going Cold", "Paper Lanterns"]


async def test_a_station_is_asked_for_by_name_or_number(served):
    async with served() as client:
        for path in ("/api/nowplaying/night", "/api/nowplaying/2", "/api/nowplaying?station=night"):
            now = await told(client, path)
            assert (now["station"]["name"], now["now_playing"], now["song_history"]) == ("Night", None, [])
            assert now["station"]["mounts"][0]["url"].endswith("/night/stream.mp3")
        for path in ("/api/nowplaying/3", "/api/nowplaying/none", "/api/nowplaying/0", "/api/nowplaying/99999999999"):
            assert "There are: lofi, night." in (await told(client, path, 404))["error"]


async def test_history_goes_page_after_page_into_the_past(served):
    async with served() as client:
        titles, path, pages = [], "/api/history?limit=4&before=2027-01-01T00:00Z", 0
        while path:
            page = await told(client, path)
            titles += [piece["number"] for piece in page["pieces"]]
            path, pages = page["next"], pages + 1
        assert (titles, pages) == (list(range(9, -1, -1)), 3)
        first = (await told(client, "/api/history?limit=2&before=2026-12-01T21:00:00%2B01:00"))["pieces"]
        assert first == []
        newest = (await told(client, "/api/history?limit=2&before=2026-12-01T20:05:00Z"))["pieces"]
        assert [(piece["number"], piece["started_at"], piece["seconds"]) for piece in newest] == [
            (2, "2026-12-01T20:04:00.000Z", None), (1, "2026-12-01T20:02:00.000Z", 120.0),
        ]  # fmt: skip
        assert (await told(client, "/api/history?station=night"))["pieces"] == []


async def test_a_crowd_that_asks_for_one_page_costs_one_reading(served, monkeypatch):
    async with served() as client:
        readings, read = [], client.history._read
        monkeypatch.setattr(client.history, "_read", lambda asked: readings.append(asked) or read(asked))
        await asyncio.gather(*(told(client, "/api/history?before=2027-01-01T00:00Z") for _ in range(20)))
        assert len(readings) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 400), ("limit=101", 400), ("limit=x", 400), ("limit=0000000000000005", 400), ("limit=%D9%A3", 400),
        ("before=soon", 400), ("before=0001-01-01T00:00:00%2B14:00", 400), ("station=none", 404),
    ],
)  # fmt: skip
async def test_history_asked_wrongly_is_told_in_a_sentence(served, query, status):
    async with served(pieces=1) as client:
        assert (await told(client, f"/api/history?{query}", status))["error"].endswith(".")


async def test_a_journal_that_cannot_be_read_is_told(served, tmp_path):
    async with served(pieces=1) as client:
        (tmp_path / "journal.sqlite3").write_bytes(b"no database" * 100)
        for tail in ("-wal", "-shm"):
            (tmp_path / f"journal.sqlite3{tail}").unlink(missing_ok=True)
        assert "journal" in (await told(client, "/api/history", 503))["error"]


async def test_moods_have_a_card_each(served):
    async with served() as client:
        moods = (await told(client, "/api/moods"))["moods"]
        assert [mood["name"] for mood in moods] == [*MOODS, "my-own"]
        assert set(CARDS) == set(MOODS)
        assert len({mood["colour"] for mood in moods}) == len(moods)
        assert (moods[-1]["title"], moods[-1]["bpm_low"]) == ("My own", 65)
