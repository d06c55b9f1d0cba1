"""`/api/control/seed`: what is sent begins a piece, or is refused with a reason; real files, a real reader process."""

import io
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import soundfile
from aiohttp.test_utils import TestClient, TestServer
from fakes_web import FakeConducted, FakeStation
from openapi_spec_validator import validate

from engine import PromptError
from radio import reader
from radio.config import Config
from radio.metrics import Metrics
from radio.reader import read_here, read_prompt
from radio.web.app import make_app
from radio.web.control import ControlRoom
from radio.web.guard import Attempts, Guard
from radio.web.openapi import document
from radio.web.seed import Seed

sys.path.append(str(Path(__file__).parent.parent / "engine"))
from prompt_files import Song, song_midi

TOKEN = "correct-horse-battery-staple"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
BYTES_MAX = 200_000


async def here(kind, data, name):
    return read_here(kind, data, name)


@pytest.fixture
def room(tmp_path):
    @asynccontextmanager
    async def make(read=here):
        config = Config()
        stations = {name: FakeConducted(tmp_path, config, name) for name in config.stations}
        guard = Guard(TOKEN, Attempts(10), lambda _: "here", Metrics())
        app = make_app({"lofi": FakeStation()}, Metrics())
        Seed(guard, ControlRoom(stations), BYTES_MAX, read).add_routes(app)
        async with TestClient(TestServer(app)) as client:
            yield client, stations["lofi"].producer

    return make


async def send(client, body, query="", content_type="audio/midi", headers=RIGHT):
    answer = await client.post(
        f"/api/control/seed{query}", data=body, headers={**headers, "Content-Type": content_type}
    )
    return answer.status, await answer.json()


async def test_a_midi_file_begins_a_piece_and_the_answer_tells_what_was_found_and_when(room):
    async with room() as (client, music):
        status, told = await send(client, song_midi(), "?name=song.mid&quote=2")
    assert status == 202
    assert told["prompt"]["key"] == "F# minor"
    assert told["prompt"]["bpm"] == pytest.approx(92, abs=0.01)
    assert (told["prompt"]["quoted_bars"], told["in_bars"], told["heard_in_s"]) == (2, 2, 9.5)
    assert told["said"].startswith("a piece in F# minor at 92 bpm goes on from song.mid: on air in 6 s")
    assert [prompt.name for prompt in music.prompts] == ["song.mid"]


async def test_a_process_of_its_own_reads_what_is_sent(room):
    async with room(read_prompt) as (client, music):
        status, _ = await send(client, b"3c:d t62 3c:0 40:a t62 40:0", content_type="text/plain")
    assert status == 202
    assert len(music.prompts) == 1


async def test_a_reader_that_dies_or_hangs_is_told_and_harms_nobody(monkeypatch):
    monkeypatch.setattr(reader, "READ_S", 0.05)
    with pytest.raises(PromptError, match="reading it takes longer than"):
        await read_prompt("midi", song_midi(Song(bars=2)), "x")


def wav():
    out = io.BytesIO()
    soundfile.write(out, np.zeros((30_000, 1)), 44_100, format="WAV")
    return out.getvalue()


@pytest.mark.parametrize(
    ("body", "query", "content_type", "said"),
    [
        (b"", "", "audio/midi", "The body must be a MIDI file"),
        (b"MThd\0\0", "", "audio/midi", "damaged, not a readable MIDI file"),
        (b"\x00" * 5000, "", "audio/wav", "no sound that can be read"),
        (wav(), "", "audio/wav", "silence"),
        (b"3c:d zz", "", "text/plain", "word 2, 'zz': not a token"),
        (b"x" * (BYTES_MAX + 1), "", "audio/wav", "The body is too long"),
        (song_midi(Song(bars=2)), "?quote=33", "audio/midi", "must be 0 to 32"),
        (song_midi(Song(bars=2)), "?quote=two", "audio/midi", '"quote" must be a number'),
        (song_midi(Song(bars=2)), "?station=none", "audio/midi", '"station" must be one of: lofi'),
    ],
)
async def test_what_cannot_be_gone_on_from_is_refused_with_a_reason(body, query, content_type, said, room):
    async with room() as (client, music):
        status, told = await send(client, body, query, content_type)
    assert status == (413 if "too long" in said else 400)
    assert said in told["error"]
    assert music.prompts == []


async def test_nobody_without_the_token_is_read(room):
    async def read(*_):
        raise AssertionError("expected nothing to be read")

    async with room(read) as (client, _):
        status, _ = await send(client, song_midi(), headers={})
        assert status == 401
        assert (await client.get("/api/control/seed", headers=RIGHT)).status == 405


async def test_the_document_holds_the_bodies_and_values_of_a_seed(room):
    async with room() as (client, _):
        found = document(client.server.app)
    validate(found)
    told = found["paths"]["/api/control/seed"]["post"]
    assert told["requestBody"]["required"]
    assert set(told["requestBody"]["content"]) == {"audio/midi", "audio/*", "text/plain", "application/octet-stream"}
    assert {value["name"]: value["schema"]["type"] for value in told["parameters"]} == {
        "name": "string", "quote": "integer", "station": "string",
    }  # fmt: skip
    assert told["security"] == [{"token": []}]


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "status"),
    [
        (song_midi(Song(bars=2)), "application/octet-stream", RIGHT, 202),
        (None, "text/plain", RIGHT, 202),
        (b"", "audio/midi", RIGHT, 400),
        (b"x", "audio/midi", {}, 401),
    ],
)
async def test_answers_to_a_seed_are_what_the_document_says(body, content_type, headers, status, room):
    async with room() as (client, _):
        described = document(client.server.app)
        told = described["paths"]["/api/control/seed"]["post"]
        if body is None:
            body = told["requestBody"]["content"][content_type]["example"].encode()
        answered, content = await send(client, body, "?name=it&quote=1", content_type, headers)
    assert answered == status
    schema = told["responses"][str(status)]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": described["components"]}).validate(content)
