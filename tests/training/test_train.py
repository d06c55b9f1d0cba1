import csv
import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from tiny import tiny_corpus

from training.checkpoint import load_weights, read_run, write_atomically
from training.corpus import load_corpus, save_corpus
from training.errors import CheckpointError, TrainingError
from training.settings import Place, Settings
from training.train import Run, main

SETTINGS = Settings(
    part="piano", corpus_sha256="x", layers=1, width=64, dropout=0.2, weight_decay=0.1, rate=2e-3, final_rate=5e-5,
    tokens=2 * 32 * 12, minutes=None, warmup_steps=3, lanes=2, window=32, validate_tokens=2 * 32 * 5,
)  # fmt: skip


def run(out, settings=SETTINGS, **options):
    return Run(settings, tiny_corpus(), Place(out, compiled=False, accelerator="cpu", **options))


def numbers(run):
    return [report["nll_per_token"] for report in run.progress.history], run.progress.losses


def assert_same(one, other):
    assert numbers(one) == numbers(other)
    weights = other.learner.network.state_dict()
    for name, value in one.learner.network.state_dict().items():
        assert torch.equal(value, weights[name]), name


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody stopped."""
    whole = run(tmp_path_factory.mktemp("whole"))
    whole.run()
    return whole


def test_a_run_that_was_stopped_ends_with_the_same_numbers_as_one_that_was_not(tmp_path, whole):
    for stop in (4, 10, None):
        parts = run(tmp_path, stop_after_steps=stop)
        parts.run()
    assert parts.progress.step == whole.progress.step == 12
    assert parts.progress.epoch > 0, "the test should cross an epoch"
    assert_same(parts, whole)


def test_a_run_goes_on_in_the_middle_of_an_epoch_from_a_checkpoint_it_did_not_end_with(tmp_path, whole):
    class KilledError(Exception):
        pass

    def dying(trainer, learner, *_):
        if learner.progress.step in (3, 7) and learner.progress.step != born:
            raise KilledError

    for attempt in range(3):
        killed = run(tmp_path, checkpoint_s=0.0)
        born = killed.progress.step
        killed.trainer.callbacks[0].on_before_zero_grad = dying
        if attempt == 2:
            killed.run()
        else:
            with pytest.raises(KilledError):
                killed.run()
    assert_same(killed, whole)


def test_a_killed_process_goes_on_with_the_same_loss_curve(tmp_path):
    """Two hundred steps, against a hundred or more, kill -9, and the rest."""
    save_corpus(tiny_corpus(24, song_tokens=900), tmp_path / "piano.npz")
    flags = ["piano", "--prepared", str(tmp_path), "--eager", "--threads", "1", "--accelerator", "cpu", "--layers", "1"]
    flags += ["--width", "64", "--lanes", "2", "--window", "16", "--tokens", "6400", "--validate-tokens", "3200"]
    main([*flags, "--out", str(tmp_path / "whole")])
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "training.train", *flags, "--out", str(out), "--checkpoint-s", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"}) as process:
        while not (out / "losses.csv").exists() or len((out / "losses.csv").read_text().splitlines()) < 101:
            assert process.poll() is None, "the run should not have ended yet"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    survived = len((out / "losses.csv").read_text().splitlines()) - 1
    assert 100 <= survived < 200
    main([*flags, "--out", str(out)])
    curves = [[float(row["loss"]) for row in _rows(folder / "losses.csv")] for folder in (tmp_path / "whole", out)]
    assert len(curves[0]) == len(curves[1]) == 200
    assert curves[0][-1] < curves[0][0] - 0.5, "the net should learn something"
    assert max(abs(one - other) for one, other in zip(*curves, strict=True)) <= 1e-3


def _rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_training_learns(tmp_path):
    history = run(tmp_path, dataclasses.replace(SETTINGS, tokens=2 * 32 * 30)).run().history
    assert history[-1]["nll_per_token"] < history[0]["nll_per_token"] - 0.5


def test_the_best_weights_are_kept_not_the_last(whole):
    best = load_weights(whole.course.best_path)
    assert set(best) == set(whole.learner.network.state_dict())
    assert whole.progress.best == min(report["nll_per_token"] for report in whole.progress.history)


def test_a_finished_run_is_not_trained_further(whole):
    again = Run(SETTINGS, tiny_corpus(), whole.place)
    before = whole.course.checkpoint_path.stat().st_mtime_ns
    again.run()
    assert again.progress.step == 12
    assert whole.course.checkpoint_path.stat().st_mtime_ns == before


def test_a_run_without_progress_stops_early(tmp_path):
    settings = dataclasses.replace(SETTINGS, rate=1e-30, final_rate=1e-30, patience=2, tokens=10**9)
    assert len(run(tmp_path, settings).run().history) <= 6


def test_a_checkpoint_of_other_settings_is_refused_by_name(tmp_path):
    run(tmp_path, stop_after_steps=1).run()
    with pytest.raises(CheckpointError, match="written with other dropout"):
        run(tmp_path, dataclasses.replace(SETTINGS, dropout=0.3))


def test_a_damaged_checkpoint_is_refused_by_name(tmp_path):
    (tmp_path / "checkpoint.ckpt").write_bytes(b"half a file")
    with pytest.raises(CheckpointError, match=r"checkpoint\.ckpt: not a usable checkpoint"):
        read_run(tmp_path / "checkpoint.ckpt", {})


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
    first = run(tmp_path / "first", dataclasses.replace(SETTINGS, tokens=2 * 32 * 30))
    history = first.run().history
    path = first.course.best_path
    again = run(tmp_path / "again", weights=path)
    for name, value in load_weights(path).items():
        assert torch.equal(value, again.learner.network.state_dict()[name]), name
    report = run(tmp_path / "on", weights=path).run().history[0]
    assert report["nll_per_token"] < history[0]["nll_per_token"], "it should not begin from nothing"


def test_weights_of_another_size_are_refused(tmp_path, whole):
    with pytest.raises(CheckpointError, match="has 1 layers of width 64"):
        run(tmp_path, dataclasses.replace(SETTINGS, layers=2), weights=whole.course.best_path)


def test_weights_of_another_generation_are_refused(tmp_path, whole):
    with pytest.raises(CheckpointError, match=r"\(x060\), the run has .* \(x070\)"):
        run(tmp_path, dataclasses.replace(SETTINGS, architecture="x070"), weights=whole.course.best_path)


def test_layers_computed_again_on_the_way_back_change_nothing(tmp_path, whole):
    again = run(tmp_path, recompute=True)
    again.run()
    assert again.progress.losses == pytest.approx(whole.progress.losses, abs=1e-3)


@pytest.mark.parametrize("change", [{"architecture": "x070"}, {"precision": "32-true"}])
def test_the_loop_trains_every_kind_of_network(tmp_path, change):
    learned = run(tmp_path, dataclasses.replace(SETTINGS, tokens=2 * 32 * 6, **change)).run()
    assert learned.losses[-1] < learned.losses[0]


def test_a_loss_that_is_no_number_ends_the_run_with_advice(tmp_path):
    broken = run(tmp_path)
    with torch.no_grad():
        broken.learner.network.head.weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match="lower --rate"):
        broken.run()


def test_two_processes_learn_what_one_learns(tmp_path):
    """Two lanes in one process, or one lane in each of two (gloo): the same loss curve."""
    save_corpus(tiny_corpus(24, song_tokens=300), tmp_path / "piano.npz")
    flags = ["piano", "--prepared", str(tmp_path), "--eager", "--threads", "1", "--accelerator", "cpu", "--layers", "1"]
    flags += ["--width", "64", "--lanes", "2", "--window", "16", "--tokens", "320", "--validate-tokens", "160"]
    flags += ["--dropout", "0", "--precision", "32-true"]
    main([*flags, "--out", str(tmp_path / "one")])
    two = tmp_path / "two"
    command = [sys.executable, "-m", "training.train", *flags, "--out", str(two), "--strategy", "ddp", "--devices", "2"]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    curves = [[float(row["loss"]) for row in _rows(folder / "losses.csv")] for folder in (tmp_path / "one", two)]
    assert curves[1] == pytest.approx(curves[0], abs=1e-4)
    settings = read_run(two / "checkpoint.ckpt", {})
    assert settings["carried"][1].shape[1] == 2, "the checkpoint holds the state of both processes' lanes"
    assert len(settings["generators"]) == 2
    assert load_corpus(tmp_path / "piano.npz").vocabulary_size == settings["settings"]["vocabulary"]
