"""Hear many new pieces begin, in every mood: `python -m bench.pieces` (or `... sleep snow`), 6 min of a core.

Pieces are as short as can be (intro, A, outro), so that most of what is rendered lies around a change. Prints, for
every mood, how far the loudness after a new piece's first down-beat lies from that before, and the same at bar lines
inside sections, where nothing changes: a measure that finds steps there as well says nothing about new pieces.
"""

from __future__ import annotations

import argparse
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one core: before numpy is imported

from dataclasses import replace  # noqa: E402

import numpy as np  # noqa: E402

from bench import listening  # noqa: E402
from bench.hear import AIMS  # noqa: E402
from bench.render import setup_of  # noqa: E402
from bench.steps import Step, step_at, summary  # noqa: E402
from engine import DOWNBEAT_FRAMES, MOODS, BarStart, Station  # noqa: E402
from engine.layout import parse_layout  # noqa: E402


def main() -> None:
    """Render, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.pieces", description=__doc__)
    parser.add_argument("moods", nargs="*", help="moods; all of them without this")
    parser.add_argument("--pieces", type=int, default=16, help="of each mood")
    parser.add_argument("--form", default="intro:4 A:8 outro:4")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rules", action="store_true", help="the rules compose instead of the models")
    options = parser.parse_args()
    total: dict[str, list[Step]] = {}
    for name in options.moods or list(MOODS):
        setup = replace(setup_of(name, options.seed, rules=options.rules), form=parse_layout(options.form))
        found = _steps(*_render(Station.build(setup), options.pieces))
        for what, steps in found.items():
            print(f"{name}, {len(steps)} {what}: {summary(steps, AIMS['step LU'].high)}", flush=True)
            total.setdefault(what, []).extend(steps)
    for what, steps in total.items():
        print(f"all, {len(steps)} {what}: {summary(steps, AIMS['step LU'].high)}")


def _render(station: Station, pieces: int) -> tuple[listening.Sound, list[BarStart]]:
    """Render so many pieces."""
    sounds, starts = [], []
    while True:
        block = station.render_bar().block
        if block.bars[0].bar.piece.number >= pieces:
            station.close()
            return np.concatenate(sounds), starts
        sounds.append(block.samples)
        starts += block.bars


def _steps(sound: listening.Sound, starts: list[BarStart]) -> dict[str, list[Step]]:
    """Return the steps at new pieces, and at bar lines with two bars of the same section on either side."""
    powers = listening.step_powers(sound)
    lines = [start.frame + DOWNBEAT_FRAMES for start in starts]
    found: dict[str, list[Step]] = {"new pieces": [], "lines inside sections": []}
    for at in range(2, len(starts) - 1):
        step = step_at(powers, lines, at)
        if step is None:
            continue
        if starts[at].bar.piece_bar == 0:
            found["new pieces"].append(step)
        elif len({start.bar.section for start in starts[at - 2 : at + 2]}) == 1:
            found["lines inside sections"].append(step)
    return found


if __name__ == "__main__":
    main()
