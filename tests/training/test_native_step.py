"""Our own step in C, against the oracle (the rwkv package) and against onnxruntime on the same exported file."""

import numpy as np
import pytest
import torch
from tiny import arrays, tiny_weights

from engine.compiled import compiled
from engine.errors import ModelError
from engine.recurrence_native import KINDS, NativeRecurrence
from engine.recurrence_onnx import OnnxRecurrence
from engine.recurrence_states import StateBatch
from training.runtime import divergence, package_logits
from training.step_graph import build_step

pytestmark = pytest.mark.skipif(compiled() is None, reason="the native step was not built: there is no C compiler")
IDS = np.random.default_rng(5).integers(0, 320, 24).tolist()


@pytest.fixture(scope="module")
def weights():
    return tiny_weights(layers=3, width=192)  # an odd number of blocks of 32 in the feed-forward net


@pytest.fixture(scope="module")
def exported(weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    for bits in (None, 8, 4):
        (folder / f"{bits}.onnx").write_bytes(build_step(arrays(weights), bits).SerializeToString())
    torch.save(weights, folder / "tiny.pth")
    return folder


def logits(model, ids=IDS):
    state, rows = model.initial_state(), []
    for token in ids:
        row, state = model.step(token, state)
        rows.append(row)
    return np.stack(rows)


def test_in_float_it_computes_what_the_rwkv_package_computes(exported):
    found = logits(NativeRecurrence(exported / "None.onnx", "tiny"))
    assert np.abs(found - package_logits(exported / "tiny.pth", IDS)).max() <= 1e-4


def test_in_eight_bits_it_costs_no_more_than_onnxruntime_does(exported):
    exact = logits(NativeRecurrence(exported / "None.onnx", "tiny"))
    ours, theirs = (
        divergence(exact, logits(kind(exported / "8.onnx", "tiny"))) for kind in (NativeRecurrence, OnnxRecurrence)
    )
    assert 0 < ours <= 0.01
    assert ours <= 1.2 * theirs


def test_in_four_bits_it_computes_what_onnxruntime_computes(exported):
    ours, theirs = (logits(kind(exported / "4.onnx", "tiny")) for kind in (NativeRecurrence, OnnxRecurrence))
    assert divergence(theirs, ours) <= 1e-3


@pytest.mark.parametrize("bits", [None, 8, 4])
def test_every_instruction_set_gives_the_same_numbers_bit_for_bit(exported, bits):
    rows = [logits(NativeRecurrence(exported / f"{bits}.onnx", "tiny", kind), IDS[:8]) for kind in range(len(KINDS))]
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[0], rows[2])


@pytest.mark.parametrize("width", [64, 128, 320])
@pytest.mark.parametrize("bits", [8, 4])
def test_rows_that_do_not_fill_a_group_of_four_blocks_do_so_too(tmp_path, width, bits):
    weights = tiny_weights(layers=1, width=width)  # with the layer of rank 32: one, two, three blocks are left over
    path = tmp_path / "tiny.onnx"
    path.write_bytes(build_step(arrays(weights), bits).SerializeToString())
    rows = [logits(NativeRecurrence(path, "tiny", kind), IDS[:4]) for kind in range(len(KINDS))]
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[0], rows[2])
    assert divergence(logits(OnnxRecurrence(path, "tiny"), IDS[:4]), rows[0]) <= 1e-3


@pytest.mark.parametrize("kind", range(len(KINDS)))
@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("streams", [2, 3, 4, 8, 15])
def test_streams_side_by_side_are_as_if_alone(exported, streams, kind, bits):
    model = NativeRecurrence(exported / f"{bits}.onnx", "tiny", kind)
    batch = StateBatch.repeat(model.initial_state(), streams)
    for place in range(5):
        rows = model.advance([IDS[(place + stream) % len(IDS)] for stream in range(streams)], batch)
    for stream in range(streams):
        alone = logits(model, [IDS[(place + stream) % len(IDS)] for place in range(5)])
        np.testing.assert_array_equal(rows[stream], alone[-1])


def test_a_step_leaves_the_state_it_came_from_alone_and_an_advance_does_not(exported):
    model = NativeRecurrence(exported / "8.onnx", "tiny")
    state = model.initial_state()
    _, after = model.step(7, state)
    assert not state.wkv.any()
    assert not state.shift.any()
    batch = StateBatch.repeat(state, 2)
    rows, later = model.step_batch([7, 7], batch)
    assert not batch.wkv.any()
    np.testing.assert_array_equal(later.row(1).wkv, after.wkv)
    np.testing.assert_array_equal(model.advance([7, 7], batch), rows)
    np.testing.assert_array_equal(batch.wkv, later.wkv)


@pytest.mark.parametrize("token", [-1, 320])
def test_a_token_outside_the_table_is_refused(exported, token):
    model = NativeRecurrence(exported / "8.onnx", "tiny")
    with pytest.raises(IndexError, match="not in the vocabulary of 320"):
        model.step(token, model.initial_state())


def test_states_of_another_size_are_refused(exported):
    model = NativeRecurrence(exported / "8.onnx", "tiny")
    with pytest.raises(ValueError, match="for 1 streams"):
        model.advance([1], StateBatch.repeat(model.initial_state(), 2))


def test_a_file_with_other_names_or_cut_short_is_refused_with_the_remedy(exported, weights, tmp_path):
    model = build_step(arrays(weights), 8)
    del model.graph.initializer[3]
    (tmp_path / "other.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "short.onnx").write_bytes((exported / "8.onnx").read_bytes()[:100_000])
    for name in ("other.onnx", "short.onnx", "missing.onnx"):
        with pytest.raises(ModelError, match=f"{name}: the native step cannot read it.*training.export"):
            NativeRecurrence(tmp_path / name, "tiny")


def test_the_weights_are_not_copied(exported):
    model = NativeRecurrence(exported / "8.onnx", "tiny")
    stored = (exported / "8.onnx").stat().st_size
    assert sum(array.nbytes for array in model.copies) < 0.3 * stored
