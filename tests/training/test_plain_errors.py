"""What a training command says to bad input: one sentence and exit code 1, no traceback."""

import onnx
import pytest
from onnx import TensorProto, helper
from tiny import tiny_corpus, tiny_weights

from training import average, calibration, evaluate, export, freerun, recovery, strong_beats, train
from training.checkpoint import write_atomically
from training.corpus import save_corpus


@pytest.fixture
def prepared(tmp_path):
    """A corpus of the piano, and none of the drums."""
    save_corpus(tiny_corpus(), tmp_path / "prepared" / "piano.npz")
    return str(tmp_path / "prepared")


def told(capsys, command, *arguments):
    """Return what a command says before it ends with 1."""
    with pytest.raises(SystemExit) as ended:
        command.main(list(arguments))
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize("command", [
    (train, "drums"), (recovery, "drums", "model.onnx", "--out", "out"), (strong_beats, "model.onnx"),
    (evaluate, "drums"),
])  # fmt: skip
def test_a_corpus_that_was_not_prepared_is_named_with_the_remedy(command, tmp_path, capsys):
    line = told(capsys, *command, "--prepared", str(tmp_path))
    assert line.startswith(str(tmp_path))
    assert "python -m training.prepare" in line


@pytest.mark.parametrize("content", [None, b"no model"], ids=["missing", "damaged"])
def test_weights_that_cannot_be_read_are_named(content, prepared, tmp_path, capsys):
    path = tmp_path / "w.pth"
    if content:
        path.write_bytes(content)
    for command in (
        (average, str(path), str(path), "--out", str(tmp_path / "mean.pth")),
        (calibration, str(path), "--prepared", prepared),
        (export, "piano", "--weights", str(path), "--prepared", prepared, "--out", str(tmp_path / "out")),
    ):
        assert told(capsys, *command).startswith(f"{path}: not a readable weights file")
    assert not (tmp_path / "mean.pth").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [None, b"no model"], ids=["missing", "damaged"])
def test_models_that_cannot_be_read_are_named(content, prepared, tmp_path, capsys):
    path = tmp_path / "model.onnx"
    if content:
        path.write_bytes(content)
    for command in (
        (freerun, str(path)),
        (strong_beats, str(path), "--prepared", prepared),
        (recovery, "piano", str(path), "--prepared", prepared, "--out", str(tmp_path / "out")),
    ):
        assert told(capsys, *command).startswith(f"{path}: onnxruntime cannot load it")


def test_a_model_that_is_no_step_of_a_network_is_told_by_its_inputs(tmp_path, capsys):
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "other", [value], [out])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(model, tmp_path / "other.onnx")
    assert "not token, shift and wkv" in told(capsys, freerun, str(tmp_path / "other.onnx"))


def test_weights_of_another_size_are_told_with_the_flags(prepared, tmp_path, capsys):
    write_atomically(tiny_weights(), tmp_path / "w.pth")
    line = told(capsys, train, "piano", "--prepared", prepared, "--weights", str(tmp_path / "w.pth"), "--eager")
    assert "Set --layers, --width and --architecture to match." in line
