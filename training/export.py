"""Exports trained weights as a model to play: `python -m training.export piano|drums|thesis --weights best.pth`.

Refuses to write a model that does not compute what the trained one does. Knows nothing about music.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine import tokens
from training.cards import DATA, LICENCES, data_of, write_card
from training.checkpoint import load_weights
from training.corpus import Corpus, load_corpus
from training.errors import ExportError, told_plainly
from training.network import network_of
from training.recurrence import CHUNK
from training.runtime import OnnxStep, divergence, package_logits
from training.size import Size, size_of
from training.step_graph import build_step
from training.step_graph7 import build_step7
from training.validation import validate

LARGEST_DIFFERENCE = 1e-4
"""Float32 graph against the `rwkv` package, largest absolute logit difference."""
LARGEST_DIVERGENCES = {8: 0.01, 4: 0.02}
"""A graph in so many bits against the float32 one, nats a token."""
LARGEST_FILE_BYTES = 30_000_000
"""Of a model that goes into the repository; the thesis's size does not."""
LARGEST_UNSHIPPED_BYTES = 2_000_000_000
COMPARED_TOKENS = 600
KEPT_EXACT = frozenset({"emb.weight", "blocks.0.ln0.weight", "blocks.0.ln0.bias"})
"""Stored in 32 bits: the `rwkv` package normalises the embedding in the stored type, which costs 1e-3 in 16 bits."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where weights come from, for the card."""

    part: str
    text: str
    command: str
    tokens_seen: int
    compared_tokens: int | None = None
    """Length of the comparison and of the validation, tokens; None: 600, and the whole split."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """How the weights of a model to play are stored."""

    bits: int = 8
    any_loss: bool = False
    """Whether it may cost more than is allowed."""

    def accept(self, cost: float) -> None:
        """Refuse what costs too much, nats a token."""
        largest = LARGEST_DIVERGENCES[self.bits]
        if cost <= largest or (self.any_loss and np.isfinite(cost)):
            return
        remedy = "Use a smaller BLOCK_SIZE" if self.bits == max(LARGEST_DIVERGENCES) else "Export with --bits 8"
        raise ExportError(
            f"{self.bits}-bit weights cost {cost:.4f} nats a token, allowed are {largest}. {remedy}, or accept it with "
            "--any-loss."
        )


EIGHT_BITS = Rounding()


def compare(
    weights: Mapping[str, Tensor], ids: list[int], rounding: Rounding = EIGHT_BITS
) -> tuple[bytes, dict[str, float]]:
    """Build the model in few bits and compare it on a token sequence.

    Raises:
        ExportError: the graph and the `rwkv` package disagree, or the bits cost too much.
    """
    arrays = {name: value.numpy() for name, value in weights.items()}
    build = build_step7 if size_of(dict(weights)).architecture == "x070" else build_step
    exact = OnnxStep(build(arrays, bits=None).SerializeToString()).logits(ids)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pth"
        torch.save(dict(weights), path)
        difference = float(np.abs(package_logits(path, ids) - exact).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise ExportError(
            f"the exported step differs from the rwkv package by {difference:.2e} in a logit, allowed are "
            f"{LARGEST_DIFFERENCE:.0e}. Compare {build.__module__} with the package's forward."
        )
    model = build(arrays, bits=rounding.bits).SerializeToString()
    cost = divergence(exact, OnnxStep(model).logits(ids))
    rounding.accept(cost)
    name = f"kl_{rounding.bits}bit_vs_fp32_nats_per_token"
    return model, {"onnx_fp32_vs_rwkv_max_logit": difference, name: round(cost, 6)}


def export(
    weights: dict[str, Tensor], origin: Origin, prepared: Path, out: Path, rounding: Rounding = EIGHT_BITS
) -> dict[str, Any]:
    """Write model.onnx, model.pth, card.json and README.md; return the card."""
    stored = {name: value.half() if name not in KEPT_EXACT else value.half().float() for name, value in weights.items()}
    weights = {name: value.float() for name, value in stored.items()}  # both files hold the same numbers
    size = size_of(weights)
    corpus = load_corpus(prepared / f"{origin.part}.npz")
    _check(size, corpus)
    stream = corpus.validation()
    ids = [int(token) for token in stream[: origin.compared_tokens or COMPARED_TOKENS]]
    model, agreement = compare(weights, ids, rounding)
    network = network_of(weights)
    if origin.compared_tokens is None:
        report = validate(network, network, stream)
    else:
        report = validate(network, network, stream[: origin.compared_tokens], lanes=1, window=CHUNK)
    largest = LARGEST_FILE_BYTES if origin.part in DATA else LARGEST_UNSHIPPED_BYTES
    out.mkdir(parents=True, exist_ok=True)
    _write(out / "model.onnx", model, largest)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        torch.save(stored, Path(folder) / "model.pth")
        _write(out / "model.pth", (Path(folder) / "model.pth").read_bytes(), largest)
    name = "midicompact" if size.vocabulary == tokens.MIDICOMPACT_SIZE else "lofi"
    vocabulary = {"name": name, "size": size.vocabulary, "sha256": tokens.vocabulary_sha256(size.vocabulary)}
    card = {
        "part": origin.part,
        "format": f"rwkv-{size.architecture}",
        "layers": size.layers,
        "width": size.width,
        "heads": size.heads,
        "vocabulary": vocabulary,
        "file": "model.onnx",
        "sha256": hashlib.sha256(model).hexdigest(),
        "bits": rounding.bits,
        "parameters": sum(value.numel() for value in weights.values()),
        "date": datetime.now(UTC).date().isoformat(),
        "licence": LICENCES[origin.part],
        "origin": origin.text,
        "data": data_of(origin.part, corpus.sources),
        "validation": report | agreement,
        "command": origin.command,
        "tokens_seen": origin.tokens_seen,
    }
    write_card(out, card)
    return card


def _check(size: Size, corpus: Corpus) -> None:
    if size.vocabulary != corpus.vocabulary_size:
        raise ExportError(
            f"weights of {size.vocabulary} tokens, the corpus has {corpus.vocabulary_size}. Name the weights' own part."
        )


def export_again(folder: Path, ids: list[int], rounding: Rounding = EIGHT_BITS) -> dict[str, Any]:
    """Write model.onnx anew from a folder's own model.pth, with its hash and agreement in the card; return the card."""
    card: dict[str, Any] = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    stored = torch.load(folder / "model.pth", weights_only=True)
    model, agreement = compare({name: value.float() for name, value in stored.items()}, ids, rounding)
    _write(folder / "model.onnx", model, LARGEST_UNSHIPPED_BYTES)
    measured = {name: value for name, value in card["validation"].items() if not name.startswith("kl_")} | agreement
    card |= {"sha256": hashlib.sha256(model).hexdigest(), "bits": rounding.bits, "validation": measured}
    write_card(folder, card)
    return card


