"""What SQLite keeps in memory of files that are written for ever, by its own count."""

import _sqlite3
import ctypes
from dataclasses import replace

import pytest
from real_journal import row

from radio.journal_store import JournalStore
from radio.sound_shelf import SoundShelf, StateRow

PIECE = 10_000
WRITTEN = 4_000_000
KEPT = 1_000_000
"""SQLite's own choice is 2 MB a connection."""


def fill_journal(path):
    store = JournalStore(path)
    for index in range(WRITTEN // PIECE):
        store.write([replace(row(index), notes="n" * PIECE)], [])
    return store


def fill_shelf(path):
    shelf = SoundShelf(path)
    for index in range(WRITTEN // PIECE):
        shelf.add(StateRow("lofi", index, index, 1, 1, -16.0, bytes(PIECE)))
    return shelf


@pytest.mark.parametrize("fill", [fill_journal, fill_shelf], ids=["journal", "states of the sound"])
def test_a_file_that_is_only_written_is_not_kept_in_memory(fill, tmp_path):
    library = ctypes.CDLL(_sqlite3.__file__)
    if not hasattr(library, "sqlite3_memory_used"):
        pytest.skip("this SQLite does not tell what it uses")
    library.sqlite3_memory_used.restype = ctypes.c_int64
    before = library.sqlite3_memory_used()
    written = fill(tmp_path / "kept.sqlite3")
    kept = library.sqlite3_memory_used() - before
    written.close()
    assert 0 < kept < KEPT
