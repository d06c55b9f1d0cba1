"""A corpus that teaches the drums to find their way back: `python -m training.recovery MODEL --out FOLDER`.

Beside the training split stand songs that the model wrote itself, its lost bars left in them as context that does not
count: what counts are the bars after them that keep the backbeat asked for, drawn by the model until it did. Knows
nothing about how songs are written or trained on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine import tokens
from training.corpus import EVERY_EPOCH, Corpus, Entry, Ids, as_ids, load_corpus, save_corpus
from training.rollouts import Opening, Patience, Rollouts, Written
from training.runtime import OnnxStep

LOFI = ("hiphop", "soul")
LOFI_SHARE = 0.6
"""Of the songs; the others are in the styles of the split's backbeat bars, as often as there."""
PLAYED_SHARE = 0.4
"""Of the songs that begin with bars of a performance; the others begin with nothing."""
MOST_PLAYED_BARS = 8
FREE_SHARE, MOST_FREE_BARS = 0.5, 16
"""Of the songs whose first bars are left as they come, up to so many."""
DENSITIES = (1, 6)
CHANGE_EVERY_BARS = 8
FILL_SHARE = 0.3
"""Of the last bars of eight that ask for a fill."""


@dataclass(frozen=True, slots=True)
class Played:
    """Bars of performances, by style."""

    songs: dict[int, list[list[int]]]
    """Style token to songs without START and END."""
    backbeats: dict[int, int]
    """Style token to the number of its backbeat bars."""


def played(corpus: Corpus) -> Played:
    """Return the training split's performances, those without a drum among them."""
    songs: dict[int, list[list[int]]] = {}
    backbeats: dict[int, int] = {}
    for entry in corpus.entries:
        if entry.validation:
            continue
        ids = [token for token in entry.ids.tolist() if token not in (tokens.START, tokens.END)]
        style = ids[1]
        songs.setdefault(style, []).append(ids)
        backbeats[style] = backbeats.get(style, 0) + ids.count(tokens.BACKBEAT)
    return Played(songs, backbeats)


def openings(found: Played, count: int, bars: int, seed: int) -> list[Opening]:
    """Return what songs begin with and what is asked of their bars."""
    rng = np.random.default_rng(seed)
    styles = [style for style, number in found.backbeats.items() if number]
    weights = np.array([found.backbeats[style] for style in styles], np.float64)
    made = []
    for number in range(count):
        if rng.random() < LOFI_SHARE:
            style = tokens.style(LOFI[int(rng.integers(len(LOFI)))])
        else:
            style = int(rng.choice(styles, p=weights / weights.sum()))
        before = _excerpt(found.songs[style], rng) if style in found.songs and rng.random() < PLAYED_SHARE else []
        free = int(rng.integers(1, MOST_FREE_BARS + 1)) if rng.random() < FREE_SHARE else 0
        headers = tuple(_headers(style, bars, rng))
        made.append(Opening((tokens.START, *before), headers, seed * 1_000_000 + number, free))
    return made


def _excerpt(songs: Sequence[list[int]], rng: np.random.Generator) -> list[int]:
    ids = songs[int(rng.integers(len(songs)))]
    places = [*(place for place, token in enumerate(ids) if token == tokens.BAR), len(ids)]
    first = int(rng.integers(len(places) - 1))
    last = min(first + int(rng.integers(1, MOST_PLAYED_BARS + 1)), len(places) - 1)
    return ids[places[first] : places[last]]


def _headers(style: int, bars: int, rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
    low, high = DENSITIES
    density = int(rng.integers(low, high + 1))
    steady = rng.random() < 0.5
    for bar in range(bars):
        ends = bar % CHANGE_EVERY_BARS == CHANGE_EVERY_BARS - 1
        fill = ends and not steady and rng.random() < FILL_SHARE
        yield tokens.BAR, style, tokens.FILL if fill else tokens.BACKBEAT, tokens.density(density)
        if ends and not steady:
            density = min(max(density + int(rng.integers(-1, 2)), low), high)


def entry_of(song: Written, number: int) -> Entry:
    """Return a written song as a sequence of the corpus."""
    return Entry(f"written/{number}", False, EVERY_EPOCH, as_ids(song.ids), np.array(song.learned, np.bool_))


def main(arguments: list[str] | None = None) -> None:
    """Write the corpus and say what is in it."""
    parser = argparse.ArgumentParser(prog="python -m training.recovery", description=__doc__)
    parser.add_argument("model", type=Path, help="exported model.onnx of the drums that writes the songs")
    parser.add_argument("--prepared", type=Path, default=Path("training/work"), help="folder of the prepared corpora")
    parser.add_argument("--out", type=Path, required=True, help="folder that gets drums.npz")
    parser.add_argument("--songs", type=int, default=400)
    parser.add_argument("--bars", type=int, default=32, help="of each song")
    parser.add_argument("--share", type=float, default=1.0, help="of the performances that stand beside them")
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--stands", type=float, default=0.5, help="chance that a lost bar stands, as context")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    corpus = load_corpus(options.prepared / "drums.npz")
    asked = openings(played(corpus), options.songs, options.bars, options.seed)
    rollouts = Rollouts(OnnxStep(options.model), Patience(options.top_p, options.stands))
    songs = list(rollouts.write(asked))
    written = [entry_of(song, number) for number, song in enumerate(songs)]
    rng = np.random.default_rng(options.seed)
    kept = [entry for entry in corpus.entries if entry.validation or rng.random() < options.share]
    save_corpus(replace(corpus, entries=(*kept, *written)), options.out / "drums.npz")
    ids: Ids = np.concatenate([entry.ids for entry in written])
    print(
        f"{len(written)} songs, {len(ids)} tokens, {sum(sum(song.learned) for song in songs)} of them count; "
        f"{sum(song.lost_bars for song in songs)} bars lost, {sum(song.tries for song in songs)} written in all"
    )


if __name__ == "__main__":
    main()
