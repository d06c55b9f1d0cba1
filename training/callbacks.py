"""What happens between the steps of a run: validation, early stopping, checkpoints. Knows nothing about music.

Lightning has callbacks of its own for these, but they count in its epochs and steps; ours count in tokens, keep their
state in the run's progress and are therefore exact when a run goes on in the middle of an epoch.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytorch_lightning as lightning
from torch import Tensor

from training.checkpoint import write_atomically
from training.corpus import Ids
from training.learner import Learner
from training.network import public_weights
from training.settings import Place
from training.validation import exact, validate
from training.windows import Progress, Window


class Course(lightning.Callback):
    """Counts steps and time, validates every so many tokens, keeps the best weights and the checkpoint, and stops."""

    def __init__(self, place: Place, stream: Ids) -> None:
        self.place, self.stream = place, stream
        self.paused = False
        self._clock = self._saved = 0.0

    @property
    def best_path(self) -> Path:
        """Return where the weights of the best validation lie."""
        return self.place.out / "best.pth"

    @property
    def checkpoint_path(self) -> Path:
        """Return where the run's checkpoint lies."""
        return self.place.out / "checkpoint.ckpt"

    def paused_at(self, progress: Progress) -> bool:
        """Tell whether the run was asked to stop here and go on another time."""
        return self.place.stop_after_steps is not None and progress.step >= self.place.stop_after_steps

    def on_train_start(self, trainer: lightning.Trainer, learner: lightning.LightningModule) -> None:
        """Start the clock."""
        self._clock = self._saved = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        learner: lightning.LightningModule,
        outputs: object,
        window: Window,
        _: int,
    ) -> None:
        """Count the step, and do what is due after it."""
        assert isinstance(learner, Learner)
        progress, settings = learner.progress, learner.settings
        learner.count(window)
        now = time.monotonic()
        progress.elapsed_s += now - self._clock
        self._clock = now
        if trainer.world_size > 1:  # all processes must stop and validate at the same step
            progress.elapsed_s = trainer.strategy.broadcast(progress.elapsed_s)
        size = settings.lanes * settings.window
        every, seen = settings.validate_tokens, progress.tokens_seen
        if seen // every != (seen - size) // every:
            self._validate(trainer, learner)
        self.paused = self.paused_at(progress)
        if self.paused or finished(learner):
            trainer.should_stop = True
        elif self._due(trainer):
            self._save(trainer, learner)

    def on_train_end(self, trainer: lightning.Trainer, learner: lightning.LightningModule) -> None:
        """Validate what the last steps changed, and save."""
        assert isinstance(learner, Learner)
        progress = learner.progress
        validated = progress.history and progress.history[-1]["step"] == progress.step
        if not self.paused and not validated:
            self._validate(trainer, learner)
        self._save(trainer, learner)

    def _due(self, trainer: lightning.Trainer) -> bool:
        due = time.monotonic() - self._saved > self.place.checkpoint_s
        return bool(trainer.strategy.broadcast(due)) if trainer.world_size > 1 else due

    def _save(self, trainer: lightning.Trainer, learner: Learner) -> None:
        draft = self.checkpoint_path.with_suffix(".tmp")
        if self.place.strategy == "deepspeed2":  # writes a folder of shards, and knows how to replace it
            draft = self.checkpoint_path
        trainer.save_checkpoint(draft)
        if trainer.is_global_zero:
            if draft != self.checkpoint_path:
                os.replace(draft, self.checkpoint_path)
            _write_json(self.place.out / "history.json", learner.progress.history)
            _write_losses(self.place.out / "losses.csv", learner.progress)
        self._saved = time.monotonic()

    def _validate(self, trainer: lightning.Trainer, learner: Learner) -> None:
        learner.settle_losses()
        progress, settings = learner.progress, learner.settings
        report: dict[str, float] = {}
        if trainer.is_global_zero:
            forward = exact(learner.run_network) if settings.precision == "32-true" else learner.run_network
            report = validate(learner.network, forward, self.stream, settings.lanes, settings.window)
        if trainer.world_size > 1:
            report = trainer.strategy.broadcast(report)
        report |= {"step": progress.step, "tokens_seen": progress.tokens_seen, "epoch": progress.epoch}
        report |= {"loss": progress.losses[-1], "elapsed_s": round(progress.elapsed_s, 1)}
        progress.history.append(report)
        better = report["nll_per_token"] < progress.best
        progress.best = min(progress.best, report["nll_per_token"])
        progress.worse_in_a_row = 0 if better else progress.worse_in_a_row + 1
        for logger in trainer.loggers:
            logger.log_metrics(report, progress.step)
        if trainer.is_global_zero:
            if better:
                write_atomically(public_weights(learner.network), self.best_path)
            _write_json(self.place.out / "history.json", progress.history)
            print(_line(report), flush=True)


class LossLog(lightning.Callback):
    """Hands the training loss to the loggers every so many steps."""

    def __init__(self, every_steps: int = 20) -> None:
        self.every_steps = every_steps

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        learner: lightning.LightningModule,
        outputs: object,
        window: Window,
        _: int,
    ) -> None:
        """Log the loss of this step."""
        assert isinstance(learner, Learner)
        step = learner.progress.step
        if step % self.every_steps == 0 and isinstance(outputs, dict) and isinstance(outputs.get("loss"), Tensor):
            for logger in trainer.loggers:
                logger.log_metrics({"train_loss": float(outputs["loss"])}, step)


def finished(learner: Learner) -> bool:
    """Tell whether a budget or the patience is used up."""
    progress, settings = learner.progress, learner.settings
    done = settings.schedule.progress(progress.tokens_seen, progress.elapsed_s)
    return done >= 1 or progress.worse_in_a_row >= settings.patience


def _line(report: dict[str, float]) -> str:
    bars = f" {report['nll_per_bar']:.2f}/bar" if "nll_per_bar" in report else ""
    return (
        f"{report['elapsed_s'] / 60:6.1f} min  {report['tokens_seen'] / 1e6:6.2f} M tokens  epoch {report['epoch']}"
        f"  loss {report['loss']:.3f}  valid {report['nll_per_token']:.4f}/token{bars}"
        f"  {report['tokens_seen'] / max(report['elapsed_s'], 1):.0f} tokens/s"
    )


def _write_json(path: Path, value: object) -> None:
    draft = path.with_name(path.name + ".tmp")
    draft.write_text(json.dumps(value, indent=1), encoding="utf-8")
    os.replace(draft, path)


def _write_losses(path: Path, progress: Progress) -> None:
    first = progress.step - len(progress.losses) + 1
    rows = [f"{step},{loss}" for step, loss in enumerate(progress.losses, first)]
    draft = path.with_name(path.name + ".tmp")
    draft.write_text("\n".join(["step,loss", *rows]) + "\n", encoding="utf-8")
    os.replace(draft, path)
