"""What one station writes into the journal while it is on air."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fakes_station import STUDY, FakeAsset, FakeSetup, FakeStation

from radio.journal import Journal
from radio.journal_reader import JournalReader
from radio.lead import Lead, LeadBar
from radio.logbook import Logbook
from radio.metrics import Metrics

BEGAN = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)


class Maker:
    seed = 2**63 - 1
    assets = (FakeAsset("sine", "aa"),)


@pytest.fixture
def station(tmp_path):
    journal = Journal(tmp_path / "j.sqlite3", Metrics())
    lead = Lead(10**6)
    journal.start()
    yield journal, lead, Logbook("lofi", journal, lead)
    journal.close()


def test_every_bar_is_noted_with_its_run_its_engine_and_its_numbers(station):
    journal, lead, logbook = station
    engine = FakeStation(FakeSetup())
    logbook.tell("on air", 500, BEGAN, "")
    for number in range(6):
        block = engine.render_bar().block
        (start,) = block.bars
        start = replace(start, mood=STUDY)
        lead.add(LeadBar(replace(block, bars=(start,)), b"", 9_600 * number + 40, 2))
        lead.pull(block.frames)
        logbook.write(replace(start, frame=500 + start.frame), BEGAN + timedelta(seconds=0.2 * number), Maker())
        if number == 4:
            again = start
    logbook.write(replace(again, frame=90_000), BEGAN + timedelta(seconds=2), Maker())
    logbook.tell("bed", 99_600, BEGAN + timedelta(seconds=3), "")
    journal.close()
    with JournalReader(journal.path) as reader:
        *rows, repeat = reader.bars("lofi", 0, 2**60)
        events = reader.events("lofi", 0, 2**60)
        assert reader.mood(rows[0].mood_hash) is not None
    run = round(BEGAN.timestamp() * 1000)
    assert [row.engine_frame for row in rows] == [40 + 9_600 * number for number in range(6)]
    assert {(row.run, row.repeated, row.engine_piece) for row in rows} == {(run, 0, -2)}
    assert (repeat.bar, repeat.repeated, repeat.engine_frame, repeat.frame) == (4, 1, 40 + 4 * 9_600, 90_000)
    assert [(event.kind, event.run, event.frame) for event in events] == [("on air", run, 500), ("bed", run, 99_600)]
