"""Lets the drum model run free under forced style and density: `python -m training.freerun models/drums/model.onnx`.

Shows what the groove is worth before the station's grammar states kick and snare; knows nothing about that grammar.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from engine import tokens
from training.music import PARTS
from training.runtime import OnnxStep
from training.sample import write_song


def skeleton(style: str, density: int, bars: int) -> list[int]:
    """Return the tokens of a song without a hit: prefix and headers, each asking for a backbeat."""
    header = [tokens.BAR, tokens.style(style), tokens.BACKBEAT, tokens.density(density)]
    return [tokens.START, *header * bars]


def backbeat(model: OnnxStep, ids: list[int], seed: int) -> float:
    """Return the share of the bars written under `ids` that have a snare on 2 and 4."""
    bars = ids.count(tokens.BAR)
    part = PARTS["drums"]
    song = part.decode(write_song(model, ids, seed, top_p=0.95, bars=bars), "free run")
    return part.measure([song])["backbeat_share"]


def main(arguments: list[str] | None = None) -> None:
    """Print the backbeat share for a few styles and densities, one figure a seed."""
    parser = argparse.ArgumentParser(prog="python -m training.freerun", description=__doc__)
    parser.add_argument("model", type=Path, help="exported model.onnx of the drums")
    parser.add_argument("--styles", nargs="+", default=["hiphop", "soul"], choices=tokens.STYLES)
    parser.add_argument("--densities", nargs="+", type=int, default=[2, 3, 4])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--bars", type=int, default=64)
    options = parser.parse_args(arguments)
    model = OnnxStep(options.model)
    found: list[float] = []
    for style in options.styles:
        for density in options.densities:
            ids = skeleton(style, density, options.bars)
            shares = [backbeat(model, ids, seed) for seed in range(options.seeds)]
            print(f"{style} {density}: " + " ".join(f"{share:.2f}" for share in shares), flush=True)
            found += shares
    print(f"mean {sum(found) / len(found):.3f}, worst {min(found):.2f}")


if __name__ == "__main__":
    main()
