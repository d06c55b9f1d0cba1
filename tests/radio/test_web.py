import asyncio
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from fakes_web import FakeStation, bar_start

from engine import Chord, Piece
from radio.web.app import make_app
from radio.web.facts import chord_text


@pytest.fixture
def station():
    return FakeStation()


@pytest.fixture
async def client(aiohttp_client, station, metrics):
    second = FakeStation("night-shift", "Night <shift> & co")
    return await aiohttp_client(make_app({"lofi": station, "night-shift": second}, metrics, latency_s=4.1))


async def playing(client, query=""):
    answer = await client.get(f"/api/nowplaying{query}")
    assert answer.status == 200
    return (await answer.json())["lofi"]


async def test_now_playing_before_the_first_bar_says_so_with_every_key(client, station):
    told = await playing(client)
    station.play_past()
    later = await playing(client)
    assert set(told) == set(later)
    assert (told["title"], told["key"], told["bars"], told["history"]) == ("", None, [], [])


async def test_now_playing_tells_all_about_the_bar_that_sounds(client, station):
    station.play_past(pieces=3, bars_in=10)
    told = await playing(client)
    assert told["station"] == "lofi"
    assert told["title"] == "Window Seat, Rear Car"
    assert (told["key"], told["bpm"], told["mood"], told["section"]) == ("E♭ minor", 80.0, "rainy", "first theme")
    assert told["chords"] == ["Fmaj7", None]
    assert told["composer"] == "models"
    assert told["listeners"] == 2
    assert told["stream"] == "/stream.mp3"
    assert told["latency_s"] == 4.1
    assert 26 <= told["elapsed_s"] < 37
    assert told["length_s"] == 48 * 3
    assert [piece["title"] for piece in told["history"]] == [
        "Window Seat, Rear Car",
        "Tea Going Cold",
        "Paper Lanterns",
    ]


