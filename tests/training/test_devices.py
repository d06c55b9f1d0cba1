import dataclasses
from importlib import import_module
from importlib.util import find_spec

import pytest
import torch
from pytorch_lightning.accelerators import CPUAccelerator
from test_train import SETTINGS, run

from training.devices import make_logger, make_strategy, make_trainer
from training.errors import MissingPackageError, TrainingError
from training.settings import Place


def test_several_devices_need_a_strategy(tmp_path):
    with pytest.raises(TrainingError, match="2 devices need a --strategy"):
        make_strategy(Place(tmp_path, devices=2))


def test_lanes_that_cannot_be_shared_out_are_refused(tmp_path):
    with pytest.raises(TrainingError, match="2 lanes cannot be shared out among 3 devices"):
        make_trainer(SETTINGS, Place(tmp_path, devices=3, strategy="ddp"), [])


@pytest.mark.parametrize(("flag", "package"), [("deepspeed2", "deepspeed")])
def test_a_strategy_without_its_package_says_what_to_install(tmp_path, flag, package):
    if find_spec(package):
        pytest.skip(f"{package} is installed here")
    with pytest.raises(MissingPackageError, match=f"pip install {package}"):
        make_strategy(Place(tmp_path, strategy=flag))


def test_a_logger_without_its_package_says_what_to_install(tmp_path):
    if find_spec("wandb"):
        pytest.skip("wandb is installed here")
    with pytest.raises(MissingPackageError, match="pip install wandb"):
        make_logger("wandb", tmp_path)


def test_losses_and_validations_reach_the_loggers(tmp_path):
    settings = dataclasses.replace(SETTINGS, tokens=2 * 32 * 21, validate_tokens=2 * 32 * 20)
    run(tmp_path, settings, loggers=("csv", "tensorboard")).run()
    table = next((tmp_path / "logs").rglob("metrics.csv")).read_text()
    assert "nll_per_token" in table
    assert "train_loss" in table
    events = next((tmp_path / "tensorboard").rglob("events.out.tfevents*")).read_bytes()
    assert b"nll_per_token" in events


@pytest.mark.timeout(600)
def test_deepspeed_learns_what_one_process_learns_and_goes_on_from_its_folder(tmp_path, monkeypatch):
    """ZeRO-2 in one process on the CPU, which Lightning refuses and DeepSpeed can do: our side of it is the same."""
    pytest.importorskip("deepspeed", reason="optional: DS_BUILD_OPS=0 pip install --no-build-isolation deepspeed")
    from pytorch_lightning.strategies import deepspeed

    monkeypatch.setenv("DS_ACCELERATOR", "cpu")
    monkeypatch.setattr(deepspeed, "CUDAAccelerator", CPUAccelerator)
    monkeypatch.setattr(deepspeed, "_validate_device_index_selection", lambda _: None)
    monkeypatch.setattr(deepspeed.DeepSpeedStrategy, "root_device", torch.device("cpu", 0))
    monkeypatch.setattr(deepspeed.DeepSpeedStrategy, "_get_process_group_backend", lambda _: "gloo")
    # its operator for shared memory would be compiled
    monkeypatch.setattr(import_module("deepspeed.comm.torch"), "build_shm_op", lambda: None)
    settings = dataclasses.replace(SETTINGS, dropout=0.0)
    run(tmp_path / "zero", settings, strategy="deepspeed2", stop_after_steps=5).run()
    zero = run(tmp_path / "zero", settings, strategy="deepspeed2").run()
    assert (tmp_path / "zero" / "checkpoint.ckpt").is_dir()
    assert zero.losses == pytest.approx(run(tmp_path / "plain", settings).run().losses, abs=0.01)  # bfloat16 weights
