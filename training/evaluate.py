"""Evaluates models and music: `python -m training.evaluate piano|drums [--weights ...] [--music ...] [--sample]`.

Validation likelihood of weights; symbolic measures of the corpus and of music side by side. Music is a JSONL file of
token lists (bare, or under "tokens") or MIDI files, for example what the station wrote.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from engine import tokens
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT
from training.checkpoint import load_weights
from training.copying import Passages, drum_steps, piano_steps
from training.corpus import Corpus, Entry, load_corpus
from training.drums import KEY_CLASSES
from training.errors import CorpusError
from training.measures import drum_histograms, measure_drums, measure_piano, overlap, piano_histograms
from training.midi import read_midi
from training.network import network_of
from training.pop909 import tidy
from training.runtime import OnnxStep
from training.sample import write_song
from training.songs import DrumSong, Hit, PianoSong, decode_drums, decode_piano
from training.validation import validate

DRUM_STYLES_OF_LOFI = ("hiphop", "soul")
SAMPLED_SONGS = 8
COPY_VARIANT = 0


def read_music(path: Path, part: str) -> list[PianoSong] | list[DrumSong]:
    """Read music to measure from JSONL token lists or a MIDI file.

    Raises:
        CorpusError: it is neither.
    """
    if path.suffix.lower() in (".mid", ".midi"):
        return _from_midi(path, part)
    decode = decode_piano if part == "piano" else decode_drums
    songs = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            item = json.loads(line)
            ids = item["tokens"] if isinstance(item, dict) else item
            songs.append(decode([int(token) for token in ids], f"{path.name}:{number}"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(
            f"{path}: not a JSONL file of token lists ({error!r}). One song a line, or a .mid file."
        ) from error
    return songs  # type: ignore[return-value]


def _from_midi(path: Path, part: str) -> list[PianoSong] | list[DrumSong]:
    score = read_midi(path)
    scale = TICKS_PER_BEAT / score.ticks_per_beat
    if part == "drums":
        hits = sorted(
            Hit(
                round(n.start * scale) + tokens.DRUM_WINDOW_TICKS,
                KEY_CLASSES[n.pitch],
                tokens.velocity_to_bin(n.velocity),
            )
            for n in score.notes
            if n.pitch in KEY_CLASSES
        )
        bars = hits[-1].tick // TICKS_PER_BAR + 1 if hits else 0
        return [DrumSong(path.name, "other", False, tuple(hits), bars)]
    notes = tidy([(n.start * scale, n.end * scale, n.pitch, n.velocity) for n in score.notes])
    bars = notes[-1].start // TICKS_PER_BAR + 1 if notes else 0
    return [PianoSong(path.name, "other", False, tuple(notes), ((None, None),) * bars)]


def describe(part: str, songs: Sequence[PianoSong] | Sequence[DrumSong]) -> dict[str, float]:
    """Return the measures of songs of a part."""
    return measure_piano(songs) if part == "piano" else measure_drums(songs)  # type: ignore[arg-type]


def likeness(part: str, reference: Sequence[object], songs: Sequence[object]) -> dict[str, float]:
    """Return overlapping areas with a reference."""
    histograms = piano_histograms if part == "piano" else drum_histograms
    areas = overlap(histograms(reference), histograms(songs))  # type: ignore[arg-type]
    return {f"overlap_{name}": value for name, value in areas.items()}


def longest_copied(part: str, corpus: Corpus, songs: Sequence[object]) -> int:
    """Return the longest passage, in notes, that songs share with the training set."""
    decode, steps = (decode_piano, piano_steps) if part == "piano" else (decode_drums, drum_steps)
    training = (e for e in corpus.entries if not e.validation and e.variant in (-1, COPY_VARIANT))
    passages = Passages(steps(decode(entry.ids)) for entry in training)  # type: ignore[arg-type]
    return max((passages.longest_shared(steps(song)) + 1 for song in songs), default=0)  # type: ignore[arg-type]


def groups(part: str, entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Return the validation songs by what they are compared as."""
    chosen: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.validation:
            if part == "piano":
                name = "pop" if entry.name.startswith("pop909/") else "lead"
            else:
                name = "lo-fi" if decode_drums(entry.ids).style in DRUM_STYLES_OF_LOFI else "others"
            chosen.setdefault(name, []).append(entry)
    return chosen


