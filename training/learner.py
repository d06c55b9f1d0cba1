"""What Lightning drives: a network, the state its lanes carry, the optimiser and the loss. Knows nothing about music.

Everything a run's numbers depend on is in its checkpoint: weights, optimiser, carried state of all lanes, random
generators and the place in the token stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import pytorch_lightning as lightning
import torch
from torch import Tensor
from torch.nn import functional

from training.corpus import Corpus
from training.errors import TrainingError
from training.network import Network
from training.schedule import make_optimiser, set_rate
from training.settings import Settings
from training.validation import Forward
from training.windows import IGNORED, Progress, Window, Windows


def pulled_loss(logits: Tensor, targets: Tensor, pull: float) -> tuple[Tensor, Tensor]:
    """Return (what to minimise, the cross entropy in nats a token); see `Settings.logit_pull`."""
    logits = logits.float().view(-1, logits.shape[-1])
    targets = targets.reshape(-1)
    counted = (targets != IGNORED).sum().clamp(min=1)  # a window may hold none that counts
    loss = functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum") / counted
    return loss + 0.5 * pull * logits.amax(-1).square().mean(), loss.detach()


class Learner(lightning.LightningModule):
    """One network in training."""

    def __init__(self, settings: Settings, corpus: Corpus, compiled: bool) -> None:
        super().__init__()
        self.settings, self.corpus, self.progress = settings, corpus, Progress()
        self.network = Network(settings.size, settings.dropout)
        # In a tuple, so that the compiled twin does not count as a second submodule.
        self._twin: tuple[Forward] = (torch.compile(self.network, dynamic=False) if compiled else self.network,)
        self.carried = self.network.initial_state(settings.lanes)
        self._generators: list[dict[str, Tensor]] = []
        self._pending: list[Tensor] = []

    @property
    def run_network(self) -> Forward:
        """Return the network as it is computed, compiled or not."""
        return self._twin[0]

    @property
    def my_lanes(self) -> slice:
        """Return the lanes of this process."""
        share = self.settings.lanes // self.trainer.world_size
        return slice(self.trainer.global_rank * share, (self.trainer.global_rank + 1) * share)

    def train_dataloader(self) -> Windows:
        """Return the windows from where the run stands."""
        return Windows(self.corpus, self.progress, self.settings, self.my_lanes)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW with the groups of the recipe."""
        return make_optimiser(self.network, self.settings.weight_decay)

    def on_fit_start(self) -> None:
        """Keep the state of this process's lanes only."""
        shift, wkv = self.carried
        lanes = self.my_lanes
        self.carried = shift[:, :, lanes].to(self.device), wkv[:, lanes].to(self.device)

    def on_train_start(self) -> None:
        """Set the random generators to where the checkpoint left them."""
        if self.trainer.global_rank < len(self._generators):
            saved = self._generators[self.trainer.global_rank]
            torch.set_rng_state(saved["cpu"])
            if "cuda" in saved and self.device.type == "cuda":
                torch.cuda.set_rng_state(saved["cuda"], self.device)
        elif self.trainer.global_rank:
            torch.manual_seed(self.settings.seed + self.trainer.global_rank)  # other dropout in every process

    def training_step(self, window: Window, _: int) -> Tensor:
        """Return what to minimise on one window."""
        progress, schedule = self.progress, self.settings.schedule
        # DeepSpeed's optimiser is none of torch's, but has its groups.
        optimiser: Any = self.trainer.optimizers[0]
        set_rate(optimiser, schedule.rate(progress.step, schedule.progress(progress.tokens_seen, progress.elapsed_s)))
        logits, (shift, wkv) = self.run_network(window.inputs, self.carried)
        self.carried = shift.detach(), wkv.detach()
        total, loss = pulled_loss(logits, window.targets, self.settings.logit_pull)
        self._pending.append(loss)
        return total

    def count(self, window: Window) -> None:
        """Take note of a step that is done."""
        progress = self.progress
        progress.epoch, progress.step_in_epoch = window.epoch, window.step_in_epoch
        progress.step += 1
        progress.tokens_seen += self.settings.lanes * self.settings.window

    def settle_losses(self) -> None:
        """Write the losses of the last steps, the mean over processes, into the progress; collective.

        Raises:
            TrainingError: a loss is no number.
        """
        if not self._pending:
            return
        losses = torch.stack(self._pending)
        self._pending.clear()
        reduced = self.trainer.strategy.reduce(losses, reduce_op="mean")
        assert isinstance(reduced, Tensor)
        self.progress.losses += [round(value, 6) for value in reduced.tolist()]
        if not torch.isfinite(reduced).all():
            raise TrainingError(
                f"the loss of step {self.progress.step} or shortly before is no number. Go on from the last checkpoint "
                "with a lower --rate."
            )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what Lightning does not know; called in every process."""
        self.settle_losses()
        shift, wkv = (self._gather(part) for part in self.carried)
        checkpoint["run"] = {
            "settings": asdict(self.settings),
            "progress": asdict(self.progress),
            "carried": (torch.cat(list(shift), 2), torch.cat(list(wkv), 1)),
            "generators": self._gather_generators(),
        }

    def on_load_checkpoint(self, checkpoint: Mapping[str, Any]) -> None:
        """Take back what `on_save_checkpoint` added."""
        self.take(checkpoint["run"])

    def take(self, run: Mapping[str, Any]) -> None:
        """Go to where a checkpoint's run stood."""
        for field in fields(Progress):
            setattr(self.progress, field.name, run["progress"][field.name])
        self.carried = run["carried"]
        self._generators = run["generators"]

    def _gather(self, part: Tensor) -> list[Tensor]:
        if self.trainer.world_size == 1:
            return [part.cpu()]
        gathered = self.all_gather(part.contiguous())
        assert isinstance(gathered, Tensor)
        return list(gathered.cpu().unbind(0))

    def _gather_generators(self) -> list[dict[str, Tensor]]:
        mine = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            mine["cuda"] = torch.cuda.get_rng_state(self.device)
        if self.trainer.world_size == 1:
            return [mine]
        gathered: list[Any] = [None] * self.trainer.world_size
        torch.distributed.all_gather_object(gathered, mine)
        return gathered
