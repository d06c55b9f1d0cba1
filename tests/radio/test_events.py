"""The news of a station, by Server-Sent Events and by WebSocket."""

import asyncio
import json
import re
import socket
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer
from fakes_clock import settle
from fakes_web import FakeStation, bar_start

from engine import NoteEvent, Part
from radio.metrics import Metrics
from radio.web import news
from radio.web.app import Rules, make_app
from radio.web.news import KEPT_EVENTS
from radio.wishes import Reach, Wish

NOW = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)
NOTES = (
    NoteEvent(0, 48, 60, 80, Part.KEYS),
    NoteEvent(12, 6, 36, 100, Part.DRUMS),
    NoteEvent(96, 96, 40, 70, Part.BASS),
)
ASKS = {
    "sse": "GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n",
    "ws": "GET /api/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'a' * 22}==\r\n\r\n",
}


class Air:
    """A server, the station behind it and its metrics."""

    def __init__(self, client, station, metrics):
        self.client, self.station, self.metrics = client, station, metrics

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"lofi_{name}", labels)

    def begin(self, index, piece=0):
        start = bar_start(index, piece=piece, piece_bar=index)
        self.station.now.begin(replace(start, bar=replace(start.bar, events=NOTES)), NOW + timedelta(seconds=3 * index))

    @asynccontextmanager
    async def following(self, way, query="", **headers):
        if way == "ws":
            async with self.client.ws_connect(f"/api/ws{query}") as wire:
                yield WebSocket(wire)
        else:
            async with self.client.get(f"/api/events{query}", headers=headers) as answer:
                assert answer.status == 200
                assert answer.content_type == "text/event-stream"
                yield EventSource(answer)


class EventSource:
    """Reads events as a browser does."""

    def __init__(self, answer):
        self.answer = answer

    async def take(self, count):
        events = []
        async with asyncio.timeout(10):
            while len(events) < count:
                fields = {}
                while line := (await self.answer.content.readline()).decode().rstrip("\n"):
                    name, _, value = line.partition(": ")
                    fields[name] = value
                if "event" in fields:
                    events.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
        return events

    async def ended(self):
        async with asyncio.timeout(10):
            await self.answer.content.read()
        return True


class WebSocket:
    def __init__(self, wire):
        self.wire = wire

    async def take(self, count):
        async with asyncio.timeout(10):
            told = [await self.wire.receive_json() for _ in range(count)]
        return [(one["event"], one.get("id", ""), one["data"]) for one in told]

    async def ended(self):
        async with asyncio.timeout(10):
            return (await self.wire.receive()).type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING)


@asynccontextmanager
async def on_air(**rules):
    station, metrics = FakeStation(), Metrics()
    app = make_app({"lofi": station, "night": FakeStation("night")}, metrics, rules=Rules(**rules))
    async with TestClient(TestServer(app)) as client:
        yield Air(client, station, metrics)


ways = pytest.mark.parametrize("way", ["sse", "ws"])


@ways
async def test_a_newcomer_learns_the_state_the_piece_and_the_last_sixteen_bars(way):
    async with on_air() as air:
        for index in range(20):
            air.begin(index)
        async with air.following(way) as follower:
            told = await follower.take(18)
        assert [kind for kind, _, _ in told] == ["state", "piece"] + ["bar"] * 16
        assert [data["index"] for kind, _, data in told if kind == "bar"] == list(range(4, 20))
        state, piece, bar = told[0][2], told[1][2], told[-1][2]
        assert {key: state[key] for key in ("on_air", "reason", "listeners")} == {
            "on_air": True, "reason": "", "listeners": 2,
        }  # fmt: skip
        assert piece == {
            "title": "Paper Lanterns", "key": "E♭ minor", "bpm": 80.0, "mood": "rainy", "number": 0, "bars": 48,
            "started_at": "2026-12-01T20:00:00.000Z",
        }  # fmt: skip
        answer = await (await air.client.get("/api/nowplaying")).json()
        now_playing = answer["lofi"]["bars"][-1]
        assert {key: bar[key] for key in now_playing} == now_playing
        assert (bar["index"], bar["frame"], bar["downbeat_s"]) == (19, 19 * 144_000, 0.2095)
        assert bar["notes"] == [
            [0.0, 0.75, 60, 80, "keys"], [0.188, 0.094, 36, 100, "drums"], [1.5, 1.5, 40, 70, "bass"],
        ]  # fmt: skip