def table(columns: Mapping[str, Mapping[str, float]]) -> str:
    """Return a markdown table, one column per key, one row per measure."""
    rows = list(dict.fromkeys(name for column in columns.values() for name in column))
    lines = ["| |" + "|".join(f" {name} " for name in columns) + "|", "|---|" + "---|" * len(columns)]
    for row in rows:
        cells = (column.get(row, math.nan) for column in columns.values())
        text = "|".join(" - " if math.isnan(v) else f" {v:.3f} " if isinstance(v, float) else f" {v} " for v in cells)
        lines.append(f"| {row.replace('_', ' ')} |{text}|")
    return "\n".join(lines)


def likelihoods(corpus: Corpus, paths: Sequence[Path], part: str) -> dict[str, dict[str, float]]:
    """Return validation reports by weights file, for all songs and for each group."""
    columns = {}
    for path in paths:
        network = network_of(load_weights(path))
        columns[f"{path}"] = validate(network, network, corpus.validation())
        for name, entries in groups(part, corpus.entries).items():
            stream = Corpus(tuple(entries)).validation()
            columns[f"{name}: {path}"] = validate(network, network, stream, lanes=4)
    return columns


def sample(model: Path, entries: Sequence[Entry], part: str, bars: int) -> list[PianoSong] | list[DrumSong]:
    """Return songs that a model writes under the headers of validation songs."""
    step = OnnxStep(model)
    decode = decode_piano if part == "piano" else decode_drums
    chosen = sorted(entries, key=lambda entry: -len(entry.ids))[:SAMPLED_SONGS]
    return [  # type: ignore[return-value]
        decode(write_song(step, entry.ids.tolist(), seed, bars=bars), entry.name) for seed, entry in enumerate(chosen)
    ]


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and evaluate."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("part", choices=("drums", "piano"))
    parser.add_argument("--prepared", type=Path, default=Path("training/work"), help="folder of the prepared corpora")
    parser.add_argument("--weights", type=Path, nargs="*", default=[], help="weights to validate")
    parser.add_argument("--music", type=Path, nargs="*", default=[], help="JSONL of token lists, or MIDI files")
    parser.add_argument("--sample", type=Path, help="exported model.onnx that writes under validation headers")
    parser.add_argument("--bars", type=int, default=32, help="most bars of a sampled song")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    corpus = load_corpus(options.prepared / f"{options.part}.npz")
    if options.weights:
        print(table(likelihoods(corpus, options.weights, options.part)) + "\n")
    decode = decode_piano if options.part == "piano" else decode_drums
    references = {
        name: [decode(entry.ids, entry.name) for entry in entries]
        for name, entries in groups(options.part, corpus.entries).items()
    }
    columns: dict[str, dict[str, float]] = {}
    music: dict[str, tuple[str, Sequence[object]]] = {}
    for path in options.music:
        music[str(path)] = (next(iter(references)), read_music(path, options.part))
    if options.sample:
        for name, entries in groups(options.part, corpus.entries).items():
            music[f"written: {name}"] = (name, sample(options.sample, entries, options.part, options.bars))
    for name, songs in references.items():
        columns[f"validation: {name}"] = describe(options.part, songs) | {
            "longest_copied_notes": longest_copied(options.part, corpus, songs)
        }
    for name, (reference, songs) in music.items():
        columns[name] = (
            describe(options.part, songs)  # type: ignore[arg-type]
            | {"longest_copied_notes": longest_copied(options.part, corpus, songs)}
            | likeness(options.part, references[reference], songs)
        )
    print(table(columns))


if __name__ == "__main__":
    main()
