"""Turns data sets into prepared corpora: `python -m training.prepare [piano] [drums]`.

Decides splits and how often each set comes in an epoch. Knows nothing about the network.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine import tokens
from training.charts import Chart, read_charts
from training.comping import render
from training.corpus import EVERY_EPOCH, Corpus, Entry, as_ids, save_corpus
from training.drums import augment, read_gmd
from training.pop909 import read_pop909
from training.songs import PianoSong, encode_drums, encode_piano

DEFAULT_DATA = Path("~/.cache/lofi-radio/data")
DRUM_VARIANTS = 16
PIANO_VARIANTS = 6
LOFI_COPIES = 2
"""Hip-hop and soul performances (lofi_weight 3) come twice in every epoch: they are 5 % of the bars and our style."""
CHART_COPIES = {"openewld": 4, "billboard": 6, "progressions": 4}
"""Renderings of a chart in an epoch: 1.6 M tokens of style `lead` beside POP909's 2.3 M."""
POP909_VALIDATION_SONGS = 45
CHART_VALIDATION_SHARE = 0.06
HELD_OUT_REMAINDER = 10
"""POP909 songs whose id is a multiple of this are kept out altogether, for tests of what was copied."""


def prepare_drums(data: Path, seed: int) -> tuple[Corpus, list[str]]:
    """Return the drum corpus and the reasons for what was left out."""
    performances, skipped = read_gmd(data / "gmd")
    entries = []
    for number, performance in enumerate(performances):
        song = performance.song
        if performance.validation:
            entries.append(Entry(song.name, True, EVERY_EPOCH, as_ids(encode_drums(song))))
            continue
        rng = np.random.default_rng((seed, number))
        for variant in range(DRUM_VARIANTS):
            for copy in range(LOFI_COPIES if performance.lofi_weight == 3 else 1):
                played = song if variant == copy == 0 else augment(song, rng)
                entries.append(Entry(song.name, False, variant, as_ids(encode_drums(played))))
    return Corpus(tuple(entries)), skipped


def prepare_piano(data: Path, seed: int) -> tuple[Corpus, list[str]]:
    """Return the piano corpus, POP909 and rendered charts, and the reasons for what was left out."""
    songs, skipped = read_pop909(data / "pop909_piano")
    kept = [song for song in songs if int(song.name.rpartition("/")[2]) % HELD_OUT_REMAINDER]
    skipped.append(f"{len(songs) - len(kept)} POP909 songs: held out (id is a multiple of {HELD_OUT_REMAINDER}).")
    charts = read_charts(data / "harmony")
    rng = np.random.default_rng(seed)
    return Corpus((*_pop909_entries(kept, rng), *_chart_entries(charts, rng))), skipped


def _pop909_entries(songs: list[PianoSong], rng: np.random.Generator) -> Iterable[Entry]:
    order = rng.permutation(len(songs))
    for place, index in enumerate(order):
        song = songs[index]
        if place < POP909_VALIDATION_SONGS:
            yield Entry(song.name, True, EVERY_EPOCH, as_ids(encode_piano(song)))
            continue
        for variant in range(PIANO_VARIANTS):
            yield Entry(song.name, False, variant, as_ids(encode_piano(shift_velocity(song, int(rng.integers(-1, 2))))))


def _chart_entries(charts: list[Chart], rng: np.random.Generator) -> Iterable[Entry]:
    names = sorted({chart.name for chart in charts})
    chosen = set(rng.permutation(names)[: round(CHART_VALIDATION_SHARE * len(names))])
    for chart in charts:
        if chart.name in chosen:
            yield Entry(chart.name, True, EVERY_EPOCH, as_ids(encode_piano(render(chart, rng))))
            continue
        for variant in range(PIANO_VARIANTS):
            for _ in range(CHART_COPIES[chart.name.partition("/")[0]]):
                yield Entry(chart.name, False, variant, as_ids(encode_piano(render(chart, rng))))


def shift_velocity(song: PianoSong, bins: int) -> PianoSong:
    """Return a song played softer or louder by some velocity bins."""
    top = tokens.VELOCITY_BINS - 1
    notes = tuple(n._replace(velocity_bin=min(max(n.velocity_bin + bins, 1), top)) for n in song.notes)
    return replace(song, notes=notes)


def report(corpus: Corpus, skipped: list[str]) -> None:
    """Print what a corpus holds."""
    for reason in skipped:
        print(f"  skipped: {reason}")
    for validation in (False, True):
        chosen = [e for e in corpus.entries if e.validation == validation and e.variant in (EVERY_EPOCH, 0)]
        for source in sorted({e.name.partition("/")[0] for e in chosen}):
            found = [e for e in chosen if e.name.partition("/")[0] == source]
            count = sum(len(e.ids) for e in found)
            bars = sum(int((e.ids == tokens.BAR).sum()) for e in found)
            split = "validation" if validation else "training, one epoch"
            each = count / max(bars, 1)
            print(f"  {split}: {source}: {len(found)} sequences, {bars} bars, {count} tokens, {each:.1f} a bar")
    print(f"  left out: {len(skipped)}; variants: {corpus.variants}")


PARTS: dict[str, Callable[[Path, int], tuple[Corpus, list[str]]]] = {"piano": prepare_piano, "drums": prepare_drums}


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and prepare."""
    parser = argparse.ArgumentParser(prog="python -m training.prepare", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="piano|drums", help="default: both")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the unpacked data sets")
    parser.add_argument("--out", type=Path, default=Path("training/work"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}: choose from {', '.join(PARTS)}.")
    for part in options.parts or PARTS:
        start = time.monotonic()
        corpus, skipped = PARTS[part](options.data.expanduser(), options.seed)
        path = options.out / f"{part}.npz"
        save_corpus(corpus, path)
        print(f"{path}: {time.monotonic() - start:.0f} s")
        report(corpus, skipped)


if __name__ == "__main__":
    main()
