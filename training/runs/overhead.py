"""How much CPU time Lightning's loop adds to a step: `PYTHONPATH=. python training/runs/overhead.py PREPARED`.

A tiny network shows the cost of the loop itself, the shipped piano's size what a step costs; CPU time of one process,
both loops in turn, so that other work on the machine does not count.
"""

import shutil
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from training.callbacks import Course
from training.corpus import Corpus, load_corpus
from training.learner import Learner, pulled_loss
from training.schedule import make_optimiser, set_rate
from training.settings import Place, Settings
from training.train import Run
from training.windows import Windows


def settings_of(layers: int, width: int, lanes: int, window: int) -> Settings:
    """Return settings of a run that never ends by itself."""
    return Settings(
        part="piano", corpus_sha256="", layers=layers, width=width, dropout=0.1, weight_decay=0.1, rate=1e-3,
        final_rate=5e-5, tokens=10**9, minutes=None, lanes=lanes, window=window, validate_tokens=10**9,
    )  # fmt: skip


def plain(settings: Settings, corpus: Corpus, steps: int) -> list[float]:
    """Return the CPU times between the steps of the loop as it was before Lightning."""
    learner = Learner(settings, corpus, compiled=False)
    network, schedule = learner.network.train(), settings.schedule
    optimiser = make_optimiser(network, settings.weight_decay)
    carried, times = network.initial_state(settings.lanes), [time.process_time()]
    for step, window in enumerate(Windows(corpus, learner.progress, settings, slice(None))):
        if step == steps:
            break
        set_rate(optimiser, schedule.rate(step, 0.0))
        with torch.autocast("cpu", torch.bfloat16):
            logits, (shift, wkv) = network(window.inputs, carried)
            total, _ = pulled_loss(logits, window.targets, settings.logit_pull)
        carried = shift.detach(), wkv.detach()
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        times.append(time.process_time())
    return times


def lightning(settings: Settings, corpus: Corpus, steps: int) -> list[float]:
    """Return the CPU times between the steps of our loop."""
    times = []

    class Clock(Course):
        """A course that looks at the clock."""

        def on_train_batch_end(self, *arguments: Any) -> None:  # noqa: ANN401 - passed on as they come
            """Do what is due, then look."""
            super().on_train_batch_end(*arguments)
            times.append(time.process_time())

    out = Path(tempfile.mkdtemp())
    run = Run(settings, corpus, Place(out, compiled=False, checkpoint_s=1e9, stop_after_steps=steps, accelerator="cpu"))
    clock = Clock(run.place, run.course.stream)
    run.trainer.callbacks[run.trainer.callbacks.index(run.course)] = run.course = clock
    run.run()
    shutil.rmtree(out)
    return times


def step_ms(times: list[float]) -> float:
    """Return the median length of a step."""
    return 1000 * median(after - before for before, after in pairwise(times))


torch.set_num_threads(1)
corpus = load_corpus(Path(sys.argv[1]) / "piano.npz")
tiny = settings_of(1, 64, 1, 16)
rows = [(step_ms(plain(tiny, corpus, 120)), step_ms(lightning(tiny, corpus, 120))) for _ in range(2)]
added = median(after - before for before, after in rows)
piano = step_ms(plain(settings_of(6, 256, 8, 256), corpus, 4))
print(f"tiny step: plain {rows[0][0]:.2f} and {rows[1][0]:.2f} ms, Lightning {rows[0][1]:.2f} and {rows[1][1]:.2f} ms")
print(f"Lightning adds {added:.2f} ms; a step of the piano takes {piano:.0f} ms: {100 * added / piano:.2f} %")
