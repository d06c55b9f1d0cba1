"""Evaluates models and music: `python -m training.evaluate piano|drums [--weights ...] [--music ...] [--out DIR]`.

Validation likelihood of weights, and symbolic measures of the corpus and of music side by side. Music is a JSONL file
of token lists (bare, or under "tokens") or MIDI files, for example what the station wrote. With --out the tables go to
a folder with pictures and the sampled songs as MIDI files, some of them also as the station would play them.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from training.calibration import expected_ghosts
from training.checkpoint import load_weights
from training.copying import Passages
from training.corpus import EVERY_EPOCH, Corpus, Entry, as_ids, load_corpus
from training.distributions import overlapping_areas
from training.epochs import HELD_OUT_REMAINDER
from training.errors import told_plainly
from training.measures import Measures
from training.music import PARTS, Part, Song, likeness, longest_copied, read_music
from training.network import network_of
from training.pop909 import read_pop909
from training.report import Report, save_report
from training.runtime import OnnxStep
from training.sample import write_song
from training.songs import encode_piano
from training.sound import SILENT, render
from training.stretches import chosen
from training.thesis import THESIS, thesis_measures
from training.validation import validate

SAMPLED_STRETCHES = 24
HEARD_SONGS = 3
"""Of each group's written stretches so many become sound."""
THESE_BARS = "as asked"
"""The stretches of a group whose headers were given to a model: what it writes is compared with these."""
HELD_OUT = "held out"
"""The POP909 songs whose id is a multiple of ten: neither trained on nor used to choose a checkpoint."""
MOST_THESIS_SONGS = 12
"""The thesis's measures take a second a song."""
COPY_VARIANT = 0
"""The variant of augmented songs that copies are looked for in; the others differ in velocity and timing only."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What music is compared with."""

    groups: dict[str, Sequence[Entry]]
    """Songs outside the training set, by what they are compared as."""
    passages: Passages
    """Every passage of the training set."""


def groups_of(part: Part, corpus: Corpus) -> dict[str, Sequence[Entry]]:
    """Return the validation songs of a corpus in groups."""
    groups: dict[str, Sequence[Entry]] = {}
    for entry in corpus.entries:
        if entry.validation:
            kind = part.kind(part.decode(entry.ids.tolist(), entry.name))
            groups[kind] = [*groups.get(kind, ()), entry]
    return groups


def reference_of(part: Part, corpus: Corpus, held_out: Sequence[Entry] = ()) -> Reference:
    """Return the validation songs of a corpus in groups, its training passages, and further songs as a group."""
    groups = groups_of(part, corpus)
    if held_out:
        groups[HELD_OUT] = held_out
    training = (e for e in corpus.entries if not e.validation and e.variant in (EVERY_EPOCH, COPY_VARIANT))
    return Reference(groups, Passages(part.steps(part.decode(e.ids.tolist(), e.name)) for e in training))


def held_out_songs(folder: Path) -> list[Entry]:
    """Return the POP909 songs that training never sees, from the folder of the unpacked set."""
    songs, _ = read_pop909(folder)
    kept = (song for song in songs if int(song.name.rpartition("/")[2]) % HELD_OUT_REMAINDER == 0)
    return [Entry(song.name, True, EVERY_EPOCH, as_ids(encode_piano(song))) for song in kept]


def likelihoods(part: Part, corpus: Corpus, reference: Reference, paths: Sequence[Path]) -> dict[str, Measures]:
    """Return validation reports by weights file, for all validation songs and for each group."""
    columns = {}
    for path in paths:
        network = network_of(load_weights(path))
        columns[f"{path}"] = validate(network, network, corpus.validation())
        for name, entries in reference.groups.items():
            stream = Corpus(tuple(entries)).validation()
            columns[f"{name}: {path}"] = validate(network, network, stream, lanes=4)
            if part.ghosts:
                columns[f"{name}: {path}"] |= expected_ghosts(network, entries)
    return columns