def tokens_of_best(history: Path) -> int:
    """Return how many tokens a run had seen at its best validation; 0 without a history."""
    if not history.is_file():
        return 0
    reports = json.loads(history.read_text(encoding="utf-8"))
    return int(min(reports, key=lambda report: report["nll_per_token"])["tokens_seen"])


def _write(path: Path, data: bytes, largest: int) -> None:
    if len(data) > largest:
        raise ExportError(f"{path}: {len(data)} bytes, allowed are {largest}. Train a smaller network.")
    draft = path.with_name(path.name + ".tmp")
    draft.write_bytes(data)
    os.replace(draft, path)


@told_plainly()
def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("part", choices=sorted(LICENCES))
    parser.add_argument("--prepared", type=Path, default=Path("training/work"), help="folder of the prepared corpora")
    parser.add_argument("--weights", type=Path, help="default: PREPARED/PART/best.pth")
    parser.add_argument("--out", type=Path, help="default: models/PART")
    parser.add_argument("--origin", default="Trained from scratch with training/train.py.")
    parser.add_argument("--command", default="", help="the command behind the weights, for the card")
    parser.add_argument("--tokens-seen", type=int, help="default: from the run's history.json")
    parser.add_argument(
        "--again", action="store_true", help="write model.onnx anew from OUT/model.pth; no weights needed"
    )
    parser.add_argument("--compared-tokens", type=int, help="compare and validate on so many (default: 600 and all)")
    parser.add_argument(
        "--bits", type=int, choices=sorted(LARGEST_DIVERGENCES), default=8, help="of the weights; default: 8"
    )
    parser.add_argument("--any-loss", action="store_true", help="accept what few bits cost; the card says how much")
    options = parser.parse_args(arguments)
    rounding = Rounding(options.bits, options.any_loss)
    # One thread: a second one waits for the first whenever a training run holds its core.
    torch.set_num_threads(1)
    out = options.out or Path("models") / options.part
    if options.again:
        stream = load_corpus(options.prepared / f"{options.part}.npz").validation()
        ids = [int(token) for token in stream[: options.compared_tokens or COMPARED_TOKENS]]
        _print(export_again(out, ids, rounding))
        return
    path = options.weights or options.prepared / options.part / "best.pth"
    seen = tokens_of_best(path.with_name("history.json")) if options.tokens_seen is None else options.tokens_seen
    origin = Origin(options.part, options.origin, options.command or f"training/runs/{options.part}.sh", seen)
    origin = replace(origin, compared_tokens=options.compared_tokens)
    _print(export(load_weights(path), origin, options.prepared, out, rounding))


def _print(card: Mapping[str, Any]) -> None:
    for name, value in card["validation"].items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