@ways
async def test_what_happens_is_told_when_it_happens_the_piece_before_its_first_bar(way):
    async with on_air() as air:
        async with air.following(way) as follower:
            assert [kind for kind, _, _ in await follower.take(1)] == ["state"]
            air.begin(0)
            assert [kind for kind, _, _ in await follower.take(2)] == ["piece", "bar"]
            air.begin(1)
            air.begin(2, piece=1)
            told = await follower.take(3)
            assert [(kind, data.get("title")) for kind, _, data in told] == [
                ("bar", "Paper Lanterns"), ("piece", "Tea Going Cold"), ("bar", "Tea Going Cold"),
            ]  # fmt: skip
            assert told[1][2]["started_at"] == told[2][2]["started_at"]
        assert air.count("events_total", station="lofi", event="bar") == 3


async def test_a_wish_for_a_mood_is_told_with_the_time_at_which_it_goes_out():
    wish = Wish("snow", "control", NOW, Reach(4.25, 2), drift_minutes=3)
    async with on_air() as air:
        async with air.following("sse") as follower:
            await follower.take(1)
            air.station.wishes.tell(wish)
            ((kind, _, told),) = await follower.take(1)
            assert (kind, told) == ("mood", {
                "mood": "snow", "by": "control", "asked_at": "2026-12-01T20:00:00.000Z", "drift_minutes": 3,
                "on_air_at": "2026-12-01T20:00:04.250Z", "in_s": 4.25, "in_bars": 2,
            })  # fmt: skip
        async with air.following("sse") as late:
            assert (await late.take(2))[1][2] == told


async def test_the_state_is_told_again_and_again_and_at_once_when_the_sound_stops(monkeypatch):
    monkeypatch.setattr(news, "LOOK_S", 0.01)
    monkeypatch.setattr(news, "STATE_EVERY_S", 0.05)
    async with on_air() as air, air.following("sse") as follower:
        first, second, third = await follower.take(3)
        assert first[0] == second[0] == third[0] == "state"
        assert first[2]["now"] <= second[2]["now"] <= third[2]["now"]
        monkeypatch.setattr(news, "STATE_EVERY_S", 1e9)
        air.station.health = (False, "no sound for 5 s")
        while (state := (await follower.take(1))[0][2])["on_air"]:
            pass
        assert state["reason"] == "no sound for 5 s"


async def test_nobody_is_told_anything_when_nobody_follows():
    async with on_air() as air:
        async with air.following("sse") as follower:
            await follower.take(1)
            assert air.count("event_clients", way="sse") == 1
        follower.answer.close()
        await settle(lambda: air.count("event_clients", way="sse") == 0)
        assert air.count("events_total", station="lofi", event="state") is None


@ways
async def test_who_comes_back_goes_on_where_it_was(way):
    async with on_air() as air:
        for index in range(3):
            air.begin(index)
        async with air.following(way) as follower:
            told = await follower.take(5)
        assert all(re.fullmatch(r"[0-9a-f]{8}-\d+", event_id) for kind, event_id, _ in told if kind == "bar")
        air.begin(3)
        air.begin(4)
        after = told[3][1]  # of bar 1
        async with air.following(way, f"?after={after}") as again:
            assert [data["index"] for _, _, data in await again.take(3)] == [2, 3, 4]
        async with air.following("sse", **{"Last-Event-ID": after}) as browser:
            assert [data["index"] for _, _, data in await browser.take(3)] == [2, 3, 4]


