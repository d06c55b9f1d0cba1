import hashlib

import numpy as np
import pytest

from engine.errors import ModelError
from engine.recurrence import RecurrentState
from engine.tuned_state import StateShelf, read_tuned_state

LAYERS, HEADS = 2, 3
WEIGHTS = hashlib.sha256(b"weights").hexdigest()


class Blank:
    """A recurrence of which only the state's shape matters."""

    name, vocabulary_size = "blank", 2560

    def initial_state(self):
        return RecurrentState.zero(LAYERS, 64 * HEADS)


def write(path, seed=0, **changes):
    rng = np.random.default_rng(seed)
    wkv = rng.normal(size=(LAYERS, HEADS, 64, 64)).astype(np.float32)
    members = {f"blocks.{layer}.att.time_state": wkv[layer] for layer in range(LAYERS)}
    np.savez(path, **(members | {"weights_sha256": np.array(WEIGHTS)} | changes))
    return wkv


@pytest.fixture
def shelf(tmp_path):
    (tmp_path / "model.pth").write_bytes(b"weights")
    return StateShelf(Blank(), tmp_path)


def test_a_tuned_state_is_turned_from_the_files_order_into_the_runtimes(tmp_path, shelf):
    stored = write(tmp_path / "mood.npz")
    state = shelf.get(str(tmp_path / "mood.npz"))
    np.testing.assert_array_equal(state.wkv, stored.swapaxes(2, 3))
    assert not state.shift.any()
    assert shelf.trouble(str(tmp_path / "mood.npz")) is None


def test_no_name_is_no_state(shelf):
    assert shelf.get(None) is None
    assert shelf.trouble(None) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"weights_sha256": np.array("0" * 64)}, "tuned for the weights 000000000000"),
        ({"blocks.1.att.time_state": np.zeros((2, 64, 64), np.float32)}, "a state of shape"),
        ({"blocks.2.att.time_state": np.zeros((HEADS, 64, 64), np.float32)}, "a state of shape"),
        ({"blocks.0.att.time_state": np.full((HEADS, 64, 64), np.nan, np.float32)}, "a state of shape"),
    ],
)
def test_a_state_that_does_not_fit_is_told_of_and_left_out(tmp_path, shelf, changes, reason):
    path = tmp_path / "mood.npz"
    write(path, **changes)
    assert shelf.get(str(path)) is None
    assert reason in shelf.trouble(str(path))
    assert "begins without it" in shelf.trouble(str(path))


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 half a file", "cut"])
def test_a_missing_or_damaged_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "mood.npz"
    if content == "cut":
        write(path)
        path.write_bytes(path.read_bytes()[:5000])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"mood\.npz: not a readable tuned state"):
        read_tuned_state(path, Blank().initial_state(), None)


def test_a_pickle_is_not_opened(tmp_path):
    np.savez(tmp_path / "mood.npz", weights_sha256=np.array([object()], dtype=object))
    with pytest.raises(ModelError, match="not a readable tuned state"):
        read_tuned_state(tmp_path / "mood.npz", Blank().initial_state(), None)


def test_a_state_in_use_is_named_with_its_hash(tmp_path, shelf):
    path = tmp_path / "mood.npz"
    write(path)
    assert shelf.asset(None) is None
    assert shelf.asset(str(tmp_path / "missing.npz")) is None
    assert shelf.asset(str(path)).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
