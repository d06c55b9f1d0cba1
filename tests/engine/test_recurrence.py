from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from engine import tokens
from engine.errors import ModelError
from engine.recurrence import RecurrentState, StateBatch, load_recurrence

LAYERS, WIDTH = 2, 64
FEED_FORWARD = 224


def x060_weights(rows, seed=0):
    """Random weights with the names and shapes of RWKV-6 (x060)."""
    generator = torch.Generator().manual_seed(seed)

    def rand(*shape):
        return torch.randn(*shape, generator=generator) * 0.3

    weights = {"emb.weight": rand(rows, WIDTH), "head.weight": rand(rows, WIDTH)}
    weights |= {"ln_out.weight": rand(WIDTH) + 1, "ln_out.bias": rand(WIDTH)}
    weights |= {"blocks.0.ln0.weight": rand(WIDTH) + 1, "blocks.0.ln0.bias": rand(WIDTH)}
    for layer in range(LAYERS):
        block = f"blocks.{layer}."
        for norm in ("ln1", "ln2", "att.ln_x"):
            weights |= {f"{block}{norm}.weight": rand(WIDTH) + 1, f"{block}{norm}.bias": rand(WIDTH)}
        for name in "xwkvrg":
            weights[f"{block}att.time_maa_{name}"] = rand(1, 1, WIDTH)
        weights[f"{block}att.time_maa_w1"] = rand(WIDTH, 160)
        weights[f"{block}att.time_maa_w2"] = rand(5, 32, WIDTH)
        weights[f"{block}att.time_decay"] = rand(1, 1, WIDTH) - 1
        weights[f"{block}att.time_decay_w1"] = rand(WIDTH, 64)
        weights[f"{block}att.time_decay_w2"] = rand(64, WIDTH)
        weights[f"{block}att.time_faaaa"] = rand(1, 64)
        for name in ("receptance", "key", "value", "gate", "output"):
            weights[f"{block}att.{name}.weight"] = rand(WIDTH, WIDTH)
        weights[f"{block}ffn.time_maa_k"], weights[f"{block}ffn.time_maa_r"] = rand(1, 1, WIDTH), rand(1, 1, WIDTH)
        weights[f"{block}ffn.key.weight"] = rand(FEED_FORWARD, WIDTH)
        weights[f"{block}ffn.receptance.weight"] = rand(WIDTH, WIDTH)
        weights[f"{block}ffn.value.weight"] = rand(WIDTH, FEED_FORWARD)
    return weights


