"""Evaluates models and music: `python -m training.evaluate piano|drums [--weights ...] [--music ...] [--sample ...]`.

Validation likelihood of weights, and symbolic measures of the corpus and of music side by side. Music is a JSONL file
of token lists (bare, or under "tokens") or MIDI files, for example what the station wrote.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from training.checkpoint import load_weights
from training.copying import Passages
from training.corpus import EVERY_EPOCH, Corpus, Entry, load_corpus
from training.measures import Measures
from training.music import PARTS, Part, Song, likeness, longest_copied, read_music
from training.network import network_of
from training.runtime import OnnxStep
from training.sample import write_song
from training.validation import validate

SAMPLED_SONGS = 8
COPY_VARIANT = 0
"""The variant of augmented songs that copies are looked for in; the others differ in velocity and timing only."""


def groups(part: Part, corpus: Corpus) -> dict[str, list[Entry]]:
    """Return the validation songs by what they are compared as."""
    chosen: dict[str, list[Entry]] = defaultdict(list)
    for entry in corpus.entries:
        if entry.validation:
            chosen[part.kind(part.decode(entry.ids.tolist(), entry.name))].append(entry)
    return dict(chosen)


def passages_of(part: Part, corpus: Corpus) -> Passages:
    """Return all passages of the training songs."""
    training = (e for e in corpus.entries if not e.validation and e.variant in (EVERY_EPOCH, COPY_VARIANT))
    return Passages(part.steps(part.decode(entry.ids.tolist(), entry.name)) for entry in training)


def likelihoods(part: Part, corpus: Corpus, paths: Sequence[Path]) -> dict[str, Measures]:
    """Return validation reports by weights file, for all songs and for each group."""
    columns = {}
    for path in paths:
        network = network_of(load_weights(path))
        columns[f"{path}"] = validate(network, network, corpus.validation())
        for name, entries in groups(part, corpus).items():
            stream = Corpus(tuple(entries)).validation()
            columns[f"{name}: {path}"] = validate(network, network, stream, lanes=4)
    return columns


def sample(part: Part, model: Path, entries: Sequence[Entry], bars: int) -> list[Song]:
    """Return songs that a model writes under the headers of the longest validation songs."""
    step = OnnxStep(model)
    chosen = sorted(entries, key=lambda entry: -len(entry.ids))[:SAMPLED_SONGS]
    return [
        part.decode(write_song(step, entry.ids.tolist(), seed, bars=bars), entry.name)
        for seed, entry in enumerate(chosen)
    ]


def table(columns: Mapping[str, Mapping[str, float]]) -> str:
    """Return a markdown table, one column per key, one row per measure."""
    rows = list(dict.fromkeys(name for column in columns.values() for name in column))
    lines = ["| |" + "|".join(f" {name} " for name in columns) + "|", "|---|" + "---|" * len(columns)]
    for row in rows:
        cells = (column.get(row, math.nan) for column in columns.values())
        text = "|".join(" - " if math.isnan(v) else f" {v:.3f} " if isinstance(v, float) else f" {v} " for v in cells)
        lines.append(f"| {row.replace('_', ' ')} |{text}|")
    return "\n".join(lines)


def compare(part: Part, corpus: Corpus, music: Mapping[str, tuple[str, Sequence[Song]]]) -> dict[str, Measures]:
    """Return the measures of the validation groups, and of music beside the group that it is compared with."""
    passages = passages_of(part, corpus)
    references = {
        name: [part.decode(entry.ids.tolist(), entry.name) for entry in entries]
        for name, entries in groups(part, corpus).items()
    }
    columns: dict[str, Measures] = {}
    for name, songs in references.items():
        copied = longest_copied(part, passages, songs)
        columns[f"validation: {name}"] = part.measure(songs) | {"longest_copied_notes": copied}
    for name, (reference, written) in music.items():
        copied = longest_copied(part, passages, written)
        close = likeness(part, references[reference], written)
        columns[name] = part.measure(written) | {"longest_copied_notes": copied} | close
    return columns


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and evaluate."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("--prepared", type=Path, default=Path("training/work"), help="folder of the prepared corpora")
    parser.add_argument("--weights", type=Path, nargs="*", default=[], help="weights to validate")
    parser.add_argument("--music", type=Path, nargs="*", default=[], help="JSONL of token lists, or MIDI files")
    parser.add_argument("--like", help="the validation group that --music is compared with (default: the first)")
    parser.add_argument("--sample", type=Path, help="exported model.onnx that writes under validation headers")
    parser.add_argument("--bars", type=int, default=32, help="most bars of a sampled song")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    part, corpus = PARTS[options.part], load_corpus(options.prepared / f"{options.part}.npz")
    known = groups(part, corpus)
    like = options.like or next(iter(known))
    if like not in known:
        parser.error(f"unknown group {like!r}: choose from {', '.join(known)}.")
    if options.weights:
        print(table(likelihoods(part, corpus, options.weights)) + "\n")
    music = {str(path): (like, read_music(path, part)) for path in options.music}
    if options.sample:
        for name, entries in known.items():
            music[f"written: {name}"] = (name, sample(part, options.sample, entries, options.bars))
    print(table(compare(part, corpus, music)))


if __name__ == "__main__":
    main()
