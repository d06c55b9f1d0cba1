"""Turns data sets into prepared corpora: `python -m training.prepare [piano] [drums] [thesis]`.

Each becomes PART.npz for training/train.py and, on request, JSON Lines and `.bin`/`.idx` for other trainers of RWKV,
with the tokenizer.json of its vocabulary. Knows nothing about splits or the network.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine import tokens
from training.binidx import write_binidx
from training.corpora import DEFAULT_DATA, Consent, data_set, verify
from training.corpus import EVERY_EPOCH, Corpus, Entry, save_corpus
from training.epochs import PARTS, Making
from training.errors import CorpusError, told_plainly
from training.tokenizer import encode_texts, read_lines, save_tokenizer, table, write_lines

SHOWN_REASONS = 12


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was left out of one data set."""

    key: str
    reasons: list[str]


def prepare(
    part: str, keys: tuple[str, ...], data: Path, making: Making, consent: Consent | None = None
) -> tuple[Corpus, list[Skipped]]:
    """Return a part's corpus from data sets that are verified first, and what was left out.

    Raises:
        CorpusError: a set is missing or not what it should be, or does not belong to the part.
    """
    known = PARTS[part].sets + PARTS[part].more
    unknown = sorted(set(keys) - set(known))
    if unknown:
        raise CorpusError(f"{unknown[0]!r}: not a set for {part}. Choose from {', '.join(known)}.")
    sources = {key: verify(data_set(key), data, consent) for key in keys}
    loaded, skipped = {}, []
    for key in keys:
        item = data_set(key)
        loaded[key], reasons = item.load(data / item.folder, making.workers)
        skipped.append(Skipped(key, reasons))
    corpus, reasons = PARTS[part].make(loaded, making)
    return replace(corpus, sources=sources), [*skipped, Skipped(part, reasons)]


def write_for_other_trainers(corpus: Corpus, prefix: Path) -> None:
    """Write PREFIX_train and PREFIX_validation as .jsonl, .bin and .idx: every variant of every song.

    Raises:
        CorpusError: the tokens did not come back from their text.
    """
    words = table(corpus.vocabulary_size)
    for validation, split in ((False, "train"), (True, "validation")):
        entries = [entry for entry in corpus.entries if entry.validation == validation]
        name = prefix.with_name(f"{prefix.name}_{split}")
        lines = name.with_suffix(".jsonl")
        write_lines((" ".join([words[token] for token in entry.ids]) for entry in entries), lines)
        count, size = write_binidx(_checked(entries, lines, corpus.vocabulary_size), name)
        print(f"  {lines.name}, {name.name}.bin, .idx: {count} sequences, {size} tokens")


def _checked(entries: list[Entry], lines: Path, size: int) -> Iterator[np.ndarray]:
    for entry, ids in zip(entries, encode_texts(read_lines(lines), size), strict=True):
        if not np.array_equal(ids, entry.ids):
            raise CorpusError(f"{lines}: {entry.name} does not come back from its text. The token table is broken.")
        yield ids


def report(corpus: Corpus, skipped: list[Skipped]) -> None:
    """Print what a corpus holds and what it left out."""
    for each in skipped:
        for reason in each.reasons[:SHOWN_REASONS]:
            print(f"  skipped: {reason}")
        if len(each.reasons) > SHOWN_REASONS:
            print(f"  skipped: {len(each.reasons) - SHOWN_REASONS} more of {each.key}, see --reasons")
    for validation in (False, True):
        chosen = [e for e in corpus.entries if e.validation == validation and e.variant in (EVERY_EPOCH, 0)]
        for source in sorted({e.name.partition("/")[0] for e in chosen}):
            found = [e for e in chosen if e.name.partition("/")[0] == source]
            count = sum(len(e.ids) for e in found)
            bars = sum(int((e.ids == tokens.BAR).sum()) for e in found)
            split = "validation" if validation else "training, one epoch"
            each_bar = f", {bars} bars, {count / bars:.1f} tokens a bar" if bars else ""
            print(f"  {split}: {source}: {len(found)} sequences, {count} tokens{each_bar}")
    left_out = ", ".join(f"{len(each.reasons)} of {each.key}" for each in skipped if each.reasons) or "nothing"
    print(f"  left out: {left_out}; variants: {corpus.variants}; vocabulary: {corpus.vocabulary_size} tokens")


@told_plainly()
def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and prepare."""
    parser = argparse.ArgumentParser(prog="python -m training.prepare", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="|".join(PARTS), help="default: piano and drums")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the unpacked data sets")
    parser.add_argument("--out", type=Path, default=Path("training/work"))
    parser.add_argument("--sets", help="data sets of the part, by commas; `python -m training.corpora` lists them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
    parser.add_argument("--binidx", action="store_true", help="also write JSON Lines and .bin/.idx")
    parser.add_argument("--reasons", type=Path, help="write every reason for what was left out into this file")
    parser.add_argument("--accept-changed", action="store_true", help="take sets whose checksum is not the known one")
    parser.add_argument("--accept-licence", action="append", default=[], metavar="SET", help="take on a set's warning")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}: choose from {', '.join(PARTS)}.")
    if options.sets and len(options.parts) != 1:
        parser.error("--sets belongs to one part: name it.")
    for part in options.parts or ("piano", "drums"):
        _run(part, options)


def _run(part: str, options: argparse.Namespace) -> None:
    start = time.monotonic()
    keys = tuple(options.sets.split(",")) if options.sets else PARTS[part].sets
    consent = Consent(options.accept_changed, frozenset(options.accept_licence))
    making = Making(options.seed, options.workers)
    corpus, skipped = prepare(part, keys, options.data.expanduser(), making, consent)
    path = options.out / f"{part}.npz"
    save_corpus(corpus, path)
    save_tokenizer(corpus.vocabulary_size, options.out / f"{part}.tokenizer.json")
    print(f"{path}: {time.monotonic() - start:.0f} s")
    report(corpus, skipped)
    if options.binidx:
        write_for_other_trainers(corpus, options.out / part)
    if options.reasons:
        lines = [f"{each.key}: {reason}\n" for each in skipped for reason in each.reasons]
        options.reasons.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
