"""The document that describes the routes, against the routes there are and what they answer."""

import re
from types import SimpleNamespace

import jsonschema
import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes_journal import BEGAN_MS, Evening
from fakes_web import FakeConducted, FakeStation
from openapi_spec_validator import validate

from radio.clips import Clips
from radio.config import Config
from radio.digest_folder import FOLDER_NAME, DigestFolder
from radio.hub import Hub
from radio.metrics import Metrics
from radio.replay_order import Place
from radio.web.ambience import Ambience
from radio.web.app import make_app
from radio.web.arrivals import Arrivals
from radio.web.clips import ClipPages
from radio.web.control import Control, ControlRoom
from radio.web.guard import Attempts, Guard
from radio.web.history import History
from radio.web.hls import Hls
from radio.web.moods import Moods
from radio.web.obs import ObsPage
from radio.web.openapi import api_routes, document
from radio.web.operations import OPERATIONS
from radio.web.provenance import Provenance
from radio.web.seed import Seed
from radio.web.stream import Mount, Streams
from radio.web.words import Words

TOKEN = "correct-horse-battery-staple"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
PAGES = {
    "/", "/overlay", "/lofi", "/lofi/", "/lofi/overlay", "/static/{file}", "/worker.js", "/favicon.ico", "/obs-control",
}  # fmt: skip
"""For people."""


class NoSegments:
    """An HLS output that has just begun."""

    shown = SimpleNamespace(playlists={}, files={})


@pytest.fixture
def app(tmp_path, root):
    """Everything that a server with one station serves."""
    evening, journal = Evening(tmp_path / "journal.sqlite3").happens("on air").bars(20), tmp_path / "journal.sqlite3"
    evening.write()
    DigestFolder(tmp_path / FOLDER_NAME).make_due(journal, tmp_path, BEGAN_MS + 2 * 86_400_000, thorough=True)
    metrics, station, hub = Metrics(), FakeStation(), Hub(65_536)
    hub.close()
    station.play_past(pieces=3, bars_in=10)
    app, config = make_app({"lofi": station}, metrics), Config()
    guard = Guard(TOKEN, Attempts(10), lambda _: "here", metrics)
    room = ControlRoom({"lofi": FakeConducted(tmp_path, config)}, ("rain",))
    clips = Clips(Place(journal, tmp_path / "sounds.sqlite3", None), tmp_path, 10, metrics)
    kinds = {"mp3": "audio/mpeg", "aac": "audio/aac", "opus": "audio/ogg"}
    control = Control(guard, room)
    for part in (
        control, Words(control), Seed(guard, room, 1024), ObsPage(), Arrivals(),
        Provenance(journal, ["lofi"], tmp_path),
        History(journal, ["lofi"]), Moods(room.stations["lofi"].director.moods), Ambience(root / "loops"),
        ClipPages(clips, journal, ["lofi"], 60),
    ):  # fmt: skip
        part.add_routes(app)
    mounts = [Mount("lofi", "lofi", "", "lo-fi", hub, 96, kind, ending) for ending, kind in kinds.items()]
    Streams(metrics, 500).add_routes(app, mounts)
    Hls({"lofi": NoSegments()}).add_routes(app, first="lofi")
    return app


def test_the_document_describes_every_route_for_programs_and_no_other(app):
    found = document(app)
    validate(found)
    routes = {(path, method.lower()) for method, path, _ in api_routes(app)}
    assert {(path, method) for path, item in found["paths"].items() for method in item} == routes
    assert {path for path, _ in routes} == set(OPERATIONS)
    served = {resource.canonical for resource in app.router.resources()}
    stations_own = {path for path in served if path.removeprefix("/lofi") in OPERATIONS}
    assert served == set(OPERATIONS) | stations_own | PAGES