async def test_times_are_utc_and_the_servers_clock_is_among_them(client, station):
    station.play_past()
    told = await playing(client)
    for moment in (told["now"], told["started_at"], told["bars"][-1]["started_at"], told["history"][0]["started_at"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(told["now"])) < timedelta(minutes=1)


async def test_the_last_bars_are_told_so_that_a_page_shows_what_the_ear_hears(client, station):
    station.play_past(bars_in=40)
    told = await playing(client)
    assert [bar["piece_bar"] for bar in told["bars"]] == list(range(24, 40))
    assert told["bars"][0]["seconds"] == 3.0
    assert told["bars"][0]["piece_bars"] == 48


async def test_a_page_that_comes_between_two_bars_knows_the_one_that_sounds(aiohttp_client, station, metrics):
    station.now.begin(bar_start(7, piece_bar=7), datetime.now(UTC))
    client = await aiohttp_client(make_app({"lofi": station}, metrics))
    assert [bar["piece_bar"] for bar in (await playing(client))["bars"]] == [7]


async def test_each_station_is_told_by_name_and_all_of_them_together(client):
    assert (await playing(client, "?station=night-shift"))["stream"] == "/night-shift/stream.mp3"
    answer = await client.get("/api/stations")
    assert [one["lofi"]["station"] for one in (await answer.json())["stations"]] == ["lofi", "night-shift"]


async def test_an_unknown_station_is_a_sentence_with_the_known_ones(client):
    answer = await client.get("/api/nowplaying?station=<script>")
    assert answer.status == 404
    assert (await answer.json())["error"] == "No station is called '<script>'. There are: lofi, night-shift."


async def test_troubles_and_silence_are_told(client, station):
    station.troubles = ("models/piano: missing.",)
    station.health = (False, "no sound for 5 s")
    told = await playing(client)
    assert told["troubles"] == ["models/piano: missing."]
    assert (told["on_air"], told["reason"]) == (False, "no sound for 5 s")


async def test_anybody_may_ask_from_anywhere_and_nothing_is_cached(client):
    answer = await client.get("/api/nowplaying")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content_type == "application/json"


@pytest.mark.parametrize(
    ("key", "chord", "text"),
    [
        ((0, True), None, None),
        ((8, False), Chord(10, "hdim7"), "B♭m7♭5"),
        ((0, False), Chord(0, "maj7"), "Cmaj7"),
        ((0, False), Chord(11, "hdim7"), "Bm7♭5"),
        ((10, True), Chord(3, "min"), "E♭m"),
        ((4, False), Chord(10, "hdim7"), "A♯m7♭5"),
        ((2, False), Chord(6, "min7"), "F♯m7"),
        ((2, False), Chord(10, "maj7"), "B♭maj7"),
        ((8, True), Chord(1, "min7"), "C♯m7"),
    ],
)
def test_chords_are_written_as_musicians_do_in_the_key_of_the_piece(key, chord, text):
    piece = Piece(0, "x", 0, 80.0, *key, 36)
    assert chord_text(chord, piece) == text


async def test_the_process_is_alive_whatever_the_sound_does(client, station):
    station.health = (False, "no sound for 5 s")
    assert (await client.get("/healthz")).status == 200


async def test_readiness_follows_the_audio_of_every_station(client, station):
    answer = await client.get("/readyz")
    assert answer.status == 200
    assert await answer.text() == "lofi: on air\nnight-shift: on air\n"
    station.health = (False, "no sound for 5 s")
    answer = await client.get("/readyz")
    assert answer.status == 503
    assert "lofi: no sound for 5 s\n" in await answer.text()


async def test_metrics_are_served_in_prometheus_format(client, metrics):
    metrics.journal_rows.inc(3)
    answer = await client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert "lofi_journal_rows_total 3.0" in await answer.text()


@pytest.mark.parametrize("path", ["/", "/static/style.css", "/api/nowplaying", "/healthz", "/nothing", "/api/nothing"])
async def test_every_answer_carries_the_security_headers(path, client):
    headers = (await client.get(path)).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


async def test_what_is_not_there_is_one_sentence(client):
    answer = await client.get("/<b>nothing</b>")
    assert (answer.status, answer.content_type) == (404, "text/plain")
    assert "There is nothing at /<b>nothing</b>." in await answer.text()
    answer = await client.get("/api/nothing")
    assert (answer.status, answer.content_type) == (404, "application/json")
    assert "nothing at /api/nothing" in (await answer.json())["error"]


async def test_a_method_that_is_not_possible_says_which_are(client):
    answer = await client.post("/api/nowplaying")
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert "takes GET, HEAD" in (await answer.json())["error"]


async def test_the_page_names_its_station_and_escapes_it(client):
    page = await (await client.get("/night-shift/")).text()
    assert "Night &lt;shift&gt; &amp; co" in page
    assert "<shift>" not in page
    assert 'data-station="night-shift" data-root="../"' in page
    assert "{{" not in page
    assert 'data-station="lofi" data-root="./"' in await (await client.get("/")).text()


async def test_a_station_without_its_slash_is_sent_to_it(client):
    answer = await client.get("/night-shift", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (301, "night-shift/")


async def test_everything_the_page_asks_for_is_there_and_ours(client, root):
    static = root / "radio/web/static"
    page = await (await client.get("/")).text()
    wanted = set(re.findall(r'(?:href|src)="\./(static/[^"]+)"', page))
    for script in (static / "js").glob("*.js"):
        wanted |= {f"static/js/{name}" for name in re.findall(r'from "\./([^"]+)"', script.read_text(encoding="utf-8"))}
    assert {"static/css/desk.css", "static/js/main.js", "static/js/roll.js", "static/icon.svg"} <= wanted
    for path in wanted:
        answer = await client.get(f"/{path}")
        assert answer.status == 200, path
    ours = [path for path in static.rglob("*") if path.is_file() and path.suffix != ".png"]
    texts = [page, *(path.read_text(encoding="utf-8") for path in ours)]
    assert re.findall(r"https?://(?!www\.w3\.org)", "".join(texts)) == []


async def test_all_files_of_the_pages_together_are_small(root):
    files = [path for path in (root / "radio/web/static").rglob("*") if path.is_file()]
    assert sum(file.stat().st_size for file in files) < 150_000


async def test_nothing_beside_the_pages_files_can_be_asked_for(client):
    for path in (
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/js/../../app.py",
        "/static/js",
        "/static/index.html",
    ):
        assert (await client.get(path)).status == 404, path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/static/css/desk.css", "text/css"),
        ("/static/js/player.js", "text/javascript"),
        ("/static/words/de.json", "application/json"),
        ("/worker.js", "text/javascript"),
        ("/overlay", "text/html"),
        ("/static/icon.svg", "image/svg+xml"),
        ("/static/site.webmanifest", "application/manifest+json"),
        ("/favicon.ico", "image/svg+xml"),
    ],
)
async def test_files_have_their_type_and_are_not_sent_twice(path, kind, client):
    answer = await client.get(path)
    assert answer.content_type == kind
    again = await client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
    assert await again.read() == b""
    other = await client.get(path, headers={"If-None-Match": '"other"'})
    assert other.status == 200


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e%2fapp.py", "/static/", "/static/none.js", "/static/index.html"]
)
async def test_nothing_but_the_static_files_can_be_had(path, client):
    assert (await client.get(f"/static/{path}")).status == 404


async def test_head_is_answered_without_a_body(client):
    answer = await client.head("/")
    assert answer.status == 200
    assert await answer.read() == b""


def test_the_manifest_is_json(root):
    assert json.loads((root / "radio/web/static/site.webmanifest").read_text())["icons"]


async def test_what_is_no_http_is_refused_without_a_word_in_the_log(client, caplog):
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")  # TLS on the plain port: scanners send it day and night
    assert (await reader.read(1000)).startswith(b"HTTP/1.0 400")
    writer.close()
    assert not [record for record in caplog.records if record.name == "aiohttp.server"]


async def test_a_failure_of_ours_is_logged(client, station, caplog, monkeypatch):
    monkeypatch.setattr(station, "healthy", lambda: 1 / 0)
    assert (await client.get("/readyz")).status == 500
    assert "ZeroDivisionError" in caplog.text
