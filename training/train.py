"""Trains one part's network on its prepared corpus: `python -m training.train piano|drums`.

Knows nothing about music: it sees token streams. A run that is stopped goes on where its last checkpoint stands, and
ends with the same numbers as one that was never stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine import tokens
from training.checkpoint import RunState, load_run, load_weights, save_run, write_atomically
from training.corpus import Corpus, corpus_sha256, load_corpus
from training.errors import CheckpointError
from training.network import Network, Size, public_weights, size_of
from training.schedule import Schedule, make_optimiser, set_rate
from training.validation import Forward, lanes_of, validate


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides the numbers of a run."""

    part: str
    corpus_sha256: str
    layers: int
    width: int
    dropout: float
    weight_decay: float
    rate: float
    final_rate: float
    tokens: int
    minutes: float | None
    warmup_steps: int = 60
    lanes: int = 8
    window: int = 256
    seed: int = 0
    validate_tokens: int = 1_000_000
    """A validation pass every so many training tokens."""
    patience: int = 5
    """Stop after so many validations without a new best."""
    weights_sha256: str | None = None
    """Which weights the run began with; None: fresh ones."""

    @property
    def schedule(self) -> Schedule:
        """Return the run's learning rate over time."""
        return Schedule(self.rate, self.final_rate, self.warmup_steps, self.tokens, self.minutes)


@dataclass(frozen=True, slots=True)
class Place:
    """How and where a run is carried out; changes none of its numbers, except the last bits when compiled."""

    out: Path
    weights: Path | None = None
    """A public `.pth` to begin with, for example a shipped model; a checkpoint of the run itself goes first."""
    compiled: bool = True
    checkpoint_s: float = 180.0
    stop_after_steps: int | None = None


