"""What a journal keeps of each bar, gives back and deletes for its age."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from real_journal import row, start, value, wait_for

from engine import Asset, Section
from radio.errors import JournalError
from radio.journal import Journal
from radio.journal_bars import Airing, bar_of, bar_row
from radio.journal_reader import JournalReader
from radio.journal_rows import EventRow, MoodRow
from radio.journal_store import JournalStore


def test_a_row_says_all_about_a_bar():
    one = row()
    assert (one.station, one.bar, one.piece_bar, one.title, one.key) == ("lofi", 0, 5, "Tea Going Cold", "E♭ minor")
    assert (one.bpm, one.section, one.mood, one.composer) == (78.5, "a", "study", "models")
    assert json.loads(one.chords) == [[0, "maj7"], None]
    assert json.loads(one.notes) == [[-4, 6, 36, 100, "d"], [0, 96, 60, 70, "k"]]
    assert one.wall_ms == 1_796_155_200_000
    assert one.piece_seed == -1


def test_a_bar_comes_back_out_of_its_row_note_for_note():
    about = replace(start().bar.piece, seed=2**63 + 5)
    one = replace(start(7), bar=replace(start(7).bar, piece=about, next_section=Section.BREAKDOWN))
    assert bar_of(bar_row(one, Airing("lofi", datetime(2026, 12, 1, tzinfo=UTC), seed=5, assets="abc"))) == one.bar


def test_numbers_that_no_bar_uses_any_more_go_with_the_bars(tmp_path):
    store = JournalStore(tmp_path / "j.sqlite3")
    day_ms = 86_400_000
    moods = [MoodRow("old", "{}", 0), MoodRow("in use", "{}", 0)]
    store.write([EventRow("lofi", 1, 0, 5, "on air")], moods)
    store.write([], [replace(moods[1], seen_ms=9 * day_ms)])
    store.prune(8 * day_ms)
    store.close()
    with JournalReader(store.path) as reader:
        assert reader.mood("old") is None
        assert reader.mood("in use").seen_ms == 9 * day_ms
        assert reader.all_events(0, 9 * day_ms) == []


def test_rows_reach_the_disk_and_come_back_newest_first(journal, metrics):
    for index in range(5):
        journal.append(row(index))
    journal.append(row(99, station="other"))
    wait_for(lambda: value(metrics, "rows") == 6)
    assert journal.count() == 6
    assert [one.bar for one in journal.recent(2, "lofi")] == [4, 3]
    assert journal.recent(1) == [row(99, station="other")]


def test_what_the_music_is_made_with_is_kept_beside_the_rows(journal, metrics):
    made = (Asset("bank", "aa", "MIT"), Asset("piano", "bb", "CC0-1.0"))
    set_id = journal.register(made)
    assert set_id == journal.register(tuple(reversed(made)))
    assert set_id != journal.register(made[:1])
    journal.append(replace(row(), assets=set_id))
    wait_for(lambda: value(metrics, "rows") == 1)
    with JournalReader(journal.path) as reader:
        assert [(one.name, one.sha256, one.licence) for one in reader.assets(set_id)] == [
            ("bank", "aa", "MIT"),
            ("piano", "bb", "CC0-1.0"),
        ]


def test_closing_writes_what_is_left(tmp_path, metrics):
    journal = Journal(tmp_path / "j.sqlite3", metrics)
    journal.start()
    for index in range(500):
        journal.append(row(index))
    journal.close()
    assert journal.count() == 500


def test_a_journal_that_was_never_started_closes(tmp_path, metrics):
    Journal(tmp_path / "j.sqlite3", metrics).close()


def test_a_second_start_goes_on_in_the_same_file(tmp_path, metrics):
    for index in range(2):
        journal = Journal(tmp_path / "j.sqlite3", metrics)
        journal.start()
        journal.append(row(index))
        journal.close()
    assert journal.count() == 2


def test_old_bars_are_deleted(tmp_path, metrics):
    store = JournalStore(tmp_path / "j.sqlite3")
    store.write([replace(row(index), wall_ms=index) for index in range(10)], [])
    store.close()
    journal = Journal(tmp_path / "j.sqlite3", metrics, keep_days=1, settle_s=0.0)
    journal.start()
    journal.append(replace(row(11), wall_ms=int(time.time() * 1000)))
    journal.close()
    assert [one.bar for one in journal.recent(20)] == [11]


def test_nothing_is_deleted_by_a_clock_that_has_jumped(tmp_path, metrics, monkeypatch):
    journal = Journal(tmp_path / "j.sqlite3", metrics, keep_days=1, settle_s=0.0)
    true_s = time.time
    monkeypatch.setattr("radio.journal.time.time", lambda: true_s() + 365 * 86_400)
    journal.start()
    journal.append(replace(row(), wall_ms=int(true_s() * 1000)))
    journal.close()
    assert journal.count() == 1


def test_nothing_is_deleted_when_everything_is_kept(tmp_path, metrics):
    journal = Journal(tmp_path / "j.sqlite3", metrics, keep_days=0)
    journal.start()
    journal.append(replace(row(), wall_ms=0))
    journal.close()
    assert journal.count() == 1


def test_a_journal_that_is_not_there_cannot_be_read(tmp_path):
    with pytest.raises(JournalError, match="cannot be read"):
        JournalReader(tmp_path / "none.sqlite3")