@pytest.mark.parametrize(
    "asked",
    [
        "/api/nowplaying", "/api/nowplaying/1", "/api/stations", "/api/moods", "/api/history", "/api/openapi.json",
        "/api/nowplaying/none", "/api/history?limit=0", "/api/control/mood?mood=rainy", "/api/control/blend?snow=1",
        "/api/control/skip", "/api/control/bpm?bpm=70", "/api/control/layers?loops=rain:-20", "/api/control/schedule",
        "/api/control/schedule?pause=true", "/api/control/mood?mood=none", "/api/ws", "/api/events?station=none",
        "/api/listener", "/api/ambience", "/api/provenance?at=2026-12-01T20:00:05Z", "/api/provenance",
        "/api/provenance?at=2020-01-01T00:00:00Z", "/api/provenance?at=2026-12-01T20:00:05Z&station=none",
        "/api/provenance/key", "/api/provenance/digests", "/api/provenance/digests/2026-12-01.json",
        "/api/provenance/digests/none.json", "/api/clip", "/api/clip?from=2026-12-01T20:00:05Z&station=none",
    ],
)  # fmt: skip
async def test_answers_are_what_the_document_says(app, asked):
    async with TestClient(TestServer(app)) as client:
        answer = await client.get(asked, headers=RIGHT)
        described = document(app)
        content = _told(described, asked, "get", answer.status)["content"]
        schema = {**content["application/json"]["schema"], "components": described["components"]}
        jsonschema.Draft202012Validator(schema).validate(await answer.json())


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/stream.mp3", 200), ("/stream.aac", 200),
        ("/stream.opus", 200), ("/stream.m3u", 200), ("/stream.pls", 200), ("/hls/live.m3u8", 503),
        ("/hls/x-1.aac", 404), ("/ambience/none.mp3", 404),
        ("/api/control/skip?format=text", 202), ("/api/control/bpm?format=text", 400),
    ],
)  # fmt: skip
async def test_what_is_no_json_has_the_type_that_the_document_says(app, asked, status):
    async with TestClient(TestServer(app)) as client, client.get(asked, headers=RIGHT) as answer:
        assert answer.status == status
        assert answer.content_type in _told(document(app), asked, "get", status)["content"]


async def test_everything_that_only_reads_may_be_asked_by_any_page(app):
    async with TestClient(TestServer(app)) as client:
        for method, path, _ in api_routes(app):
            if path.startswith("/api/") and "/control/" not in path and path != "/api/ws":
                async with client.request(method, re.sub("{.*}", "lofi", path)) as answer:
                    assert answer.headers["Access-Control-Allow-Origin"] == "*", path


@pytest.mark.parametrize(
    ("method", "options", "status"),
    [
        ("GET", {}, 401),
        ("POST", {"json": {"x": "y" * 2_000_000}, "headers": RIGHT}, 413),
        ("POST", {"json": {"mood": 3}, "headers": RIGHT}, 400),
        ("POST", {"json": {"mood": "rainy"}, "headers": RIGHT}, 202),
    ],
    ids=["no token", "too long", "wrong", "right"],
)
async def test_refusals_of_a_control_route_are_in_the_document(app, method, options, status):
    async with TestClient(TestServer(app)) as client:
        answer = await client.request(method, "/api/control/mood", **options)
        assert answer.status == status
        assert _told(document(app), "/api/control/mood", method.lower(), status)


def _told(described, asked, method, status):
    path = asked.partition("?")[0]
    for pattern, slot in (
        (r"(nowplaying|digests)/[\w.-]+", r"\1/{name}"), (r"ambience/\w+\.mp3", "ambience/{name}.mp3"),
        (r"hls/\w+\.m3u8", "hls/{list}.m3u8"), (r"hls/.+\.aac", "hls/{name}"),
    ):  # fmt: skip
        path = re.sub(pattern, slot, path)
    path = path.replace("nowplaying/{name}", "nowplaying/{station}")
    return described["paths"][path][method]["responses"][str(status)]


async def test_a_route_that_nobody_described_is_in_the_document():
    async def handler(request):
        """Tell something new."""

    app = make_app({"lofi": FakeStation()}, Metrics())
    app.router.add_get("/api/new/{thing}", handler)
    found = document(app)
    validate(found)
    assert found["paths"]["/api/new/{thing}"]["get"]["summary"] == "Tell something new."
