import hashlib
import json
import re

import numpy as np
import pytest
import torch
from tiny import VOCABULARY, comped_tokens, tiny_corpus, tiny_weights

from engine import load_recurrence, tokens
from training import export as exporting
from training.corpus import save_corpus
from training.errors import ExportError
from training.export import Origin, compare, export, main, tokens_of_best
from training.runtime import OnnxStep, divergence, package_logits
from training.size import size_of
from training.step_graph import build_step

ORIGIN = Origin("piano", "Trained for a test.", "training/runs/piano.sh", 1_500_000)


@pytest.fixture
def weights():
    return tiny_weights(vocabulary=VOCABULARY, layers=1, width=64)


@pytest.fixture
def prepared(tmp_path):
    save_corpus(tiny_corpus(song_tokens=2500), tmp_path / "prepared" / "piano.npz")
    return tmp_path / "prepared"


def test_an_export_holds_model_weights_and_card_that_agree(weights, prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "COMPARED_TOKENS", 60)
    card = export(weights, ORIGIN, prepared, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "card.json").read_text()) == card
    assert card["sha256"] == exporting.hashlib.sha256((tmp_path / "out" / "model.onnx").read_bytes()).hexdigest()
    assert card["vocabulary"] == {"name": "lofi", "size": 2560, "sha256": tokens.vocabulary_sha256()}
    assert card["validation"]["onnx_fp32_vs_rwkv_max_logit"] <= 1e-4
    ids = comped_tokens()[:40]
    exact = package_logits(tmp_path / "out" / "model.pth", ids)
    assert divergence(exact, OnnxStep(tmp_path / "out" / "model.onnx").logits(ids)) <= 0.01
    page = (tmp_path / "out" / "README.md").read_text()
    assert all(item["attribution"] in page and item["licence"] in page for item in card["data"])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "README.md", "card.json", "model.onnx", "model.pth",
    ]  # fmt: skip


def test_a_graph_that_computes_something_else_is_refused(weights, monkeypatch):
    def wrong(arrays, bits):
        return build_step(arrays | {"ln_out.bias": arrays["ln_out.bias"] + 0.01}, bits)

    monkeypatch.setattr(exporting, "build_step", wrong)
    with pytest.raises(ExportError, match="differs from the rwkv package"):
        compare(weights, comped_tokens()[:20])


def test_eight_bits_that_cost_too_much_are_refused(weights, monkeypatch):
    monkeypatch.setitem(exporting.LARGEST_DIVERGENCES, 8, 1e-9)
    with pytest.raises(ExportError, match="8-bit weights cost"):
        compare(weights, comped_tokens()[:20])


def test_four_bits_that_cost_too_much_are_refused_unless_one_asks_for_them(
    weights, prepared, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(exporting, "COMPARED_TOKENS", 20)
    export(weights, ORIGIN, prepared, tmp_path / "out")
    eight = (tmp_path / "out" / "model.onnx").read_bytes()
    monkeypatch.setitem(exporting.LARGEST_DIVERGENCES, 4, 1e-9)
    again = ["piano", "--again", "--bits", "4", "--prepared", str(prepared), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as ended:
        main(again)
    assert ended.value.code == 1
    assert re.search(r"4-bit weights cost .* --bits 8, or accept it with --any-loss", capsys.readouterr().err)
    assert (tmp_path / "out" / "model.onnx").read_bytes() == eight
    main([*again, "--any-loss"])
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["bits"] == 4
    assert card["validation"]["kl_4bit_vs_fp32_nats_per_token"] > 1e-9
    assert "kl_8bit_vs_fp32_nats_per_token" not in card["validation"]
    assert "with 4-bit weights" in (tmp_path / "out" / "README.md").read_text()
    assert (tmp_path / "out" / "model.onnx").stat().st_size < len(eight)
    assert load_recurrence(tmp_path / "out").vocabulary_size == VOCABULARY


def test_a_file_that_is_too_large_is_refused(weights, prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "LARGEST_FILE_BYTES", 1000)
    monkeypatch.setattr(exporting, "COMPARED_TOKENS", 20)
    with pytest.raises(ExportError, match="allowed are 1000"):
        export(weights, ORIGIN, prepared, tmp_path / "out")
    assert not (tmp_path / "out" / "model.onnx").exists()


def test_the_command_takes_the_best_weights_and_their_tokens(weights, prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "COMPARED_TOKENS", 20)
    (prepared / "piano").mkdir()
    torch.save(weights, prepared / "piano" / "best.pth")
    reports = [{"nll_per_token": n, "tokens_seen": t} for n, t in ((2.0, 100), (1.5, 200), (1.6, 300))]
    (prepared / "piano" / "history.json").write_text(json.dumps(reports))
    main(["piano", "--prepared", str(prepared), "--out", str(tmp_path / "out")])
    assert json.loads((tmp_path / "out" / "card.json").read_text())["tokens_seen"] == 200


def test_a_run_without_history_has_seen_an_unknown_number_of_tokens(tmp_path):
    assert tokens_of_best(tmp_path / "history.json") == 0


@pytest.mark.parametrize("part", ["piano", "drums"])
def test_the_shipped_model_is_small_true_to_its_weights_and_to_its_card(root, part):
    folder = root / "models" / part
    card = json.loads((folder / "card.json").read_text())
    data = (folder / "model.onnx").read_bytes()
    assert card["sha256"] == exporting.hashlib.sha256(data).hexdigest()
    assert card["vocabulary"]["sha256"] == tokens.vocabulary_sha256()
    assert max(len(data), (folder / "model.pth").stat().st_size) <= 30_000_000
    loaded = {name: value.float() for name, value in torch.load(folder / "model.pth", weights_only=True).items()}
    size = size_of(loaded)
    assert (size.layers, size.width, size.vocabulary) == (card["layers"], card["width"], card["vocabulary"]["size"])
    ids = comped_tokens()[:80] if part == "piano" else _drum_tokens()
    exact = OnnxStep(build_step({k: v.numpy() for k, v in loaded.items()}, None).SerializeToString()).logits(ids)
    assert np.abs(exact - package_logits(folder / "model.pth", ids)).max() <= 1e-4
    assert divergence(exact, OnnxStep(folder / "model.onnx").logits(ids)) <= 0.01


def _drum_tokens():
    bar = "<bar> <hiphop> <beat> <density2> @6 24:c 2a:8 @30 2a:6 @53 26:d @102 24:b 2a:8 @126 2a:6 @150 26:d 2a:8"
    return tokens.parse("<start> " + " ".join([bar] * 4))


def test_a_model_is_written_anew_from_its_own_weights(weights, prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "COMPARED_TOKENS", 20)
    card = export(weights, ORIGIN, prepared, tmp_path / "out")
    (tmp_path / "out" / "model.onnx").write_bytes(b"an older graph")
    main(["piano", "--again", "--prepared", str(prepared), "--out", str(tmp_path / "out")])
    assert json.loads((tmp_path / "out" / "card.json").read_text()) == card
    assert hashlib.sha256((tmp_path / "out" / "model.onnx").read_bytes()).hexdigest() == card["sha256"]
