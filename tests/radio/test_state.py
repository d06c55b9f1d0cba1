"""What is remembered between two runs survives crashes and refuses damage."""

import pytest

from radio import state
from radio.lead import Resume
from radio.state import Saved

SAVED = Saved(Resume(b"\0binary\n\xff\n", 1), 480_000, 12, 3, (4, 1), 2**62, ("aa", "bb"))


def test_what_was_saved_comes_back(tmp_path):
    path = tmp_path / "new" / "lofi.state"
    state.save(path, SAVED)
    assert state.load(path) == SAVED
    assert [one.name for one in path.parent.iterdir()] == ["lofi.state"]


def test_no_file_means_a_new_piece(tmp_path):
    assert state.load(tmp_path / "lofi.state") is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[:20],
        lambda data: b"",
        lambda data: b"lofi-radio state 9\n" + data.split(b"\n", 1)[1],
        lambda data: data.replace(b'"seed"', b'"sead"'),
        lambda data: b"\xff" * 100,
    ],
    ids=["cut", "cut in the head", "empty", "another version", "a key is missing", "noise"],
)
def test_a_damaged_file_is_named_and_means_a_new_piece(tmp_path, caplog, spoil):
    path = tmp_path / "lofi.state"
    state.save(path, SAVED)
    path.write_bytes(spoil(path.read_bytes()))
    assert state.load(path) is None
    assert "lofi.state: cannot be used" in caplog.text


def test_a_crash_while_writing_leaves_the_old_state(tmp_path):
    path = tmp_path / "lofi.state"
    state.save(path, SAVED)
    path.with_suffix(".new").write_bytes(b"half")
    assert state.load(path) == SAVED
