import json
import logging
import os
import sqlite3
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from engine import MOODS, Bar, BarStart, Chord, NoteEvent, Part, Piece, Section, mood_from_tree
from radio import journal as journal_module
from radio.errors import JournalError
from radio.journal import Journal
from radio.journal_bars import Airing, bar_of, bar_row
from radio.journal_reader import JournalReader
from radio.journal_rows import AssetRow, BarRow, EventRow, MoodRow
from radio.journal_schema import _FIRST
from radio.journal_store import JournalStore
from radio.metrics import Metrics


@dataclass(frozen=True)
class Made:
    name: str
    sha256: str
    licence: str = "MIT"
    about: str = ""


def start(index=0, mood="study"):
    piece = Piece(3, "Tea Going Cold", 2**64 - 1, 78.5, 3, True, 48)
    notes = (NoteEvent(-4, 6, 36, 100, Part.DRUMS), NoteEvent(0, 96, 60, 70, Part.KEYS))
    bar = Bar(index, piece, 5, Section.A, (Chord(0, "maj7"), None), notes, mood, "models")
    return BarStart(index * 150_000, 150_000, bar)


def row(index=0, station="lofi"):
    wall = datetime(2026, 12, 1, 20, 0, index % 60, tzinfo=UTC)
    return bar_row(start(index), Airing(station, wall, seed=5, assets="abc"))


@pytest.fixture
def metrics():
    return Metrics()


def value(metrics, name):
    return metrics.registry.get_sample_value(f"lofi_journal_{name}_total")


@pytest.fixture
def journal(tmp_path, metrics):
    journal = Journal(tmp_path / "state" / "journal.sqlite3", metrics, retry_s=(0.02,))
    journal.start()
    yield journal
    journal.close()


def wait_for(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


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
    journal.register((Made("bank", "aa", "CC0-1.0"),))
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
    made = (Made("bank", "aa"), Made("piano", "bb", "CC0-1.0"))
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


class Disk:
    """Stands in the way of a store's writes for as long as it is told to."""

    def __init__(self, monkeypatch, problem):
        self.problem = problem
        write = JournalStore.write

        def write_or_fail(store, rows, assets):
            if self.problem is not None:
                raise self.problem
            write(store, rows, assets)

        monkeypatch.setattr(JournalStore, "write", write_or_fail)


@pytest.mark.parametrize(
    ("problem", "remedy"),
    [
        (sqlite3.OperationalError("database or disk is full"), "Free some disk space."),
        (sqlite3.OperationalError("database is locked"), "Another program holds it"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "Make its folder writable"),
        (PermissionError(13, "Permission denied"), "Make its folder writable"),
        (sqlite3.OperationalError("disk I/O error"), "Check the disk."),
    ],
    ids=["full", "locked", "readonly", "no permission", "broken"],
)  # fmt: skip
def test_a_disk_in_the_way_is_logged_once_and_no_row_is_lost(problem, remedy, journal, metrics, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    disk = Disk(monkeypatch, problem)
    for index in range(3):
        journal.append(row(index))
    wait_for(lambda: value(metrics, "errors") >= 4)
    assert "not being written" in journal.trouble
    disk.problem = None
    wait_for(lambda: value(metrics, "rows") == 3)
    wait_for(lambda: not journal.trouble)
    assert [one.bar for one in journal.recent(9)] == [2, 1, 0]
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert remedy in errors[0]
    assert any("written again; 0 bars were lost" in message for message in caplog.messages)


def test_append_never_waits_and_the_oldest_rows_go_first(journal, metrics, monkeypatch):
    monkeypatch.setattr(journal_module, "CAPACITY_ROWS", 10)
    disk = Disk(monkeypatch, sqlite3.OperationalError("database or disk is full"))
    for index in range(25):
        journal.append(row(index))
    wait_for(lambda: value(metrics, "errors") >= 1)
    assert value(metrics, "lost_rows") == 15
    disk.problem = None
    wait_for(lambda: value(metrics, "rows") == 10)
    assert [one.bar for one in journal.recent(99)] == list(range(24, 14, -1))


def test_a_disk_that_is_really_full_is_survived(journal, metrics, monkeypatch):
    journal.append(row())
    wait_for(lambda: value(metrics, "rows") == 1)
    limits = threading.Event()
    open_store = JournalStore._open

    def open_small(store):
        database = open_store(store)
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {1_000_000 if limits.is_set() else pages}")
        return database

    monkeypatch.setattr(JournalStore, "_open", open_small)
    big = replace(row(1), notes="x" * 20_000)
    journal.append(big)
    wait_for(lambda: value(metrics, "errors") >= 2)
    assert journal.count() == 1
    limits.set()
    wait_for(lambda: value(metrics, "rows") == 2)
    assert journal.recent(1) == [big]


def test_a_database_locked_by_another_program_is_survived(journal, metrics, monkeypatch):
    monkeypatch.setattr("radio.journal_schema.LOCK_WAIT_S", 0.05)
    journal.append(row())
    wait_for(lambda: value(metrics, "rows") == 1)
    other = sqlite3.connect(journal.path)
    other.execute("BEGIN EXCLUSIVE")
    journal.append(row(1))
    wait_for(lambda: value(metrics, "errors") >= 1)
    other.rollback()
    other.close()
    wait_for(lambda: value(metrics, "rows") == 2)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_survived(tmp_path, metrics):
    folder = tmp_path / "state"
    folder.mkdir(mode=0o500)
    journal = Journal(folder / "j.sqlite3", metrics, retry_s=(0.02,))
    journal.start()
    journal.append(row())
    wait_for(lambda: value(metrics, "errors") >= 1)
    folder.chmod(0o700)
    wait_for(lambda: value(metrics, "rows") == 1)
    journal.close()


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 4080])
def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(content, tmp_path, metrics, caplog):
    path = tmp_path / "j.sqlite3"
    path.write_bytes(content)
    journal = Journal(path, metrics, retry_s=(0.02,))
    journal.start()
    journal.append(row())
    wait_for(lambda: value(metrics, "rows") == 1)
    journal.close()
    assert journal.count() == 1
    aside = [one for one in tmp_path.iterdir() if ".damaged-" in one.name]
    assert [one.read_bytes() for one in aside] == [content]
    assert any("is damaged" in message and aside[0].name in message for message in caplog.messages)


def test_a_file_that_is_damaged_inside_is_replaced(journal, metrics, monkeypatch, caplog):
    for index in range(300):
        journal.append(row(index))
    wait_for(lambda: value(metrics, "rows") == 300)
    wait_for(lambda: not journal._rows)
    disk = Disk(monkeypatch, sqlite3.OperationalError("disk I/O error"))
    journal.append(row(301))
    wait_for(lambda: value(metrics, "errors") >= 1)
    wait_for(lambda: not journal.path.with_name("journal.sqlite3-wal").exists())  # closed, so all is in the one file
    raw = bytearray(journal.path.read_bytes())
    raw[4096:] = b"\xff" * (len(raw) - 4096)
    journal.path.write_bytes(raw)
    disk.problem = None
    wait_for(lambda: value(metrics, "rows") == 301)
    assert journal.count() == 1
    assert any("is damaged" in message for message in caplog.messages)


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
