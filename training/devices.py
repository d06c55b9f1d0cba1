"""Lightning's trainer as the flags ask for it: devices, strategy, precision, loggers. Knows nothing about networks."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytorch_lightning as lightning
import torch
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from pytorch_lightning.strategies import DDPStrategy, DeepSpeedStrategy, Strategy

from training.errors import MissingPackageError, TrainingError
from training.settings import Place, Settings

STRATEGIES = ("auto", "ddp", "deepspeed2")
LOGGERS = ("csv", "tensorboard", "wandb")


def make_trainer(settings: Settings, place: Place, callbacks: Sequence[lightning.Callback]) -> lightning.Trainer:
    """Return the trainer of a run: one endless epoch, stopped by the callbacks.

    Raises:
        TrainingError: a flag asks for what is not installed, or for lanes that cannot be shared out.
    """
    if settings.lanes % place.devices:
        raise TrainingError(
            f"{settings.lanes} lanes cannot be shared out among {place.devices} devices. Choose --lanes a multiple."
        )
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning 2.6 asks torch 2.13 in an older way
    return lightning.Trainer(
        accelerator=place.accelerator,
        devices=place.devices,
        strategy=make_strategy(place),
        precision="32-true" if settings.precision == "32-true" else "bf16-mixed",
        max_epochs=-1,
        gradient_clip_val=1.0,
        logger=[make_logger(name, place.out) for name in place.loggers],
        callbacks=list(callbacks),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
    )


def make_strategy(place: Place) -> Strategy | str:
    """Return how several devices work together."""
    if place.strategy == "deepspeed2":
        if find_spec("deepspeed") is None:
            raise MissingPackageError(
                "--strategy deepspeed2 needs deepspeed. pip install deepspeed (a CUDA machine), or ddp."
            )
        return DeepSpeedStrategy(stage=2)
    if place.strategy == "ddp":
        on_cpu = place.accelerator == "cpu" or (place.accelerator == "auto" and not torch.cuda.is_available())
        # Forked processes share what was imported; CUDA does not survive a fork and starts the command again.
        return DDPStrategy(start_method="fork", process_group_backend="gloo") if on_cpu else DDPStrategy()
    if place.devices > 1:
        raise TrainingError(f"{place.devices} devices need a --strategy: ddp or deepspeed2.")
    return "auto"


def make_logger(name: str, out: Path) -> Logger:
    """Return an optional logger that writes under the run's folder."""
    if name == "csv":
        return CSVLogger(out, name="logs", version="")
    if name == "tensorboard":
        if find_spec("tensorboard") is None and find_spec("tensorboardX") is None:
            raise MissingPackageError("--log tensorboard needs tensorboard or tensorboardX. pip install tensorboard.")
        return TensorBoardLogger(out, name="tensorboard", version="")
    if find_spec("wandb") is None:
        raise MissingPackageError(
            "--log wandb needs wandb. pip install wandb; without WANDB_MODE=online it stays offline."
        )
    return WandbLogger(project="lofi-radio", save_dir=out, offline=os.environ.get("WANDB_MODE") != "online")
