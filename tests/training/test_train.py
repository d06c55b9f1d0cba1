import dataclasses

import pytest
import torch
from tiny import tiny_corpus

from training.checkpoint import load_run, load_weights, write_atomically
from training.corpus import save_corpus
from training.errors import CheckpointError
from training.train import Place, Settings, Trainer, main

SETTINGS = Settings(
    part="piano", corpus_sha256="x", layers=1, width=64, dropout=0.2, weight_decay=0.1, rate=2e-3, final_rate=5e-5,
    tokens=2 * 32 * 12, minutes=None, warmup_steps=3, lanes=2, window=32, validate_tokens=2 * 32 * 5,
)  # fmt: skip


def trainer(out, settings=SETTINGS, **options):
    return Trainer(settings, tiny_corpus(), Place(out, compiled=False, **options))


def test_a_run_that_was_stopped_ends_with_the_same_numbers_as_one_that_was_not(tmp_path):
    whole = trainer(tmp_path / "whole").run()
    for stop in (4, 10, None):
        parts = trainer(tmp_path / "parts", stop_after_steps=stop).run()
    assert (parts.step, parts.tokens_seen, parts.epoch) == (whole.step, whole.tokens_seen, whole.epoch)
    assert parts.epoch > 0, "the test should cross an epoch"
    for name, value in whole.weights.items():
        assert torch.equal(value, parts.weights[name]), name
    assert [h["nll_per_token"] for h in parts.history] == [h["nll_per_token"] for h in whole.history]


def test_training_learns(tmp_path):
    state = trainer(tmp_path, dataclasses.replace(SETTINGS, tokens=2 * 32 * 30)).run()
    assert state.history[-1]["nll_per_token"] < state.history[0]["nll_per_token"] - 0.5


def test_the_best_weights_are_kept_not_the_last(tmp_path):
    run = trainer(tmp_path)
    state = run.run()
    best = load_weights(run.best_path)
    assert set(best) == set(run.network.state_dict())
    assert state.best == min(report["nll_per_token"] for report in state.history)


def test_a_run_without_progress_stops_early(tmp_path):
    settings = dataclasses.replace(SETTINGS, rate=1e-30, final_rate=1e-30, patience=2, tokens=10**9)
    run = trainer(tmp_path, settings)
    state = run.run()
    assert len(state.history) <= 6


def test_a_checkpoint_of_other_settings_is_refused_by_name(tmp_path):
    trainer(tmp_path, stop_after_steps=1).run()
    with pytest.raises(CheckpointError, match="written with other dropout"):
        trainer(tmp_path, dataclasses.replace(SETTINGS, dropout=0.3))


def test_a_damaged_checkpoint_is_refused_by_name(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"half a file")
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt: not a usable checkpoint"):
        load_run(tmp_path / "checkpoint.pt", {})


def test_a_damaged_weights_file_is_refused_by_name(tmp_path):
    (tmp_path / "w.pth").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"w\.pth: not a readable weights file"):
        load_weights(tmp_path / "w.pth")


def test_a_crash_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.pt"
    write_atomically({"a": 1}, path)

    def crash(value, draft):
        draft.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", crash)
    with pytest.raises(OSError, match="disk full"):
        write_atomically({"a": 2}, path)
    assert torch.load(path, weights_only=True) == {"a": 1}


def test_the_command_trains_what_was_prepared(tmp_path, capsys):
    save_corpus(tiny_corpus(24, song_tokens=900), tmp_path / "piano.npz")
    size = ["--layers", "1", "--width", "64", "--tokens", "4000"]
    main(["piano", "--prepared", str(tmp_path), "--eager", "--threads", "1", *size])
    assert (tmp_path / "piano" / "best.pth").is_file()
    assert (tmp_path / "piano" / "history.json").is_file()
    assert "valid" in capsys.readouterr().out


def test_a_run_can_begin_with_shipped_weights(tmp_path):
    first = trainer(tmp_path / "first", dataclasses.replace(SETTINGS, tokens=2 * 32 * 30))
    state = first.run()
    again = trainer(tmp_path / "again", weights=first.best_path, stop_after_steps=0)
    for name, value in load_weights(first.best_path).items():
        assert torch.equal(value, again.network.state_dict()[name]), name
    report = trainer(tmp_path / "on", weights=first.best_path).run().history[0]
    assert report["nll_per_token"] < state.history[0]["nll_per_token"], "it should not begin from nothing"


def test_weights_of_another_size_are_refused(tmp_path):
    first = trainer(tmp_path / "first")
    first.run()
    with pytest.raises(CheckpointError, match="has 1 layers of width 64"):
        trainer(tmp_path / "on", dataclasses.replace(SETTINGS, layers=2), weights=first.best_path)