class Trainer:
    """One run."""

    def __init__(self, settings: Settings, corpus: Corpus, place: Place) -> None:
        self.settings, self.corpus, self.place = settings, corpus, place
        torch.manual_seed(settings.seed)
        self.network = Network(Size(settings.layers, settings.width, tokens.VOCABULARY_SIZE), settings.dropout)
        self.optimiser = make_optimiser(self.network, settings.weight_decay)
        self.forward: Forward = torch.compile(self.network, dynamic=False) if place.compiled else self.network
        self.state = self._fresh_state()
        if self.checkpoint_path.exists():
            self._resume()
        elif place.weights is not None:
            self._begin_with(place.weights)

    @property
    def checkpoint_path(self) -> Path:
        """Return where the run's checkpoint lies."""
        return self.place.out / "checkpoint.pt"

    @property
    def best_path(self) -> Path:
        """Return where the weights of the best validation lie."""
        return self.place.out / "best.pth"

    def _fresh_state(self) -> RunState:
        return RunState(
            settings=asdict(self.settings),
            weights={},
            optimiser={},
            carried=self.network.initial_state(self.settings.lanes),
            rng=torch.get_rng_state(),
        )

    def _resume(self) -> None:
        self.state = load_run(self.checkpoint_path, asdict(self.settings))
        self.network.load_state_dict(self.state.weights)
        self.optimiser.load_state_dict(self.state.optimiser)
        torch.set_rng_state(self.state.rng)
        print(f"going on from step {self.state.step}, {self.state.tokens_seen / 1e6:.2f} M tokens")

    def _begin_with(self, path: Path) -> None:
        weights = load_weights(path)
        size = size_of(weights)
        if size != self.network.size:
            raise CheckpointError(
                f"{path}: has {size.layers} layers of width {size.width} and {size.vocabulary} tokens, the run has "
                f"{self.network.size.layers} x {self.network.size.width}. Set --layers and --width to match."
            )
        self.network.load_state_dict(weights)
        print(f"beginning with the weights of {path}")

    def save(self) -> None:
        """Write the checkpoint."""
        self.state.weights = self.network.state_dict()
        self.state.optimiser = self.optimiser.state_dict()
        self.state.rng = torch.get_rng_state()
        save_run(self.state, self.checkpoint_path)

    def run(self) -> RunState:
        """Train until a budget is used up, patience ends or the asked number of steps is done."""
        schedule, state = self.settings.schedule, self.state
        saved = clock = time.monotonic()
        self.network.train()
        for inputs, targets in self._windows():
            progress = schedule.progress(state.tokens_seen, state.elapsed_s)
            if progress >= 1 or state.worse_in_a_row >= self.settings.patience:
                break
            if self.place.stop_after_steps is not None and state.step >= self.place.stop_after_steps:
                self.save()
                return state
            loss = self._learn(inputs, targets, schedule.rate(state.step, progress))
            now = time.monotonic()
            state.elapsed_s += now - clock
            clock = now
            self._count(loss)
            if time.monotonic() - saved > self.place.checkpoint_s:
                self.save()
                saved = time.monotonic()
        self._validate(float("nan"))
        self.save()
        return state

    def _windows(self) -> Iterator[tuple[Tensor, Tensor]]:
        window = self.settings.window
        while True:
            ids = self.corpus.epoch(self.state.epoch, self.settings.seed)
            inputs, targets = lanes_of(ids, self.settings.lanes)
            for index in range(self.state.step_in_epoch, inputs.shape[1] // window):
                cut = slice(index * window, (index + 1) * window)
                yield inputs[:, cut].contiguous(), targets[:, cut].contiguous()
            self.state.epoch += 1
            self.state.step_in_epoch = 0

    def _learn(self, inputs: Tensor, targets: Tensor, rate: float) -> float:
        set_rate(self.optimiser, rate)
        with torch.autocast("cpu", torch.bfloat16):
            logits, carried = self.forward(inputs, self.state.carried)
        loss = functional.cross_entropy(logits.float().view(-1, logits.shape[-1]), targets.reshape(-1))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.state.carried = (carried[0].detach(), carried[1].detach())
        return float(loss.detach())

    def _count(self, loss: float) -> None:
        state, size = self.state, self.settings.lanes * self.settings.window
        state.step += 1
        state.step_in_epoch += 1
        state.tokens_seen += size
        if (
            state.tokens_seen // self.settings.validate_tokens
            != (state.tokens_seen - size) // self.settings.validate_tokens
        ):
            self._validate(loss)

    def _validate(self, loss: float) -> None:
        state = self.state
        report = validate(
            self.network, self.forward, self.corpus.validation(), self.settings.lanes, self.settings.window
        )
        report |= {"step": state.step, "tokens_seen": state.tokens_seen, "epoch": state.epoch, "loss": loss}
        report["elapsed_s"] = round(state.elapsed_s, 1)
        state.history.append(report)
        if report["nll_per_token"] < state.best:
            state.best, state.worse_in_a_row = report["nll_per_token"], 0
            write_atomically(public_weights(self.network), self.best_path)
        else:
            state.worse_in_a_row += 1
        (self.place.out / "history.json").write_text(json.dumps(state.history, indent=1))
        print(
            f"{state.elapsed_s / 60:6.1f} min  {state.tokens_seen / 1e6:6.2f} M tokens  epoch {state.epoch}"
            f"  loss {loss:.3f}  valid {report['nll_per_token']:.4f}/token {report['nll_per_bar']:.2f}/bar"
            f"  {state.tokens_seen / max(state.elapsed_s, 1):.0f} tokens/s",
            flush=True,
        )


DEFAULTS = {
    "piano": {"layers": 6, "width": 256, "dropout": 0.1, "rate": 1.5e-3},
    "drums": {"layers": 4, "width": 192, "dropout": 0.2, "rate": 2e-3},
}


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("part", choices=sorted(DEFAULTS))
    parser.add_argument("--prepared", type=Path, default=Path("training/work"), help="folder of the prepared corpora")
    parser.add_argument("--out", type=Path, help="folder of the run (default: PREPARED/PART)")
    parser.add_argument("--tokens", type=int, default=40_000_000, help="budget, training tokens")
    parser.add_argument("--minutes", type=float, help="budget, minutes; the cosine ends at the nearer budget")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--final-rate", type=float, default=5e-5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", type=Path, help="begin with a public .pth, e.g. models/piano/model.pth")
    parser.add_argument("--eager", action="store_true", help="do not compile (slower steps, quicker start)")
    for name in ("layers", "width", "dropout", "rate"):
        parser.add_argument(f"--{name}", type=float if name in ("dropout", "rate") else int)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    path = options.prepared / f"{options.part}.npz"
    chosen = {k: v if getattr(options, k) is None else getattr(options, k) for k, v in DEFAULTS[options.part].items()}
    settings = Settings(
        part=options.part,
        corpus_sha256=corpus_sha256(path) if path.is_file() else "",
        weight_decay=options.weight_decay,
        final_rate=options.final_rate,
        tokens=options.tokens,
        minutes=options.minutes,
        seed=options.seed,
        weights_sha256=corpus_sha256(options.weights) if options.weights and options.weights.is_file() else None,
        **chosen,
    )
    place = Place(options.out or options.prepared / options.part, options.weights, compiled=not options.eager)
    trainer = Trainer(settings, load_corpus(path), place)
    print(f"{options.part}: {sum(p.numel() for p in trainer.network.parameters()) / 1e6:.2f} M parameters")
    trainer.run()


if __name__ == "__main__":
    main()
