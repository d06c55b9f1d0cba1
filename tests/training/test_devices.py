import dataclasses
from importlib.util import find_spec

import pytest
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
