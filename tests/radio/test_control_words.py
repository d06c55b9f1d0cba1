"""Words over HTTP: what is answered, what plays, and that a restart remembers it."""

from contextlib import asynccontextmanager

import jsonschema
import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes_web import FakeConducted, FakeStation
from openapi_spec_validator import validate

from radio import orders
from radio.config import Config
from radio.metrics import Metrics
from radio.web.app import make_app
from radio.web.control import Control, ControlRoom
from radio.web.guard import Attempts, Guard
from radio.web.openapi import document
from radio.web.words import Words
from radio.words import LONGEST_TEXT, understand
from radio.words.aside import WordsError

TOKEN = "correct-horse-battery-staple"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


class Here:
    """Reads words in this process."""

    def __init__(self, trouble=None):
        self.trouble = trouble

    async def understand(self, text, start, now):
        if self.trouble:
            raise WordsError(self.trouble)
        return understand(text, start, now)


@asynccontextmanager
async def asking(folder, reader=None):
    station = FakeConducted(folder, Config(), "lofi")
    app = make_app({"lofi": FakeStation()}, Metrics())
    control = Control(Guard(TOKEN, Attempts(10), lambda _: "here", Metrics()), ControlRoom({"lofi": station}, (), 4.0))
    Words(control, reader or Here()).add_routes(app)
    async with TestClient(TestServer(app)) as client:

        async def ask(status=202, headers=RIGHT, **body):
            answer = await client.post("/api/control/words", headers=headers, json=body)
            assert answer.status == status, await answer.text()
            return await answer.json()

        yield ask, station


@pytest.mark.parametrize(
    ("body", "reader", "status"),
    [
        ({"words": "slow, rainy, zzyzx", "hours": 2}, Here(), 202),
        ({"words": "no drums, in D minor at 70 bpm", "try": True}, Here(), 200),
        ({"words": "zzyzx"}, Here(), 200),
        ({"try": True}, Here(), 400),
        ({"words": "x" * (LONGEST_TEXT + 1)}, Here(), 400),
        ({"words": "slow"}, Here("The words could not be read."), 503),
    ],
    ids=["plays", "only tried", "nothing understood", "no words", "too many", "nobody reads"],
)
async def test_answers_are_what_the_openapi_document_says(tmp_path, body, reader, status):
    async with asking(tmp_path, reader) as (ask, _):
        told = await ask(status, **body)
    app = make_app({"lofi": FakeStation()}, Metrics())
    control = Control(Guard(TOKEN, Attempts(10), lambda _: "here", Metrics()), ControlRoom({}, (), 4.0))
    Words(control).add_routes(app)
    described = document(app)
    validate(described)
    found = described["paths"]["/api/control/words"]["post"]
    asked = found["requestBody"]["content"]["application/json"]["schema"]
    assert jsonschema.Draft202012Validator(asked).is_valid(body) == ("words" in body)
    answer = found["responses"][str(status)]["content"]["application/json"]["schema"]
    strict = jsonschema.Draft202012Validator({**answer, "components": described["components"]})
    strict.validate(told)
    known = described["components"]["schemas"][answer["$ref"].rpartition("/")[2]]["properties"]
    assert told.keys() <= known.keys()


async def test_words_change_what_plays_and_the_answer_says_which_numbers_moved(tmp_path):
    async with asking(tmp_path) as (ask, station):
        told = await ask(words="rainy night in a small cafe, slow, no drums")
        assert station.producer.mood.silent == ("drums",)
        moves = {move["field"]: move for move in told["moves"]}
        assert moves["bpm_low"]["now"] == pytest.approx(station.producer.mood.bpm_low, abs=0.01)
        assert "slow" in moves["bpm_low"]["why"]
        assert moves["silent"] == {"field": "silent", "was": [], "now": ["drums"], "why": "no drums", "sure": 0.97}
        assert (told["from"], told["not_understood"], told["heard_in_s"]) == ("study", [], 9.5)
        before = station.producer.mood
        more = await ask(words="a bit faster")
        assert (more["relative"], more["from"]) == (True, "words")
        assert station.producer.mood.bpm_low > before.bpm_low
        assert station.producer.mood.silent == ("drums",)


async def test_a_restart_remembers_what_words_made(tmp_path):
    async with asking(tmp_path) as (ask, station):
        await ask(words="dark and slow")
        kept = orders.load(tmp_path / "lofi.orders.json", "study")
        assert kept.word.choice == station.producer.mood


async def test_trying_and_words_that_mean_nothing_change_nothing(tmp_path):
    async with asking(tmp_path) as (ask, station):
        assert (await ask(200, words="slow", **{"try": True}))["changed"] is False
        assert (await ask(200, words="gribbledy"))["said"] == "understood: nothing (not: gribbledy)"
        assert station.producer.moods == []


@pytest.mark.parametrize("body", [{}, {"words": 3}, {"words": " "}, {"words": "x" * 501}, {"words": "slow", "loud": 1}])
async def test_what_is_no_wish_is_refused(tmp_path, body):
    async with asking(tmp_path) as (ask, station):
        assert (await ask(400, **body))["error"]
        assert station.producer.moods == []


async def test_nobody_without_the_token_is_heard_and_trouble_is_no_fault_of_theirs(tmp_path):
    async with asking(tmp_path, Here("It took too long.")) as (ask, _):
        await ask(401, {}, words="slow")
        assert (await ask(503, words="slow"))["error"] == "It took too long."
