"""Webhooks against a real server: told in time, signed, tried again, and never in anybody's way."""

import asyncio
import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fakes_clock import ManualClock, settle
from fakes_web import bar_start

from radio.config_file import parse_config
from radio.config_news import Webhook
from radio.errors import ConfigError, SecretError
from radio.metrics import Metrics
from radio.nowplaying import NowPlaying
from radio.outputs.webhook import QUEUE_MESSAGES, RETRY_S, SIGNATURE, Source, WebhookOutput
from radio.wishes import Reach, Wish, Wishes

NOW = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)


class Post:
    """A receiver, the hook that tells it, and what came."""

    def __init__(self, statuses):
        self.statuses, self.got, self.open = list(statuses), [], asyncio.Event()
        self.open.set()
        self.now, self.wishes, self.metrics = NowPlaying(), Wishes(), Metrics()
        self.clock, self.health = ManualClock(runs=True), (True, "on air")

    async def receive(self, request):
        await self.open.wait()
        self.got.append((await request.read(), request.headers))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 204, headers={"Location": "/elsewhere"})

    def begin(self, index, piece):
        self.now.begin(bar_start(index, piece=piece, piece_bar=index), NOW)

    def count(self, result):
        return self.metrics.registry.get_sample_value(
            "lofi_webhook_messages_total", {"output": "bot", "result": result}
        )

    @property
    def bodies(self):
        return [json.loads(body) for body, _ in self.got]


@asynccontextmanager
async def hooked(*statuses, port=None, **settings):
    post = Post(statuses)
    app = web.Application()
    app.router.add_post("/hook", post.receive)
    async with TestServer(app) as server, asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        url = f"http://127.0.0.1:{port or server.port}/hook"
        source = Source("lofi radio", post.now, post.wishes, lambda: post.health)
        output = WebhookOutput(Webhook(name="bot", url=url, **settings), source, post.metrics, post.clock)
        running = tasks.create_task(output.run())
        await asyncio.sleep(0)
        yield post
        post.open.set()
        running.cancel()


async def test_each_new_piece_is_told_once():
    async with hooked() as post:
        for index, piece in ((0, 0), (1, 0), (2, 1)):
            post.begin(index, piece)
        await settle(lambda: len(post.got) == 2)
        first, second = post.bodies
        assert first["data"] == {
            "title": "Paper Lanterns", "key": "E♭ minor", "bpm": 80.0, "mood": "rainy", "number": 0, "bars": 48,
            "started_at": "2026-12-01T20:00:00.000Z",
        }  # fmt: skip
        assert (first["event"], first["station"], first["at"]) == ("piece", "lofi", "2026-12-01T20:00:00.000Z")
        assert first["content"] == first["text"] == "♪ Paper Lanterns · E♭ minor · 80 bpm · rainy"
        assert second["data"]["title"] == "Tea Going Cold"
        assert first["id"] != second["id"]
        assert SIGNATURE not in post.got[0][1]
        assert post.count("sent") == 2


async def test_a_piece_that_goes_on_after_a_restart_is_no_news():
    async with hooked() as post:
        post.begin(5, 0)
        post.begin(6, 1)
        await settle(lambda: len(post.got) == 1)
        assert post.bodies[0]["data"]["number"] == 1


async def test_moods_and_silence_are_told_to_who_wants_to_know():
    async with hooked(events=("mood", "state")) as post:
        post.begin(0, 0)
        post.wishes.tell(Wish("snow", "control", NOW, Reach(4, 2)))
        await settle(lambda: len(post.got) == 1)
        post.health = (False, "no sound for 5 s")
        await settle(lambda: len(post.got) == 2)
        post.health = (True, "on air")
        await settle(lambda: len(post.got) == 3)
        assert [(body["event"], body["data"].get("on_air")) for body in post.bodies] == [
            ("mood", None), ("state", False), ("state", True),
        ]  # fmt: skip
        assert post.bodies[1]["text"] == "lofi radio is silent: no sound for 5 s"


async def test_messages_are_signed_with_the_secret(monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", "a secret")
    async with hooked(secret_env="HOOK_SECRET") as post:
        post.begin(0, 0)
        await settle(lambda: post.got)
        body, headers = post.got[0]
        assert headers[SIGNATURE] == "sha256=" + hmac.new(b"a secret", body, hashlib.sha256).hexdigest()


async def test_a_receiver_that_fails_is_told_again_later_and_later():
    async with hooked(500, 503, 429) as post:
        began_s = post.clock.now_s()
        post.begin(0, 0)
        await settle(lambda: post.count("sent") == 1)
        assert [body["id"] for body in post.bodies] == [post.bodies[0]["id"]] * 4
        assert post.clock.now_s() - began_s == sum(RETRY_S[:3])
        assert post.count("retried") == 3


@pytest.mark.parametrize(("status", "tries"), [(400, 1), (302, 1), (410, 1), (500, len(RETRY_S) + 1)])
async def test_a_message_is_given_up_and_the_next_one_is_told(status, tries, caplog):
    async with hooked(*[status] * tries) as post:
        post.begin(0, 0)
        post.begin(1, 1)
        await settle(lambda: post.count("sent") == 1)
        assert [body["data"]["number"] for body in post.bodies] == [0] * tries + [1]
        assert post.count("failed") == 1
        assert caplog.text.count(f"answered with {status}") == 1


async def test_a_receiver_that_is_away_or_hangs_costs_nobody_anything_but_its_own_oldest_messages():
    async with hooked() as post:
        post.open.clear()
        for index in range(QUEUE_MESSAGES + 10):
            post.begin(index, index)  # returns at once, or this would not end
            await asyncio.sleep(0)
        assert post.count("dropped") >= 8
        post.open.set()
        await settle(lambda: post.count("sent") + post.count("dropped") == QUEUE_MESSAGES + 10)
        assert post.bodies[-1]["data"]["number"] == QUEUE_MESSAGES + 9


async def test_nobody_at_the_address_is_no_error_of_ours(unused_tcp_port, caplog):
    async with hooked(port=unused_tcp_port) as post:
        post.begin(0, 0)
        await settle(lambda: post.count("failed") == 1)
    assert "webhook bot: cannot be reached" in caplog.text


def test_a_secret_that_is_missing_is_told_at_the_start():
    with pytest.raises(SecretError, match="webhook bot: the environment variable NO_SUCH is empty"):
        Webhook(name="bot", url="http://x.test/", secret_env="NO_SUCH").secret({})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{name: bot, url: 'ftp://x'}", "http://"),
        ("{name: bot, url: 'http://x', events: [song]}", "one of piece, mood, state"),
        ("{name: bot, url: 'http://x', station: none}", "no station is called 'none'"),
        ("{name: bot, url: 'http://x', secret: abc}", "secrets do not belong"),
        ("{name: bot, url: 'http://x', secret_env: A, secret_file: b}", "one place"),
    ],
)
def test_a_mistake_is_told_with_the_remedy(line, said, tmp_path):
    with pytest.raises(ConfigError, match=said):
        parse_config(f"webhooks: [{line}]", tmp_path / "config.yaml")