@pytest.mark.parametrize("after", ["00000000-3", "nonsense", "-", "", "{epoch}-99", "{epoch}--1", "{epoch}-٣"])
async def test_an_id_that_means_nothing_here_makes_a_newcomer(after):
    async with on_air() as air:
        air.begin(0)
        async with air.following("sse") as follower:
            epoch = (await follower.take(3))[2][1].partition("-")[0]
        async with air.following("sse", f"?after={after.format(epoch=epoch)}") as follower:
            assert [kind for kind, _, _ in await follower.take(3)] == ["state", "piece", "bar"]


async def test_who_was_away_for_too_long_is_a_newcomer():
    async with on_air() as air:
        air.begin(0)
        async with air.following("sse") as follower:
            first = (await follower.take(3))[2][1]
        for index in range(1, KEPT_EVENTS + 2):
            air.begin(index)
        async with air.following("sse", f"?after={first}") as follower:
            assert (await follower.take(1))[0][0] == "state"


@ways
async def test_a_follower_that_does_not_read_is_let_go_and_delays_nobody(way, monkeypatch):
    monkeypatch.setattr("radio.web.events.WRITE_TIMEOUT_S", 0.3)
    monkeypatch.setattr("radio.web.events._SEND_BUFFER_BYTES", 4_096)
    async with on_air() as air, air.following("sse") as other:
        with socket.create_connection(("127.0.0.1", air.client.port)) as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            lazy.sendall(ASKS[way].encode())
            await settle(lambda: air.count("event_clients", way="sse") + air.count("event_clients", way="ws") == 2)
            await other.take(1)
            index = 0
            while not sum(air.count("event_drops_total", reason=reason) for reason in ("stuck", "lagged")):
                air.begin(index)
                index += 1
                await other.take(2 if index == 1 else 1)
                assert index < 5_000
        await settle(lambda: air.count("event_clients", way="sse") + air.count("event_clients", way="ws") == 1)


async def test_there_are_so_many_places_and_no_more():
    async with on_air(max_event_clients=2) as air:
        async with air.following("sse"), air.following("ws", "?station=night"):
            full = await air.client.get("/api/events")
            assert (full.status, full.headers["Retry-After"]) == (503, "30")
            assert "/api/nowplaying" in (await full.json())["error"]
            assert air.count("event_drops_total", reason="full") == 1
            assert air.count("event_clients_max") == 2
        await settle(lambda: air.count("event_clients", way="sse") + air.count("event_clients", way="ws") == 0)
        async with air.following("sse") as follower:
            await follower.take(1)


@ways
async def test_when_the_server_stops_the_news_end_politely(way):
    async with on_air() as air, air.following(way) as follower:
        await follower.take(1)
        stopping = asyncio.ensure_future(air.client.server.app.shutdown())
        assert await follower.ended()
        await stopping


async def test_who_comes_while_the_server_stops_is_told_so_and_counts_as_no_drop():
    async with on_air() as air:
        await air.client.server.app.shutdown()
        for path in ("/api/events", "/api/ws?station=night"):
            answer = await air.client.get(path)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
            assert "stopping" in (await answer.json())["error"]
        assert [air.count("event_drops_total", reason=reason) for reason in ("full", "lagged", "stuck")] == [0, 0, 0]


async def test_a_websocket_that_talks_too_much_is_let_go():
    async with on_air() as air, air.following("ws") as follower:
        for _ in range(40):
            await follower.wire.send_str("hello?")
        await settle(lambda: air.count("event_clients", way="ws") == 0)


async def test_what_is_asked_wrongly_is_told_in_a_sentence():
    async with on_air() as air:
        assert (await air.client.get("/api/ws")).status == 426
        for path in ("/api/events?station=x", "/api/ws?station=x"):
            answer = await air.client.get(path)
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (404, "*")
            assert (await answer.json())["error"] == "No station is called 'x'. There are: lofi, night."
