"""The guard and the control routes behind it."""

import logging
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes_web import FakeConducted, FakeStation

from radio.config_security import Security
from radio.errors import SecretError
from radio.metrics import Metrics
from radio.web.app import Rules, make_app
from radio.web.control import Control, ControlRoom
from radio.web.doors import Doors
from radio.web.guard import ADDRESSES_MAX, Attempts, Guard

TOKEN = "correct-horse-battery-staple"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
MOOD = "/api/control/mood"


class Station:
    def __init__(self, folder, **settings):
        self.settings = Security(control_token_env="T", **settings)
        self.metrics = Metrics()
        self.now_s = 0.0
        self.chosen = []
        doors = Doors(self.settings, 1_000, self.metrics)
        self.guard = Guard(TOKEN, Attempts(self.settings.attempts, lambda: self.now_s), doors.client, self.metrics)
        rules = Rules(self.settings, doors, self.guard)
        self.app = make_app({"lofi": FakeStation()}, self.metrics, rules=rules)
        self.conducted = FakeConducted(folder)
        self.chosen = self.conducted.producer.moods
        in_query = self.settings.token_in_query
        Control(self.guard, ControlRoom({"lofi": self.conducted}, ("rain", "fire"), 4.0, in_query)).add_routes(self.app)


@asynccontextmanager
async def controlled(**settings):
    with TemporaryDirectory() as folder:
        station = Station(Path(folder), **settings)
        async with serving(station):
            yield station


@asynccontextmanager
async def serving(station):
    async with TestClient(TestServer(station.app)) as client:
        station.client = client
        yield station


async def test_the_token_changes_the_mood():
    async with controlled() as station:
        answer = await station.client.post(MOOD, headers=RIGHT, json={"mood": "rainy"})
        assert answer.status == 202
        told = await answer.json()
        assert (told["station"], told["mood"], told["in_s"], told["in_bars"]) == ("lofi", "rainy", 5.5, 2)
        assert [mood.name for mood in station.chosen] == ["rainy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": "Bearer tökén"},
    ],
)
async def test_anything_else_changes_nothing(headers):
    async with controlled() as station:
        answer = await station.client.post(MOOD, headers=headers, json={"mood": "rainy"})
        assert answer.status == 401
        assert "Bearer" in answer.headers["WWW-Authenticate"]
        assert station.chosen == []


async def test_guessing_ends_after_ten_wrong_tokens_even_with_the_right_one_until_the_minute_is_over():
    async with controlled() as station:
        for _ in range(10):
            assert (await station.client.post(MOOD, headers={"Authorization": "Bearer no"})).status == 401
        locked = await station.client.post(MOOD, headers=RIGHT, json={"mood": "rainy"})
        assert locked.status == 429
        assert 0 < int(locked.headers["Retry-After"]) <= 61
        other = {**RIGHT, "X-Forwarded-For": "192.0.2.1"}  # the proxy's other clients are not locked out
        assert (await station.client.post(MOOD, headers=other, json={"mood": "rainy"})).status == 202
        station.now_s = 60.1
        assert (await station.client.post(MOOD, headers=RIGHT, json={"mood": "rainy"})).status == 202
        counted = station.metrics.registry.get_sample_value
        assert counted("lofi_control_requests_total", {"result": "refused"}) == 10
        assert counted("lofi_control_requests_total", {"result": "locked"}) == 1


def test_failures_are_remembered_for_so_many_addresses_only():
    attempts = Attempts(1, lambda: 0.0)
    for number in range(ADDRESSES_MAX + 5):
        attempts.failed(str(number))
    assert len(attempts._failures) == ADDRESSES_MAX
    assert attempts.wait_s(str(ADDRESSES_MAX + 4)) > 0
    assert attempts.wait_s("0") == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 16_000, "not JSON"),
        (b"[]", "must be a JSON object"),
        (b"{}", "name of a mood"),
        (b'{"mood": 7}', "name of a mood"),
        (b'{"mood": "rainny"}', "rainy"),
        (b'{"mood": "rainy", "station": "nowhere"}', "must be one of: lofi"),
        (b'{"mood": "rainy", "station": {}}', "must be one of: lofi"),
    ],
)
async def test_a_wrong_body_is_explained(body, said):
    async with controlled() as station:
        answer = await station.client.post(MOOD, headers=RIGHT, data=body)
        assert answer.status == 400
        assert said in (await answer.json())["error"]
        assert station.chosen == []


async def test_a_body_that_is_too_long_is_not_read():
    async with controlled(body_bytes=1_024) as station:
        answer = await station.client.post(MOOD, headers=RIGHT, data=b"x" * 5_000)
        assert answer.status == 413


async def test_a_body_that_drips_is_given_up(monkeypatch):
    monkeypatch.setattr("radio.web.asked.BODY_TIMEOUT_S", 0.1)

    async def drip():
        yield b"{"
        import asyncio

        await asyncio.sleep(0.5)
        yield b"}"

    async with controlled() as station:
        answer = await station.client.post(MOOD, headers=RIGHT, data=drip())
        assert answer.status == 400
        assert "did not come" in (await answer.json())["error"]


async def test_no_token_means_no_control_routes():
    app = make_app({"lofi": FakeStation()}, Metrics())
    async with TestClient(TestServer(app)) as client:
        assert (await client.post(MOOD, headers=RIGHT)).status == 404


@pytest.mark.parametrize(
    ("metrics", "without", "with_token"), [("open", 200, 200), ("token", 401, 200), ("off", 404, 404)]
)
async def test_metrics_are_for_those_who_may(metrics, without, with_token):
    async with controlled(metrics=metrics) as station:
        assert (await station.client.get("/metrics")).status == without
        assert (await station.client.get("/metrics", headers=RIGHT)).status == with_token


async def test_tokens_are_in_no_line_of_the_log(caplog):
    caplog.set_level(logging.DEBUG)
    async with controlled() as station:
        await station.client.post(MOOD, headers=RIGHT, json={"mood": "rainy"})
        await station.client.post(MOOD, headers={"Authorization": "Bearer almost-the-right-one"})
    assert TOKEN not in caplog.text
    assert "almost" not in caplog.text


def test_a_token_that_is_missing_or_too_short_stops_the_start():
    settings = Security(control_token_env="LOFI_TOKEN")
    assert settings.token({"LOFI_TOKEN": f" {TOKEN}\n"}) == TOKEN
    with pytest.raises(SecretError, match="LOFI_TOKEN is empty or missing"):
        settings.token({})
    with pytest.raises(SecretError, match="has 5 characters, it needs 16") as problem:
        settings.token({"LOFI_TOKEN": "short"})
    assert "short" not in str(problem.value)
    assert Security().token({}) is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"control_token_env": "A", "control_token_file": "b"}, "one place"),
        ({"metrics": "token"}, "needs a token"),
        ({"trusted_proxies": ["everybody"]}, "address or a network"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        Security.model_validate(wrong)
