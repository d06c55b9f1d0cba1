"""A corpus that teaches a model to find its way back: `python -m training.recovery piano|drums MODEL --out FOLDER`.

Beside the training split stand songs that the model wrote itself, its lost bars left in them as context that does not
count: what counts are bars that are what their header asks for (the drums' backbeat, the piano's chords on the strong
beats), drawn by the model until they were. Knows nothing about how songs are written, judged or trained on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from training.backbeat_judge import BackbeatJudge
from training.corpus import EVERY_EPOCH, Corpus, Entry, Ids, as_ids, load_corpus, save_corpus
from training.errors import told_plainly
from training.harmony_judge import HarmonyJudge, training_usages
from training.judge import Judge
from training.openings import drum_openings, piano_openings, played
from training.rollouts import Opening, Patience, Rollouts, Written
from training.runtime import OnnxStep


@dataclass(frozen=True, slots=True)
class Lessons:
    """What one part learns from its own songs."""

    openings: Callable[[Corpus, int, int, int], list[Opening]]
    """Of a corpus, number of songs, bars of each, seed."""
    judge: Callable[[Corpus], Judge]


LESSONS = {
    "drums": Lessons(lambda corpus, *asked: drum_openings(played(corpus), *asked), lambda _: BackbeatJudge()),
    "piano": Lessons(piano_openings, lambda corpus: HarmonyJudge(training_usages(corpus))),
}


WRITTEN = "written/"
"""What the names of written songs begin with."""


def written_of(corpus: Corpus) -> list[Entry]:
    """Return the written songs of a corpus."""
    return [entry for entry in corpus.entries if entry.name.startswith(WRITTEN)]


def entry_of(song: Written, number: int) -> Entry:
    """Return a written song as a sequence of the corpus."""
    return Entry(f"{WRITTEN}{number}", False, EVERY_EPOCH, as_ids(song.ids), np.array(song.learned, np.bool_))


@told_plainly()
def main(arguments: list[str] | None = None) -> None:
    """Write the corpus and say what is in it."""
    parser = argparse.ArgumentParser(prog="python -m training.recovery", description=__doc__)
    parser.add_argument("part", choices=sorted(LESSONS))
    parser.add_argument("model", type=Path, help="exported model.onnx of the part that writes the songs")
    parser.add_argument("--prepared", type=Path, default=Path("training/work"), help="folder of the prepared corpora")
    parser.add_argument("--out", type=Path, required=True, help="folder that gets PART.npz")
    parser.add_argument("--songs", type=int, default=400)
    parser.add_argument("--bars", type=int, default=32, help="of each song")
    parser.add_argument("--share", type=float, default=1.0, help="of the training split that stands beside them")
    parser.add_argument(
        "--beside", type=Path, nargs="*", default=[], help="folders whose written songs stand there, too"
    )
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--stands", type=float, default=0.5, help="chance that a lost bar stands, as context")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    name, lessons = f"{options.part}.npz", LESSONS[options.part]
    corpus = load_corpus(options.prepared / name)
    asked = lessons.openings(corpus, options.songs, options.bars, options.seed)
    patience = Patience(options.top_p, options.stands)
    rollouts = Rollouts(OnnxStep(options.model), lessons.judge(corpus), patience)
    songs = list(rollouts.write(asked))
    written = [entry_of(song, number) for number, song in enumerate(songs)]
    earlier = [entry for folder in options.beside for entry in written_of(load_corpus(folder / name))]
    rng = np.random.default_rng(options.seed)
    kept = [entry for entry in corpus.entries if entry.validation or rng.random() < options.share]
    save_corpus(replace(corpus, entries=(*kept, *earlier, *written)), options.out / name)
    ids: Ids = np.concatenate([entry.ids for entry in written])
    print(
        f"{len(written)} songs, {len(ids)} tokens, {sum(sum(song.learned) for song in songs)} of them count; "
        f"{sum(song.lost_bars for song in songs)} bars lost, {sum(song.tries for song in songs)} written in all"
    )


if __name__ == "__main__":
    main()
