"""Trains one part's network on its prepared corpus: `python -m training.train piano|drums|thesis`.

Knows nothing about music: it sees token streams. A run that is stopped, or killed, goes on where its last checkpoint
stands, and ends with the same numbers as one that was never stopped. The same command runs on two cores or on GPUs.
`--states-only` trains nothing but the state before the first token (see states.py).
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import torch

from training import states
from training.callbacks import Course, LossLog, finished
from training.checkpoint import load_weights, read_run
from training.corpus import Corpus, corpus_sha256, load_corpus
from training.devices import LOGGERS, STRATEGIES, make_trainer
from training.errors import CheckpointError, told_plainly
from training.learner import Learner
from training.settings import DEFAULTS, Place, Settings
from training.size import ARCHITECTURES, size_of
from training.windows import Progress


class Run:
    """One run."""

    def __init__(self, settings: Settings, corpus: Corpus, place: Place) -> None:
        self.settings, self.place = settings, place
        torch.manual_seed(settings.seed)
        self.learner = Learner(settings, corpus, place.compiled)
        self.learner.network.recompute = place.recompute
        self.progress = self.learner.progress
        self.course = Course(place, corpus.validation()[: settings.validation_tokens])
        self.trainer = make_trainer(settings, place, [self.course, *([LossLog()] if place.loggers else [])])
        self._resumed = self.course.checkpoint_path if self.course.checkpoint_path.exists() else None
        if self._resumed:
            self._read_checkpoint(self._resumed)
        elif place.weights is not None:
            self._begin_with(place.weights)

    def _read_checkpoint(self, path: Path) -> None:
        if path.is_dir():  # DeepSpeed's shards; Lightning reads them
            return
        run = read_run(path, asdict(self.settings))
        self.learner.take(run)
        print(f"going on from step {self.progress.step}, {self.progress.tokens_seen / 1e6:.2f} M tokens")

    def _begin_with(self, path: Path) -> None:
        weights = load_weights(path)
        size = size_of(weights)
        own = self.settings.size
        if size != own:
            raise CheckpointError(
                f"{path}: has {size.layers} layers of width {size.width} and {size.vocabulary} tokens "
                f"({size.architecture}), the run has {own.layers} x {own.width} and {own.vocabulary} "
                f"({own.architecture}). Set --layers, --width and --architecture to match."
            )
        self.learner.network.load_state_dict(weights)
        print(f"beginning with the weights of {path}")

    def run(self) -> Progress:
        """Train until a budget is used up, patience ends or the asked number of steps is done."""
        if not finished(self.learner) and not self.course.paused_at(self.progress):
            self.place.out.mkdir(parents=True, exist_ok=True)
            self.trainer.fit(self.learner, ckpt_path=self._resumed, weights_only=True)
        return self.progress


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    add = parser.add_argument
    add("part", choices=sorted(DEFAULTS))
    add("--prepared", type=Path, default=Path("training/work"), help="folder of the prepared corpora")
    add("--out", type=Path, help="folder of the run (default: PREPARED/PART)")
    add("--tokens", type=int, default=40_000_000, help="budget, training tokens")
    add("--minutes", type=float, help="budget, minutes; the cosine ends at the nearer budget")
    add("--threads", type=int, default=2)
    add("--weight-decay", type=float, default=0.1)
    add("--final-rate", type=float, default=5e-5)
    add("--seed", type=int, default=0)
    add("--weights", type=Path, help="begin with a public .pth, e.g. models/piano/model.pth")
    add("--eager", action="store_true", help="do not compile (slower steps, quicker start)")
    for name in ("layers", "width", "dropout", "rate"):
        add(f"--{name}", type=float if name in ("dropout", "rate") else int)
    add("--architecture", choices=ARCHITECTURES, default="x060", help="RWKV-6 (what the station plays) or RWKV-7")
    add("--lanes", type=int, default=8, help="sequences side by side, over all devices")
    add("--window", type=int, default=256, help="tokens a step and lane; the state goes on into the next window")
    add("--validate-tokens", type=int, default=1_000_000, help="a validation pass every so many tokens")
    add("--validation-tokens", type=int, help="length of a validation pass (default: the whole split)")
    add("--patience", type=int, default=5, help="stop after so many validations without a new best")
    add("--precision", choices=("bf16-mixed", "32-true"), default="bf16-mixed")
    add("--checkpoint-s", type=float, default=180.0, help="seconds between checkpoints")
    add("--stop-after-steps", type=int, help="save and stop there; the same command without it goes on")
    add("--accelerator", choices=("auto", "cpu", "gpu"), default="auto")
    add("--devices", type=int, default=1)
    add("--strategy", choices=STRATEGIES, default="auto", help="for several devices")
    add("--recompute", action="store_true", help="gradient checkpointing: less memory, a third more time")
    add("--log", action="append", choices=LOGGERS, default=[], help="also log to this; may be given several times")
    states.add_flags(parser)
    return parser


def _settings(options: argparse.Namespace, path: Path, corpus: Corpus) -> Settings:
    chosen = {k: v if getattr(options, k) is None else getattr(options, k) for k, v in DEFAULTS[options.part].items()}
    return Settings(
        part=options.part,
        corpus_sha256=corpus_sha256(path),
        vocabulary=corpus.vocabulary_size,
        layers=int(chosen["layers"]),
        width=int(chosen["width"]),
        dropout=float(chosen["dropout"]),
        rate=float(chosen["rate"]),
        weight_decay=options.weight_decay,
        final_rate=options.final_rate,
        tokens=options.tokens,
        minutes=options.minutes,
        lanes=options.lanes,
        window=options.window,
        seed=options.seed,
        validate_tokens=options.validate_tokens,
        validation_tokens=options.validation_tokens,
        patience=options.patience,
        weights_sha256=corpus_sha256(options.weights) if options.weights and options.weights.is_file() else None,
        architecture=options.architecture,
        precision=options.precision,
    )


def _place(options: argparse.Namespace) -> Place:
    return Place(
        options.out or options.prepared / options.part,
        options.weights,
        compiled=not options.eager,
        checkpoint_s=options.checkpoint_s,
        stop_after_steps=options.stop_after_steps,
        recompute=options.recompute,
        accelerator=options.accelerator,
        devices=options.devices,
        strategy=options.strategy,
        loggers=tuple(options.log),
    )


@told_plainly()
def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and train."""
    parser = _parser()
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    if options.states_only:
        states.tune(options)
        return
    path = options.prepared / f"{options.part}.npz"
    corpus = load_corpus(path)
    run = Run(_settings(options, path, corpus), corpus, _place(options))
    print(f"{options.part}: {sum(p.numel() for p in run.learner.network.parameters()) / 1e6:.2f} M parameters")
    run.run()


if __name__ == "__main__":
    main()
