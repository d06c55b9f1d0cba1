"""How often pianos put chord tones on strong beats: `python -m training.strong_beats MODEL.onnx … [--held-out FOLDER]`.

Models write under the headers of many stretches at once, some times each, beside the same bars of the corpus; 24
stretches, as `training.evaluate` takes, say it to .004-.02 only. First stands what the training split has, which is
nearly all of the corpus: the few stretches held out have shares of their own. Knows nothing about what else a song is
worth.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine import tokens
from engine.harmony import CHORD_TONES
from training.corpus import Entry, load_corpus
from training.errors import told_plainly
from training.evaluate import HELD_OUT, groups_of, held_out_songs
from training.harmony_judge import HarmonyJudge, strong_intervals, training_usages
from training.judge import Logits, Verdict
from training.measures import mean
from training.music import PARTS
from training.rollouts import Opening, Patience, Rollouts
from training.runtime import OnnxStep
from training.sample import headers_of
from training.songs import PianoSong, decode_piano
from training.stretches import chosen

STRETCHES, BARS, TIMES = 128, 32, 1
TOP_P = 0.97
"""As `training.evaluate` writes."""
RESAMPLED = 1000
Ids = Sequence[int]
Pair = tuple[Ids, Ids]
"""A stretch of the corpus, and what a model wrote under its headers."""


class Unasked:
    """A judge that takes every bar as it comes."""

    draw, helps = HarmonyJudge.draw, False

    def verdict(self, _song: Ids, _header: Ids, _bar: Ids, _stated: bool) -> Verdict:
        """See `Judge`."""
        return Verdict(asked=False, holds=False, counts=False)

    def state(self, allowed: Logits, bar: Ids) -> None:
        """Leave everything."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Of the notes on strong beats, those that are tones of their chords."""

    corpus: float
    written: float
    error: float
    """Standard error of their difference, over stretches drawn anew."""
    dense: float
    """Of the written bars, those of the density asked for."""

    def __str__(self) -> str:
        difference = self.written - self.corpus
        return (
            f"{self.written:.4f} for {self.corpus:.4f} ({difference:+.4f}, standard error {self.error:.4f}); "
            f"bars of the density asked for {self.dense:.2f}"
        )


def written(model: OnnxStep, stretches: Sequence[Entry], times: int, first_seed: int) -> list[Pair]:
    """Return each stretch so many times, beside what a model wrote under its headers."""
    asked = [entry.ids.tolist() for _ in range(times) for entry in stretches]
    openings = [_opening(ids, first_seed + number) for number, ids in enumerate(asked)]
    songs = {song.seed: song.ids for song in Rollouts(model, Unasked(), Patience(top_p=TOP_P)).write(openings)}
    return [(ids, songs[opening.seed]) for ids, opening in zip(asked, openings, strict=True)]


def _opening(ids: list[int], seed: int) -> Opening:
    prefix, headers = headers_of(ids)
    return Opening(tuple(prefix), tuple(map(tuple, headers)), seed)


def shares(pairs: Sequence[Pair], seed: int = 0) -> Shares:
    """Return what stretches have, and what was written under their headers."""
    counts = np.array([[_counted(decode_piano(ids)) for ids in pair] for pair in pairs], np.float64)
    rng = np.random.default_rng(seed)
    drawn = (counts[rng.integers(len(counts), size=len(counts))] for _ in range(RESAMPLED))
    differences = [np.subtract(*_share(some)[::-1]) for some in drawn]
    corpus, model = _share(counts)
    return Shares(corpus, model, float(np.std(differences)), mean(_dense(ids for _, ids in pairs)))


def _counted(song: PianoSong) -> tuple[int, int]:
    """Return the chord tones on strong beats, and all notes there."""
    found = strong_intervals(song, song.notes)
    return sum(interval in CHORD_TONES[quality] for quality, interval in found), len(found)


def _share(counts: npt.NDArray[np.float64]) -> tuple[float, float]:
    tones, notes = counts.sum(0).T
    corpus, model = tones / notes
    return float(corpus), float(model)


def _dense(songs: Iterable[Ids]) -> Iterator[bool]:
    """Tell for each bar whether it has as many onsets as its header says."""
    for ids in songs:
        starts = [place for place, token in enumerate(ids) if token == tokens.BAR]
        for start, end in zip(starts, [*starts[1:], len(ids)], strict=True):
            bar = ids[start:end]
            onsets = sum(1 for token in bar if tokens.is_note(token) and tokens.note_parts(token)[1])
            yield tokens.density(tokens.density_bucket(onsets, tokens.PIANO_DENSITY_LIMITS)) in bar


@told_plainly()
def main(arguments: list[str] | None = None) -> None:
    """Print a line for each model and group of songs."""
    parser = argparse.ArgumentParser(prog="python -m training.strong_beats", description=__doc__)
    parser.add_argument("models", type=Path, nargs="+", help="exported model.onnx of pianos")
    parser.add_argument("--prepared", type=Path, default=Path("training/work"), help="folder of the prepared corpora")
    parser.add_argument("--held-out", type=Path, help="folder of POP909: the songs kept out of training, and only they")
    parser.add_argument("--stretches", type=int, default=STRETCHES, help="of each group of songs, if it has as many")
    parser.add_argument("--bars", type=int, default=BARS, help="most bars of a stretch")
    parser.add_argument("--times", type=int, default=TIMES, help="each stretch is written")
    parser.add_argument("--first-seed", type=int, default=7000)
    options = parser.parse_args(arguments)
    if options.held_out:
        groups: Mapping[str, Sequence[Entry]] = {HELD_OUT: held_out_songs(options.held_out.expanduser())}
    else:
        corpus = load_corpus(options.prepared / "piano.npz")
        groups = groups_of(PARTS["piano"], corpus)
        for style, usage in training_usages(corpus).items():
            print(f"{style}, training split: {usage.chord_tones:.4f}", flush=True)
    for name, entries in groups.items():
        stretches = chosen(entries, options.stretches, options.bars)
        for path in options.models:
            found = shares(written(OnnxStep(path), stretches, options.times, options.first_seed))
            print(f"{name}, {len(stretches)} stretches, {path}: {found}", flush=True)


if __name__ == "__main__":
    main()
