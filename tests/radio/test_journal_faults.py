"""A journal whose disk, file or neighbours stand in its way."""

import logging
import os
import sqlite3
import threading
from dataclasses import replace

import pytest
from real_journal import row, value, wait_for

from radio import journal as journal_module
from radio.journal import Journal
from radio.journal_store import JournalStore


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
