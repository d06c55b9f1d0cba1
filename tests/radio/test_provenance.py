"""What is told about a moment on air, by the command and over HTTP."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from aiohttp import web
from fakes_journal import BEGAN_MS, Evening
from typer.testing import CliRunner

from engine import MOODS, mood_to_tree
from radio.__main__ import cli
from radio.canonical import canonical, canonical_sha256
from radio.digest_folder import FOLDER_NAME, DigestFolder
from radio.errors import MomentError, ProvenanceError
from radio.journal_reader import JournalReader
from radio.journal_rows import MoodRow
from radio.moments import iso, read_moment, to_ms
from radio.provenance import Asked, describe
from radio.provenance_pdf import write_pdf
from radio.provenance_text import as_text
from radio.web.provenance import Provenance

NOW = datetime(2026, 12, 1, 21, 0, tzinfo=timezone(timedelta(hours=1)))


@pytest.fixture
def evening(tmp_path):
    evening = Evening(tmp_path / "state" / "journal.sqlite3")
    tree = mood_to_tree(MOODS["study"])
    evening.mood = MoodRow(canonical_sha256(tree), canonical(tree).decode(), BEGAN_MS)
    evening.happens("on air").bars(3).bars(1, composer="rules").happens("bed").passes(10, sound=True).bars(1)
    evening.write()
    return evening


def told(evening, seconds, station="lofi"):
    with JournalReader(evening.path) as reader:
        digests = DigestFolder(evening.path.parent / FOLDER_NAME)
        return describe(reader, Asked(station, BEGAN_MS + round(seconds * 1000)), digests)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01T20:00:05Z", datetime(2026, 12, 1, 20, 0, 5, tzinfo=UTC)),
        ("2026-12-01 21:00:05+01:00", datetime(2026, 12, 1, 20, 0, 5, tzinfo=UTC)),
        ("2026-12-01T21:00:05", datetime(2026, 12, 1, 20, 0, 5, tzinfo=UTC)),
        ("1796155205.5", datetime(2026, 12, 1, 20, 0, 5, 500_000, tzinfo=UTC)),
        ("90s ago", NOW - timedelta(seconds=90)),
        ("-2h", NOW - timedelta(hours=2)),
    ],
)  # fmt: skip
def test_moments_are_read_as_people_write_them(text, moment):
    assert read_moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "1e400", "9" * 300 + "d ago", "99999999999999"])
def test_what_is_no_moment_is_a_sentence(text):
    with pytest.raises(MomentError, match="is no time"):
        read_moment(text, NOW)


def test_a_bar_is_told_with_notes_models_data_sounds_and_licences(evening):
    record = told(evening, 4)
    (aired,) = record["aired"]
    assert (aired["what"], aired["bar"]["into_s"], aired["bar"]["number"]) == ("music", 1.0, 1)
    assert aired["piece"] | {"seed": "", "id": ""} == {
        "id": "", "title": "Piece 0", "number": 0, "seed": "", "key": "E♭ minor", "bpm": 80.0, "bars": 48, "bar": 1,
        "section": "a",
    }  # fmt: skip
    assert aired["piece"]["seed"] == str(2**64 - 7)
    assert aired["notes"][0] == {"part": "keys", "tick": 0, "ticks": 96, "pitch": 60, "velocity": 70}
    assert aired["mood"]["numbers"]["bpm_low"] == MOODS["study"].bpm_low
    (model,) = aired["composer"]["models"]
    assert (model["name"], model["licence"], model["data"][0]["licence"]) == ("piano", "MIT", "MIT")
    assert aired["sounds"]["banks"] == [{"name": "lofi.sf2", "sha256": "bb" * 32, "licence": "CC0-1.0"}]
    assert {loop["name"]: loop["in_this_mood"] for loop in aired["sounds"]["loops"]} == {
        "vinyl/vinyl": True, "ambience/sea": False,
    }  # fmt: skip
    assert "lofi-radio" in aired["software"]["name"]


def test_no_model_is_named_for_what_the_rules_wrote(evening):
    assert "models" not in told(evening, 10)["aired"][0]["composer"]


def test_noise_is_told_with_what_was_around_it(evening):
    (aired,) = told(evening, 15)["aired"]
    assert (aired["what"], aired["since"], aired["cause"]["kind"]) == ("noise bed", iso(BEGAN_MS + 12_000), "bed")
    assert aired["before"]["began"] == iso(BEGAN_MS + 9_000)


def test_a_station_that_the_journal_does_not_know_is_a_sentence(evening):
    with pytest.raises(ProvenanceError, match=r"no station 'x'\. It has: lofi"):
        told(evening, 1, station="x")


def test_words_hold_every_licence_and_leave_out_loops_that_were_silent(evening):
    text = as_text(told(evening, 4))
    for word in ("Piece 0, E♭ minor", "POP909, MIT", "lofi.sf2, CC0-1.0", "vinyl/vinyl", "2: 1 drums, 1 keys"):
        assert word in text
    assert "ambience/sea" not in text
    assert "noise bed" in as_text(told(evening, 15))


def lofi(*arguments):
    return CliRunner().invoke(cli, list(arguments))


def test_the_command_prints_words_or_json(evening, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = lofi("provenance", "--at", "2026-12-01T20:00:04Z")
    assert done.exit_code == 0, done.output
    assert "Piece 0" in done.stdout
    record = json.loads(lofi("provenance", "--at", "2026-12-01T20:00:04Z", "--json").stdout)
    assert record == told(evening, 4)


def test_the_command_wants_a_time_it_can_read(evening, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert lofi("provenance").exit_code == 2
    done = lofi("provenance", "--at", "soon")
    assert (done.exit_code, "is no time" in done.stderr) == (2, True)
    assert lofi("provenance", "--at", "1796155205", "--station", "x").exit_code == 1


async def test_over_http_the_same_is_told_and_kept(evening, aiohttp_client, monkeypatch):
    app = web.Application()
    Provenance(evening.path, ["lofi"], evening.path.parent).add_routes(app)
    client = await aiohttp_client(app)
    first = await client.get("/api/provenance?at=2026-12-01T20:00:04Z")
    assert (first.status, await first.json()) == (200, told(evening, 4))
    # the evening lies in the future of whoever runs this test before 2026-12-01, and is not kept then
    kept = to_ms(datetime.now(UTC)) > BEGAN_MS + 200_000
    assert first.headers["Cache-Control"] == ("public, max-age=3600" if kept else "no-store")
    for query, status in (("at=", 400), ("at=soon", 400), ("at=1796155204&station=x", 404), ("", 400)):
        answer = await client.get(f"/api/provenance?{query}")
        assert (answer.status, list(await answer.json())) == (status, ["error"])
    plus = await client.get("/api/provenance?at=2026-12-01T21:00:04+01:00")
    assert (await plus.json())["aired"] == told(evening, 4)["aired"]


async def test_without_a_journal_the_answer_is_a_sentence(tmp_path, aiohttp_client):
    app = web.Application()
    Provenance(tmp_path / "none.sqlite3", ["lofi"], tmp_path).add_routes(app)
    client = await aiohttp_client(app)
    answer = await client.get("/api/provenance?at=2026-12-01T20:00:04Z")
    assert answer.status == 503


async def test_an_old_moment_is_read_from_the_disk_once(tmp_path, aiohttp_client, monkeypatch):
    evening = Evening(tmp_path / "j.sqlite3", began_ms=round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000))
    evening.happens("on air").bars(3).write()
    app = web.Application()
    pages = Provenance(evening.path, ["lofi"], evening.path.parent)
    pages.add_routes(app)
    client = await aiohttp_client(app)
    reads = []
    read = pages._read
    monkeypatch.setattr(pages, "_read", lambda asked: reads.append(asked) or read(asked))
    for _ in range(3):
        answer = await client.get("/api/provenance?at=2026-01-01T00:00:04Z")
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert len(reads) == 1


def test_the_page_to_show_is_one_page_with_everything_on_it(evening, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = lofi("provenance", "--at", "2026-12-01T20:00:04Z", "--pdf", "claim.pdf")
    assert done.exit_code == 0, done.output
    page = (tmp_path / "claim.pdf").read_bytes()
    assert page.startswith(b"%PDF-")
    assert page.count(b"/Type /Page\n") == 1
    long = told(evening, 4)
    long["aired"] *= 8
    write_pdf(long, tmp_path / "long.pdf")
    assert (tmp_path / "long.pdf").read_bytes().count(b"/Type /Page\n") == 1
    with pytest.raises(ProvenanceError, match="cannot be written"):
        write_pdf(long, tmp_path / "none" / "x.pdf")
