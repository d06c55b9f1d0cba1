"""Lets the drum model run free under forced style and density: `python -m training.freerun models/drums/model.onnx`.

Shows what the groove is worth before the station's grammar states kick and snare, and where it is lost; knows nothing
about that grammar.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from engine import tokens
from training.errors import told_plainly
from training.groove import SNARES, is_on
from training.measures import hits_of_bars, mean
from training.runtime import OnnxStep
from training.sample import write_song
from training.songs import decode_drums

FIRST_BARS = 8
Kept = tuple[bool, bool]
"""Whether a bar has a snare on 2, and on 4."""


def skeleton(style: str, density: int, bars: int) -> list[int]:
    """Return the tokens of a song without a hit: prefix and headers, each asking for a backbeat."""
    header = [tokens.BAR, tokens.style(style), tokens.BACKBEAT, tokens.density(density)]
    return [tokens.START, *header * bars]


def free_run(model: OnnxStep, ids: list[int], seed: int) -> list[Kept]:
    """Return which of the two snares each bar has that is written under `ids`."""
    song = decode_drums(write_song(model, ids, seed, top_p=0.95, bars=ids.count(tokens.BAR)), "free run")
    return [(is_on(bar, SNARES, 1), is_on(bar, SNARES, 3)) for bar in hits_of_bars(song)]


def share_kept(run: Sequence[Kept]) -> float:
    """Return the share of bars that have both snares."""
    return mean(all(bar) for bar in run)


def where_lost(runs: Sequence[Sequence[Kept]]) -> str:
    """Return where the backbeat is lost, in words: which snare, how early, and what a lost bar does to the next."""
    whole = [[all(bar) for bar in run] for run in runs]
    lost = [bar for run in runs for bar in run if not all(bar)]
    only_2, only_4 = lost.count((False, True)), lost.count((True, False))
    both = len(lost) - only_2 - only_4
    after = {
        kept: mean(not now for run in whole for last, now in pairwise(run) if last is kept) for kept in (True, False)
    }
    first = mean(not bar for run in whole for bar in run[:FIRST_BARS])
    return (
        f"lost {len(lost)} of {sum(map(len, runs))} bars: without the 2 {only_2}, the 4 {only_4}, both {both}; "
        f"of the first {FIRST_BARS} bars {first:.2f}, "
        f"after a kept bar {after[True]:.2f}, after a lost one {after[False]:.2f}"
    )


@told_plainly()
def main(arguments: list[str] | None = None) -> None:
    """Print the backbeat share for a few styles and densities, one figure a seed, and where it is lost."""
    parser = argparse.ArgumentParser(prog="python -m training.freerun", description=__doc__)
    parser.add_argument("model", type=Path, help="exported model.onnx of the drums")
    parser.add_argument("--styles", nargs="+", default=["hiphop", "soul"], choices=tokens.STYLES)
    parser.add_argument("--densities", nargs="+", type=int, default=[2, 3, 4])
    parser.add_argument("--seeds", type=int, default=15, help="runs of each; five are too few: see LOG.md")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--bars", type=int, default=64)
    options = parser.parse_args(arguments)
    model = OnnxStep(options.model)
    runs: list[list[Kept]] = []
    for style in options.styles:
        for density in options.densities:
            ids = skeleton(style, density, options.bars)
            seeds = range(options.first_seed, options.first_seed + options.seeds)
            found = [free_run(model, ids, seed) for seed in seeds]
            print(f"{style} {density}: " + " ".join(f"{share_kept(run):.2f}" for run in found), flush=True)
            runs += found
    shares = [share_kept(run) for run in runs]
    print(f"mean {mean(shares):.3f}, worst {min(shares):.2f}")
    print(where_lost(runs))


if __name__ == "__main__":
    main()
