"""The control routes: everything that can be asked for, by GET and by POST, and what is answered."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes_web import FakeConducted, FakeStation

from engine import End, Hands
from radio.config import Config
from radio.config import Station as StationConfig
from radio.config_schedule import ScheduleEntry
from radio.metrics import Metrics
from radio.web.app import make_app
from radio.web.control import Control, ControlRoom
from radio.web.guard import Attempts, Guard

TOKEN = "correct-horse-battery-staple"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
ROUTES = ("mood", "blend", "skip", "bpm", "layers", "schedule")


class Desk:
    def __init__(self, folder, client, conducted, others):
        self.folder, self.client, self.conducted, self.others = folder, client, conducted, others
        self.music, self.director = conducted.producer, conducted.director

    async def get(self, path, status=202, **headers):
        answer = await self.client.get(f"/api/control/{path}", headers={**RIGHT, **headers})
        assert answer.status == status, await answer.text()
        return await answer.json()

    async def post(self, path, body, status=202):
        answer = await self.client.post(f"/api/control/{path}", headers=RIGHT, json=body)
        assert answer.status == status, await answer.text()
        return await answer.json()


@pytest.fixture
def desk(tmp_path):
    @asynccontextmanager
    async def make(*, in_query=False, schedule=()):
        config = Config(
            stations={"lofi": StationConfig(schedule=schedule), "night": StationConfig(mood="snow")},
            moods={"mine": {"base": "rainy"}},
        )
        stations = {name: FakeConducted(tmp_path, config, name) for name in config.stations}
        guard = Guard(TOKEN, Attempts(10), lambda _: "here", Metrics())
        app = make_app({"lofi": FakeStation()}, Metrics())
        Control(guard, ControlRoom(stations, ("fire", "rain"), 4.0, in_query)).add_routes(app)
        server = TestServer(app)
        await server.start_server(access_log=None)  # as the radio's own has none
        async with TestClient(server) as client:
            yield Desk(tmp_path, client, stations["lofi"], stations)

    return make


async def test_a_mood_is_asked_for_by_either_method_and_told_when_it_will_be_heard(desk):
    async with desk() as room:
        told = await room.get("mood?mood=rainy")
        assert (told["in_s"], told["in_bars"], told["heard_in_s"]) == (5.5, 2, 9.5)
        assert (told["changed"], told["kept"]) == (True, True)
        on_air, heard = (datetime.fromisoformat(told[key]) for key in ("on_air_at", "heard_at"))
        assert heard - on_air == timedelta(seconds=4)
        assert abs(on_air - datetime.now(UTC) - timedelta(seconds=5.5)) < timedelta(seconds=5)
        assert told["said"] == "rainy: on air in 6 s (2 bars), heard in 10 s."
        assert (await room.post("mood", {"mood": "mine", "drift_minutes": 3}))["mood"] == "mine"
        assert [(mood.name, mood.drift_minutes) for mood in room.music.moods] == [("rainy", 0), ("mine", 3)]
        again = await room.post("mood", {"mood": "mine", "drift_minutes": 3})
        assert (again["changed"], again["in_s"], again["said"]) == (False, 0, "mine: nothing changes.")


async def test_each_station_is_asked_for_itself(desk):
    async with desk() as room:
        assert (await room.get("mood?mood=cafe&station=night"))["station"] == "night"
        assert room.others["night"].producer.mood.name == "cafe"
        assert room.music.moods == []
        refused = await room.get("mood?mood=cafe&station=none", 400)
        assert refused["error"] == '"station" must be one of: lofi, night.'


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("study=0.7&rainy=0.3", {"study": 0.7, "rainy": 0.3}),
        ("blend=study:0.7,rainy:0.3", {"blend": {"study": 0.7, "rainy": 0.3}}),
    ],
)
async def test_moods_are_blended(desk, query, body):
    async with desk() as room:
        assert (await room.get(f"blend?{query}&hours=2"))["mood"] == "study 70 % + rainy 30 %"
        assert room.director.orders.word.choice == {"study": 0.7, "rainy": 0.3}
        word = room.director.orders.word
        assert abs(word.until - word.at - timedelta(hours=2)) < timedelta(seconds=5)
        assert (await room.post("blend", body))["changed"] is False


async def test_a_piece_is_skipped_with_its_ending_or_at_once(desk):
    async with desk() as room:
        assert (await room.get("skip"))["said"] == "the piece plays its ending: on air in 6 s (2 bars), heard in 10 s."
        assert (await room.post("skip", {"ending": False}))["skip"] == "now"
        assert room.music.ends == [End.ENDING, End.NOW]


async def test_a_tempo_holds_until_it_is_released(desk):
    async with desk() as room:
        assert (await room.get("bpm?bpm=66.5"))["bpm"] == 66.5
        assert room.music.hands == Hands(bpm=66.5)
        await room.get("layers?reset=true")
        assert room.music.hands == Hands(bpm=66.5)
        for release in ("bpm?bpm=null", "bpm?bpm="):
            assert (await room.get(release))["bpm"] is None
        assert room.music.hands == Hands()
        await room.post("bpm", {"bpm": 70})
        assert (await room.post("bpm", {"bpm": None}))["changed"] is True


async def test_loops_are_made_louder_and_replaced_and_left_to_the_mood_again(desk):
    async with desk() as room:
        told = await room.get("layers?vinyl=-6&ambience=3.5")
        assert (told["vinyl"], told["ambience"], told["loops"]) == (-6, 3.5, None)
        told = await room.get("layers?loops=rain:-25,fire:-30")
        assert told["loops"] == {"rain": -25, "fire": -30}
        assert room.music.hands == Hands(None, -6, 3.5, (("rain", -25), ("fire", -30)))
        await room.post("layers", {"loops": None, "vinyl": 0})
        assert room.music.hands == Hands(ambience_db=3.5)
        await room.post("layers", {"reset": True})
        assert room.music.hands == Hands()


ALWAYS = (ScheduleEntry(at="00:00", mood="sleep"),)


async def test_the_schedule_is_read_paused_overridden_and_has_its_say_again(desk):
    async with desk(schedule=ALWAYS) as room:
        told = await room.get("schedule", 200)
        assert (told["mood"], told["by"], told["paused"], told["timezone"]) == ("sleep", "schedule", False, "UTC")
        assert [slot["mood"] for slot in told["next_24_hours"]] == ["sleep", "sleep"]
        assert (await room.get("schedule?pause=true"))["mood"] == "study"
        assert (await room.get("schedule?pause=false"))["mood"] == "sleep"
        told = await room.post("schedule", {"override": {"rainy": 1, "snow": 1}, "hours": 30})
        assert (told["mood"], told["by"]) == ("rainy 50 % + snow 50 %", "control")
        late = await room.get("schedule?override=cafe&until=2026-01-01T00:00:00Z", 400)
        assert late["error"].startswith('"until" must lie ahead')
        assert (await room.get("schedule?release=true"))["by"] == "schedule"


async def test_what_was_asked_for_is_in_the_state_folder(desk):
    async with desk() as room:
        await room.get("mood?mood=rainy")
        await room.get("bpm?bpm=70")
        again = FakeConducted(room.folder, Config())
        assert (again.producer.mood.name, again.director.orders.hands) == ("rainy", Hands(bpm=70))
        (room.folder / "lofi.orders.json.new").mkdir()
        told = await room.get("mood?mood=snow")
        assert (told["changed"], told["kept"]) == (True, False)
        assert told["said"].endswith("a restart forgets it.")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("mood", "name of a mood"),
        ("mood?mood=rainny", "did you mean 'rainy'"),
        ("mood?mood=rainy&hour=3", "'hour' is not known here"),
        ("mood?mood=rainy&hours=nan", '"hours" must be a number'),
        ("mood?mood=rainy&hours=1&until=2030-01-01T00:00Z", "not both"),
        ("mood?mood=rainy&until=soon", '"until" must be a moment'),
        ("mood?mood=rainy&until=2030-01-01T00:00", "needs a time zone"),
        ("mood?mood=rainy&until=9999-12-31T23:59:59-23:00", "out of all time"),
        ("mood?mood=rainy&drift_minutes=1e9", "from 0 to 240"),
        ("blend", "moods with their weights"),
        ("blend?study=0", "must be a number from 1e-06"),
        ("blend?stady=1", "did you mean 'study'"),
        ("blend?blend=study", '"study" must be a number'),
        ("skip?ending=perhaps", "true or false"),
        ("bpm", '"bpm" must be a tempo'),
        ("bpm?bpm=300", "from 40 to 140"),
        ("layers", '"vinyl" or "ambience"'),
        ("layers?vinyl=100", "from -60 to 30"),
        ("layers?loops=storm:-20", "No ambience is called 'storm'. There are: fire, rain."),
        ("schedule?override=", "must be a mood"),
        ("schedule?pause=2", "true or false"),
    ],
)
async def test_what_is_asked_wrongly_changes_nothing_and_is_told_in_a_sentence(desk, path, said):
    async with desk() as room:
        assert said in (await room.get(path, 400))["error"]
        assert (room.music.moods, room.music.ends, room.director.orders.word) == ([], [], None)
        assert room.music.hands == Hands()


@pytest.mark.parametrize("route", ROUTES)
async def test_a_token_in_the_address_opens_only_where_that_is_switched_on(desk, route):
    async with desk() as room:
        answer = await room.client.get(f"/api/control/{route}?mood=rainy&token={TOKEN}")
        assert answer.status == 401
    async with desk(in_query=True) as room:
        asks = {"mood": "mood=snow", "blend": "snow=1", "bpm": "bpm=70", "layers": "vinyl=1"}.get(route, "")
        answer = await room.client.get(f"/api/control/{route}?{asks}&token={TOKEN}")
        assert answer.status in (200, 202)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert (await room.client.get(f"/api/control/{route}?{asks}&token=wrong")).status == 401


async def test_a_browser_that_looks_ahead_or_asks_for_the_head_changes_nothing(desk):
    async with desk(in_query=True) as room:
        address = f"/api/control/mood?mood=rainy&token={TOKEN}"
        for header in ({"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}):
            assert (await room.client.get(address, headers=header)).status == 409
        assert (await room.client.head(address)).status == 405
        assert room.music.moods == []


async def test_wrong_tokens_in_the_address_are_counted_and_the_token_is_in_no_line_of_the_log(desk, caplog):
    caplog.set_level("DEBUG")
    async with desk(in_query=True) as room:
        await room.client.get(f"/api/control/mood?mood=rainy&token={TOKEN}")
        await room.client.get(f"/api/control/nothing?token={TOKEN}")
        for _ in range(10):
            await room.client.get("/api/control/mood?token=guess")
        assert (await room.client.get(f"/api/control/mood?mood=rainy&token={TOKEN}")).status == 429
    assert TOKEN not in caplog.text


async def test_chat_bots_get_one_sentence(desk):
    async with desk() as room:
        answer = await room.client.get("/api/control/mood?mood=rainy&format=text", headers=RIGHT)
        assert answer.content_type == "text/plain"
        assert await answer.text() == "rainy: on air in 6 s (2 bars), heard in 10 s."
        wrong = await room.client.get("/api/control/mood?mood=x&format=text", headers=RIGHT)
        assert (wrong.status, wrong.content_type) == (400, "text/plain")
