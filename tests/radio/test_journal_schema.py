"""A journal's file: older ones are read and brought up to date, newer ones left alone."""

import json
import sqlite3
from dataclasses import replace

import pytest
from real_journal import row, value, wait_for

from engine import MOODS, Asset, mood_from_tree
from radio.errors import JournalError
from radio.journal import Journal
from radio.journal_reader import JournalReader
from radio.journal_rows import AssetRow, BarRow, EventRow
from radio.journal_schema import _FIRST
from radio.journal_store import JournalStore


def old_file(path, rows=3):
    """A journal as the first format had it."""
    database = sqlite3.connect(path)
    database.executescript(f"BEGIN;{_FIRST}PRAGMA user_version = 1;COMMIT;")
    columns = [name for name in BarRow.__dataclass_fields__ if name not in ADDED]
    values = [[getattr(row(index), name) for name in columns] for index in range(rows)]
    marks = ", ".join("?" * len(columns))
    database.executemany(f"INSERT INTO bars ({', '.join(columns)}) VALUES ({marks})", values)
    database.execute("INSERT INTO assets VALUES ('abc', 'bank', 'aa', 'MIT')")
    database.commit()
    database.close()


ADDED = ("mood_hash", "next_section", "piece_bars", "repeated", "run", "engine_frame", "engine_piece")


def test_an_older_file_can_be_read_as_it_is(tmp_path):
    old_file(tmp_path / "j.sqlite3")
    with JournalReader(tmp_path / "j.sqlite3") as reader:
        assert [one.bar for one in reader.recent(9)] == [2, 1, 0]
        assert reader.recent(1)[0] == replace(row(2), piece_bars=0, engine_piece=-1)
        assert reader.assets("abc") == [AssetRow("abc", "bank", "aa", "MIT")]
        assert reader.all_events(0, 2**60) == []
        assert reader.mood("x") is None
        assert sum(rows for _, rows in reader.days()) == 3


def test_an_older_file_is_brought_up_to_date_and_loses_nothing(tmp_path, metrics):
    old_file(tmp_path / "j.sqlite3")
    journal = Journal(tmp_path / "j.sqlite3", metrics)
    journal.start()
    known = replace(row(9), mood_hash=journal.register_mood(MOODS["rainy"], 5), run=7, repeated=1)
    journal.append(known)
    journal.append(EventRow("lofi", 7, 9, 1_796_155_209_500, "bed"))
    journal.register((Asset("bank", "aa", "CC0-1.0"),))
    journal.close()
    with JournalReader(journal.path) as reader:
        assert [one.bar for one in reader.recent(9)] == [9, 2, 1, 0]
        assert reader.recent(1) == [known]
        assert [event.kind for event in reader.events("lofi", 0, 2**60)] == ["bed"]
        mood = mood_from_tree(json.loads(reader.mood(known.mood_hash).tree))
        assert mood == MOODS["rainy"]
    fresh = JournalStore(tmp_path / "new.sqlite3")
    fresh.write([row()], [])
    fresh.close()
    assert schema(tmp_path / "j.sqlite3") == schema(tmp_path / "new.sqlite3")


def schema(path):
    database = sqlite3.connect(path)
    told = database.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
    return told, database.execute("PRAGMA user_version").fetchone()


def test_an_update_that_fails_leaves_the_older_file_as_it_was(tmp_path):
    path = tmp_path / "j.sqlite3"
    old_file(path)
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE moods (hash TEXT)")  # in the way of the last steps
    database.close()
    before = schema(path)
    with pytest.raises(sqlite3.OperationalError, match="moods"):
        JournalStore(path).write([row()], [])
    assert schema(path) == before


def test_a_file_of_a_newer_version_is_left_alone(tmp_path, metrics, caplog):
    path = tmp_path / "j.sqlite3"
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    journal = Journal(path, metrics, retry_s=(0.02,))
    journal.start()
    journal.append(row())
    wait_for(lambda: value(metrics, "errors") >= 1)
    journal.close()
    assert "written by a newer lofi-radio" in caplog.text
    with pytest.raises(JournalError, match="newer"):
        JournalReader(path)