@pytest.fixture(scope="module")
def pth(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "own.pth"
    torch.save({name: tensor.half() for name, tensor in x060_weights(tokens.MIDICOMPACT_SIZE).items()}, path)
    return path


def tiny_onnx(path, inputs=("token", "shift", "wkv"), layers=LAYERS):
    """A graph with the interface of our models: logits by table, the states passed through with one added."""
    token, shift, wkv = inputs
    rng = np.random.default_rng(0)
    constants = {
        "table": rng.normal(0, 1, (tokens.VOCABULARY_SIZE, tokens.VOCABULARY_SIZE)).astype(np.float16),
        "one": np.ones((), np.float32),
    }
    values = [
        helper.make_tensor_value_info(token, TensorProto.INT64, ["B"]),
        helper.make_tensor_value_info(shift, TensorProto.FLOAT, [layers, 2, "B", WIDTH]),
        helper.make_tensor_value_info(wkv, TensorProto.FLOAT, [layers, "B", 1, 64, 64]),
    ]
    outputs = [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", tokens.VOCABULARY_SIZE]),
        helper.make_tensor_value_info("shift_out", TensorProto.FLOAT, [layers, 2, "B", WIDTH]),
        helper.make_tensor_value_info("wkv_out", TensorProto.FLOAT, [layers, "B", 1, 64, 64]),
    ]
    nodes = [
        helper.make_node("Gather", ["table", token], ["rows"]),
        helper.make_node("Cast", ["rows"], ["logits"], to=TensorProto.FLOAT),
        helper.make_node("Add", [shift, "one"], ["shift_out"]),
        helper.make_node("Add", [wkv, "one"], ["wkv_out"]),
    ]
    initializers = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "tiny", values, outputs, initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def write_card(folder, **changes):
    card = {
        "file": "model.onnx",
        "sha256": hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest(),
        "vocabulary": {"name": "lofi", "size": tokens.VOCABULARY_SIZE, "sha256": tokens.vocabulary_sha256()},
    }
    (folder / "card.json").write_text(json.dumps(card | changes), encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    tiny_onnx(tmp_path / "model.onnx")
    write_card(tmp_path)
    return tmp_path


def test_an_exported_model_steps_alone_and_in_a_batch(folder):
    model = load_recurrence(folder, "onnx")
    assert model.vocabulary_size == 2560
    state = model.initial_state()
    logits, after = model.step(7, state)
    assert logits.shape == (2560,)
    assert logits.dtype == np.float32
    assert not state.wkv.any()
    assert (after.wkv == 1).all()
    batch_logits, batch = model.step_batch([7, 8, 9], StateBatch.repeat(state, 3))
    np.testing.assert_array_equal(batch_logits[0], logits)
    assert batch.row(2).shift.shape == state.shift.shape
    assert batch.keep([0, 2]).wkv.shape == (LAYERS, 2, 1, 64, 64)
    np.testing.assert_array_equal(model.advance([7, 8, 9], batch)[0], batch_logits[0])
    assert (batch.wkv == 2).all()


def test_a_card_that_is_missing_or_broken_is_named_with_the_remedy(folder):
    (folder / "card.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"card\.json: not JSON.*make train"):
        load_recurrence(folder, "onnx")
    (folder / "card.json").unlink()
    with pytest.raises(ModelError, match=r"card\.json: cannot be read"):
        load_recurrence(folder, "onnx")


@pytest.mark.parametrize("content", ["[]", "{}", '{"file": null, "sha256": 1, "vocabulary": "lofi"}'])
def test_a_card_that_lacks_what_we_need_says_what(folder, content):
    (folder / "card.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="lacks file, sha256, vocabulary"):
        load_recurrence(folder, "onnx")


def test_a_damaged_model_file_is_refused_before_it_is_loaded(folder):
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match=r"model\.onnx: damaged.*git checkout"):
        load_recurrence(folder, "onnx")


def test_a_missing_model_file_is_named(folder):
    (folder / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"model\.onnx: cannot be read"):
        load_recurrence(folder, "onnx")


def test_a_file_that_is_no_model_is_refused(folder):
    (folder / "model.onnx").write_bytes(b"no model at all")
    write_card(folder)
    with pytest.raises(ModelError, match="onnxruntime cannot load it"):
        load_recurrence(folder, "onnx")


def test_a_graph_of_another_interface_is_refused(folder):
    tiny_onnx(folder / "model.onnx", inputs=("ids", "shift", "wkv"))
    write_card(folder)
    with pytest.raises(ModelError, match="not token, shift and wkv"):
        load_recurrence(folder, "onnx")


def test_a_graph_that_does_not_say_its_size_is_refused(folder):
    tiny_onnx(folder / "model.onnx", layers="L")
    write_card(folder)
    with pytest.raises(ModelError, match="not token, shift and wkv of one size"):
        load_recurrence(folder, "onnx")


def test_a_vocabulary_with_another_hash_is_refused(folder):
    write_card(folder, vocabulary={"name": "lofi", "size": 2560, "sha256": "0" * 64})
    with pytest.raises(ModelError, match=r"vocabulary 'lofi' of 2560 tokens"):
        load_recurrence(folder, "onnx")


def test_a_pth_of_the_thesis_vocabulary_plays_on_the_rwkv_back_end(pth):
    model = load_recurrence(pth)
    assert model.vocabulary_size == 2176
    state = model.initial_state()
    logits, after = model.step(tokens.START, state)
    assert not state.wkv.any()
    assert after.wkv.any()
    again, _ = model.step(tokens.START, state)
    np.testing.assert_array_equal(logits, again)
    one, batch_states = model.step_batch([5, 6], StateBatch.repeat(after, 2))
    expected, expected_state = model.step(6, after)
    np.testing.assert_array_equal(one[1], expected)
    np.testing.assert_array_equal(batch_states.row(1).wkv, expected_state.wkv)


def test_a_state_tuned_pth_begins_with_its_own_state(tmp_path):
    weights = x060_weights(tokens.VOCABULARY_SIZE)
    tuned = torch.arange(64 * 64, dtype=torch.float32).reshape(1, 64, 64)
    for layer in range(LAYERS):
        weights[f"blocks.{layer}.att.time_state"] = tuned
    torch.save(weights, tmp_path / "model.pth")
    state = load_recurrence(tmp_path, "rwkv").initial_state()
    np.testing.assert_array_equal(state.wkv[0, 0], tuned[0].numpy().T)


@pytest.mark.parametrize("rows", [300, 2368])
def test_a_pth_of_a_vocabulary_we_do_not_know_is_refused(tmp_path, rows):
    torch.save(x060_weights(rows), tmp_path / "model.pth")
    with pytest.raises(ModelError, match=f"{rows} tokens of another format"):
        load_recurrence(tmp_path / "model.pth")


def test_a_pth_that_is_no_model_or_is_missing_is_refused(tmp_path):
    (tmp_path / "model.pth").write_bytes(b"not a zip")
    with pytest.raises(ModelError, match="not an RWKV-6"):
        load_recurrence(tmp_path, "rwkv")
    with pytest.raises(ModelError, match="no such file"):
        load_recurrence(tmp_path / "other.pth")


def test_an_unknown_back_end_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"'cuda': unknown\. Choose auto, native, onnx or rwkv"):
        load_recurrence(tmp_path, "cuda")


def test_a_state_survives_a_snapshot():
    state = RecurrentState(np.ones((2, 2, 64), np.float32), np.full((2, 1, 64, 64), 3, np.float32))
    again = RecurrentState.restore(state.snapshot())
    np.testing.assert_array_equal(again.wkv, state.wkv)


def test_the_run_time_keeps_no_id_and_reports_to_nobody(tmp_path, root):
    environment = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": os.environ["PATH"]}
    program = "from engine import load_recurrence; from pathlib import Path; load_recurrence(Path('models/drums'))"
    subprocess.run([sys.executable, "-B", "-c", program], cwd=root, env=environment, check=True, timeout=60)
    assert [path.name for path in tmp_path.rglob("*") if "onnxruntime" in path.name] == []
