"""What the songs of a recovery corpus begin with, and what is asked of their bars. Knows nothing about models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine import tokens
from training.corpus import Corpus
from training.rollouts import Opening
from training.sample import headers_of
from training.stretches import cut

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


def drum_openings(found: Played, count: int, bars: int, seed: int) -> list[Opening]:
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
        free = _free_bars(rng)
        headers = tuple(_headers(style, bars, rng))
        made.append(Opening((tokens.START, *before), headers, seed * 1_000_000 + number, free))
    return made


def piano_openings(corpus: Corpus, count: int, bars: int, seed: int) -> list[Opening]:
    """Return stretches of the training split's headers: its styles, chords and densities, as often as there."""
    rng = np.random.default_rng(seed)
    songs = [entry.ids for entry in corpus.entries if not entry.validation]
    weights = np.array([(ids == tokens.BAR).sum() for ids in songs], np.float64)
    made = []
    for number, place in enumerate(rng.choice(len(songs), count, p=weights / weights.sum())):
        stretches = cut(songs[place].tolist(), bars)
        stretch = stretches[int(rng.integers(len(stretches)))]
        _, headers = headers_of(stretch)
        known = int(rng.integers(1, MOST_PLAYED_BARS + 1)) if rng.random() < PLAYED_SHARE else 0
        known = min(known, len(headers) - 1)
        starts = [at for at, token in enumerate(stretch) if token == tokens.BAR]
        begun = tuple(stretch[: starts[known]])
        made.append(Opening(begun, tuple(map(tuple, headers[known:])), seed * 1_000_000 + number, _free_bars(rng)))
    return made


def _free_bars(rng: np.random.Generator) -> int:
    return int(rng.integers(1, MOST_FREE_BARS + 1)) if rng.random() < FREE_SHARE else 0


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
