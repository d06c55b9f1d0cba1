"""Clips over HTTP: made by a real process from a real journal, kept, bounded, and never in the way."""

import asyncio
import io
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import soundfile
from aiohttp import web
from fakes_clock import settle

from engine import MOODS, SAMPLE_RATE_HZ, Station, StationSetup
from radio import clips as clips_module
from radio.clips import BusyError, Clips
from radio.errors import ReplayError
from radio.journal import Journal
from radio.journal_bars import piece_id
from radio.journal_reader import JournalReader
from radio.lead import Lead, LeadBar
from radio.logbook import Logbook
from radio.metrics import Metrics
from radio.replay_order import Place
from radio.replay_plan import Span
from radio.sound_recorder import SOUNDS_NAME, Keeping, SoundRecorder
from radio.web.clips import ClipPages

SETUP = StationSetup(mood=MOODS["study"], seed=31, composer="rules")
BEGAN = datetime(2026, 1, 1, 20, 0, tzinfo=UTC)


class Maker:
    assets = ()
    seed = 31


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The state folder of a station that sent four bars."""
    folder = tmp_path_factory.mktemp("state")
    metrics = Metrics()
    journal = Journal(folder / "journal.sqlite3", metrics)
    sounds = SoundRecorder(folder / SOUNDS_NAME, Keeping(), metrics)
    journal.start()
    sounds.start()
    lead = Lead(10**9)
    logbook = Logbook("lofi", journal, lead, sounds)
    logbook.tell("on air", 0, BEGAN, "")
    station = Station.build(SETUP)
    for _ in range(4):
        rendered = station.render_bar()
        (start,) = rendered.block.bars
        lead.add(LeadBar(rendered.block, rendered.snapshot, rendered.block.start_frame))
        lead.pull(rendered.block.frames)
        logbook.write(start, BEGAN + timedelta(seconds=start.frame / SAMPLE_RATE_HZ), Maker())
    station.close()
    journal.close(timeout_s=60)  # a busy disk may need more than the two seconds of a station that stops
    sounds.close(timeout_s=60)
    assert journal.idle
    return folder


@pytest.fixture
def clips(state, tmp_path):
    place = Place(state / "journal.sqlite3", state / SOUNDS_NAME, SETUP)
    return Clips(place, tmp_path, 10, Metrics())


@pytest.fixture
async def client(clips, state, aiohttp_client):
    app = web.Application()
    metrics = Metrics()
    pages = ClipPages(clips, state / "journal.sqlite3", ["lofi"], 20)
    pages.limited(2, lambda request: request.remote or "", metrics).add_routes(app)
    return await aiohttp_client(app)


FIRST = "from=2026-01-01T20:00:01Z&seconds=4&format=flac"


async def test_a_clip_is_made_once_and_then_kept(client, monkeypatch):
    monkeypatch.setenv("CI", "true")  # has the binding of FluidSynth print to standard output
    first = await client.get(f"/api/clip?{FIRST}")
    body = await first.read()
    assert first.status == 200, body
    assert (first.headers["Content-Type"], first.headers["X-Lofi-Exact"]) == ("audio/flac", "yes"), first.headers
    assert 'filename="lofi-2026-01-01T20-00-01.flac"' in first.headers["Content-Disposition"]
    sound, rate = soundfile.read(io.BytesIO(body))
    assert (rate, len(sound)) == (SAMPLE_RATE_HZ, 4 * SAMPLE_RATE_HZ)
    for _ in range(4):  # more than an address may ask for, but none of them is new
        again = await client.get(f"/api/clip?{FIRST}")
        assert (again.status, await again.read()) == (200, body)
    part = await client.get(f"/api/clip?{FIRST}", headers={"Range": "bytes=0-99"})
    assert (part.status, await part.read()) == (206, body[:100])


async def test_a_whole_piece_and_its_notes_can_be_had(client, state):
    with JournalReader(state / "journal.sqlite3") as reader:
        rows = reader.bars("lofi", 0, 2**60)
    notes = await client.get(f"/api/clip?piece={piece_id(rows[0])}&format=mid")
    assert (notes.status, (await notes.read())[:4]) == (200, b"MThd")
    same = await client.get("/api/clip?piece_at=2026-01-01T20:00:05Z&format=mid")
    assert await same.read() == await notes.read()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400), ("from=soon", 400), ("from=1767297601&format=doc", 400), ("from=1767297601&seconds=1e3", 400),
        ("from=1767297601&seconds=99", 400), ("from=1767297601&seconds=0", 400), ("from=2099-01-01T00:00:00Z", 400),
        (f"{FIRST}&station=x", 404), ("piece=../../etc/passwd", 400), ("piece=0-00", 404),
        ("piece_at=2026-01-01T23:00:00Z", 404), ("from=2025-01-01T20:00:00Z&seconds=4", 404),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_a_sentence(query, status, client):
    answer = await client.get(f"/api/clip?{query}")
    assert (answer.status, list(await answer.json())) == (status, ["error"])


async def test_an_address_that_asks_for_too_much_is_told_to_wait(client, clips, monkeypatch):
    async def fails(*_):
        raise ReplayError("no")

    monkeypatch.setattr(clips, "make", fails)
    answers = [await client.get(f"/api/clip?from=2026-01-01T20:00:0{n}Z&seconds=2") for n in range(3)]
    assert [answer.status for answer in answers] == [404, 404, 429]
    assert int(answers[2].headers["Retry-After"]) <= 61


async def test_only_so_many_may_wait(clips, monkeypatch):
    monkeypatch.setattr(clips_module, "WAITING_MAX", 2)
    going = asyncio.Event()

    async def slow(order):
        await going.wait()
        return {"error": "enough"}

    monkeypatch.setattr(clips, "_run", slow)
    spans = [Span("lofi", n, 48_000) for n in range(3)]
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(refused(clips.make(span, ".mp3"))) for span in spans[:2]]
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await clips.make(spans[2], ".mp3")
        going.set()
    assert [one.result() for one in waiting] == ["enough", "enough"]


async def refused(making):
    with pytest.raises(ReplayError) as problem:
        await making
    return str(problem.value)


async def test_a_process_that_nobody_waits_for_any_more_is_killed(clips, monkeypatch):
    started = []
    create = asyncio.create_subprocess_exec

    async def watched(*arguments, **options):
        started.append(await create(arguments[0], "-c", "import time; time.sleep(60)", **options))
        return started[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    making = asyncio.ensure_future(clips.make(Span("lofi", 1, 48_000), ".mp3"))
    await settle(lambda: started)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert started[0].returncode is not None


async def test_a_process_that_dies_or_takes_too_long_is_a_sentence(clips, monkeypatch):
    create = asyncio.create_subprocess_exec
    script = ["import sys; sys.exit(3)"]

    async def other(*arguments, **options):
        return await create(arguments[0], "-c", script[0], **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", other)
    with pytest.raises(ReplayError, match="its process ended"):
        await clips.make(Span("lofi", 1, 48_000), ".mp3")
    script[0] = "import time; time.sleep(60)"
    monkeypatch.setattr(clips_module, "JOB_TIMEOUT_S", 0.2)
    with pytest.raises(BusyError, match="not ready within"):
        await clips.make(Span("lofi", 1, 48_000), ".mp3")


async def test_the_clips_asked_for_longest_ago_go_first(clips, tmp_path, monkeypatch):
    folder = tmp_path / "clips"
    folder.mkdir()
    for age, name in enumerate(("new", "older", "oldest")):
        (folder / name).write_bytes(b"x" * 4_000_000)
        stamp = (BEGAN - timedelta(hours=age)).timestamp()
        os.utime(folder / name, (stamp, stamp))

    async def nothing(order):
        return {"error": "no"}

    monkeypatch.setattr(clips, "_run", nothing)
    with pytest.raises(ReplayError):
        await clips.make(Span("lofi", 1, 48_000), ".mp3")
    assert sorted(path.name for path in folder.iterdir()) == ["new", "older"]


async def test_another_version_of_the_software_makes_its_own(clips, monkeypatch):
    span = Span("lofi", 1, 48_000)
    path = clips._path(span, ".mp3")
    monkeypatch.setattr(clips_module, "software_version", lambda: "9.9")
    assert clips._path(span, ".mp3") != path
    assert clips._path(replace(span, frames=2), ".mp3") != clips._path(span, ".mp3")
