"""The endless stream of training windows, in lanes that carry their state. Knows nothing about networks or files.

An epoch's songs stand in an order that only (seed, epoch) decides, so a place in the stream is two numbers and a
stopped run goes on in the middle of an epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from training.corpus import Corpus, Ids, Marks
from training.errors import CorpusError
from training.settings import Settings

IGNORED = -100
"""The target of a token whose loss does not count; torch's own default."""


@dataclass(slots=True)
class Progress:
    """Where a run stands."""

    epoch: int = 0
    step_in_epoch: int = 0
    step: int = 0
    tokens_seen: int = 0
    elapsed_s: float = 0.0
    best: float = float("inf")
    worse_in_a_row: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    """One report a validation."""
    losses: list[float] = field(default_factory=list)
    """Training loss of every step, nats a token."""


class Window(NamedTuple):
    """One training step's tokens, [lanes, window], and the place in the stream after it."""

    inputs: Tensor
    targets: Tensor
    epoch: int
    step_in_epoch: int


def lanes_of(ids: Ids, lanes: int) -> tuple[Tensor, Tensor]:
    """Cut a stream into equal lanes; return (inputs, targets), each [lanes, T]."""
    length = (len(ids) - 1) // lanes
    stream = torch.from_numpy(ids[: length * lanes + 1].astype(np.int64))
    return stream[:-1].view(lanes, length), stream[1:].view(lanes, length)


def counted(targets: Tensor, marks: Marks) -> Tensor:
    """Return targets [lanes, T] of a stream without those that its marks leave out."""
    chosen = torch.from_numpy(marks[1 : targets.numel() + 1]).view(targets.shape)
    return targets.where(chosen, IGNORED)


class Windows:
    """The windows of a run from where its progress stands; each process takes its share of the lanes."""

    def __init__(self, corpus: Corpus, progress: Progress, settings: Settings, mine: slice) -> None:
        self.corpus, self.progress, self.mine = corpus, progress, mine
        self.lanes, self.window, self.seed = settings.lanes, settings.window, settings.seed

    def __iter__(self) -> Iterator[Window]:
        """Yield windows for ever."""
        epoch, index = self.progress.epoch, self.progress.step_in_epoch
        while True:
            inputs, targets = lanes_of(self.corpus.epoch(epoch, self.seed), self.lanes)
            targets = counted(targets, self.corpus.epoch_marks(epoch, self.seed))
            count = inputs.shape[1] // self.window
            if not count:
                raise CorpusError(
                    f"an epoch has {inputs.shape[1]} tokens a lane, a window needs {self.window}. "
                    "Prepare a larger corpus, or train with fewer lanes."
                )
            for at in range(index, count):
                cut = slice(at * self.window, (at + 1) * self.window)
                yield Window(inputs[self.mine, cut].contiguous(), targets[self.mine, cut].contiguous(), epoch, at + 1)
            epoch, index = epoch + 1, 0