def sample(part: Part, model: Path, asked: Sequence[Entry], bars: int) -> list[Song]:
    """Return songs that a model writes under the headers of stretches."""
    step = OnnxStep(model)
    return [
        part.decode(write_song(step, entry.ids.tolist(), seed, bars=bars), entry.name)
        for seed, entry in enumerate(asked)
    ]


def compare(part: Part, reference: Reference, music: Mapping[str, tuple[str, Sequence[Song]]]) -> Report:
    """Return the measures of the reference groups, and of music beside the group that it is compared with."""
    songs = {name: [part.decode(e.ids.tolist(), e.name) for e in found] for name, found in reference.groups.items()}
    copied = {name: longest_copied(part, reference.passages, found) for name, found in songs.items()}
    report = Report(
        measures={
            f"corpus: {name}": part.measure(found) | {"longest_copied_notes": copied[name]}
            for name, found in songs.items()
        },
        thesis=dict(THESIS) if part.single_line else {},
        songs={f"corpus: {name}": found for name, found in songs.items()},
        compared={name: f"corpus: {group}" for name, (group, _) in music.items()},
    )
    for name, (group, written) in music.items():
        like = likeness(part, songs[group], written)
        like |= overlapping_areas(part.features(songs[group]), part.features(written))
        found = {"longest_copied_notes": longest_copied(part, reference.passages, written)}
        report.measures[name] = part.measure(written) | found | like
        report.songs[name] = list(written)
    if part.single_line:
        for name, found_songs in report.songs.items():
            report.thesis[name] = thesis_measures(found_songs[:MOST_THESIS_SONGS])
    return report


@told_plainly()
def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and evaluate."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("--prepared", type=Path, default=Path("training/work"), help="folder of the prepared corpora")
    parser.add_argument("--weights", type=Path, nargs="*", default=[], help="weights to validate")
    parser.add_argument("--music", type=Path, nargs="*", default=[], help="JSONL of token lists, or MIDI files")
    parser.add_argument("--like", help="the validation group that --music is compared with (default: the first)")
    parser.add_argument("--sample", type=Path, help="exported model.onnx that writes under validation headers")
    parser.add_argument("--bars", type=int, default=32, help="most bars of a sampled stretch")
    parser.add_argument("--stretches", type=int, default=SAMPLED_STRETCHES, help="stretches written anew in each group")
    parser.add_argument("--held-out", type=Path, help="folder of POP909: also score the songs kept out of training")
    parser.add_argument("--history", type=Path, nargs="*", default=[], help="history.json of runs, for the curves")
    parser.add_argument("--out", type=Path, help="folder for tables (Markdown, JSON), pictures and sampled songs")
    parser.add_argument("--sound", default="study", help=f"mood that plays sampled songs as FLAC, or {SILENT}")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    part, corpus = PARTS[options.part], load_corpus(options.prepared / f"{options.part}.npz")
    held_out = held_out_songs(options.held_out.expanduser()) if options.held_out else []
    reference = reference_of(part, corpus, held_out)
    like = options.like or next(iter(reference.groups))
    if like not in reference.groups:
        parser.error(f"unknown group {like!r}: choose from {', '.join(reference.groups)}.")
    music = {path.name: (like, read_music(path, part)) for path in options.music}
    asked: dict[str, Sequence[Entry]] = {}
    if options.sample:
        for name, entries in reference.groups.items():
            asked[f"{name}, {THESE_BARS}"] = chosen(entries, options.stretches, options.bars)
            written = sample(part, options.sample, asked[f"{name}, {THESE_BARS}"], options.bars)
            music[f"written: {name}"] = (f"{name}, {THESE_BARS}", written)
    report = compare(part, replace(reference, groups=reference.groups | asked), music)
    report.likelihoods.update(likelihoods(part, corpus, reference, options.weights))
    print(report.markdown())
    if options.out:
        saved = save_report(report, part, options.out, {path.parent.name: path for path in options.history})
        asked_for = [paths for reference, paths in saved.items() if reference.endswith(THESE_BARS)]
        render([path for paths in asked_for for path in paths[:HEARD_SONGS]], options.sound)


if __name__ == "__main__":
    main()
