"""Change the mood again and again and look at each change: `python -m bench.changes`, 25 s of a core.

Prints, for every mood and the one after it, how far the loudness after the change lies from that before (whole bars of
at least 10 s, and 10 s flat: `steps.py`), and how much the bar line sticks out (second difference there over the
largest of the 4 s around).
"""

from __future__ import annotations

import argparse
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one core: before numpy is imported

from itertools import pairwise  # noqa: E402

import numpy as np  # noqa: E402

from bench import listening  # noqa: E402
from bench.hear import AIMS  # noqa: E402
from bench.render import setup_of  # noqa: E402
from bench.steps import step_at  # noqa: E402
from engine import DOWNBEAT_FRAMES, MOODS, SAMPLE_RATE_HZ, Station, find_mood  # noqa: E402


def main() -> None:
    """Render, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.changes", description=__doc__)
    parser.add_argument("--seconds", type=float, default=45.0, help="how long each mood plays")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rules", action="store_true", help="the rules compose instead of the models")
    options = parser.parse_args()
    moods = [*MOODS, next(iter(MOODS))]
    station = Station.build(setup_of(moods[0], options.seed, rules=options.rules))
    blocks = []
    for mood in moods:
        if blocks:
            station.apply(find_mood(mood))
        blocks.append(station.render(round(options.seconds * SAMPLE_RATE_HZ)))
    station.close()
    sound = np.concatenate([block.samples for block in blocks])
    starts = [start for block in blocks for start in block.bars]
    powers = listening.step_powers(sound)
    print("| from | to | step LU | 10 s flat | seam |\n|---|---|---|---|---|")
    worst = 0.0
    lines = [start.frame + DOWNBEAT_FRAMES for start in starts]
    for at, (before, after) in enumerate(pairwise(starts), 1):
        step = step_at(powers, lines, at)
        if before.bar.mood != after.bar.mood and step:
            seam = max(listening.seam(sound, after.frame + late) for late in (0, DOWNBEAT_FRAMES))
            print(f"| {before.bar.mood} | {after.bar.mood} | {step.bars_lu:+.2f} | {step.flat_lu:+.2f} | {seam:.2f} |")
            worst = max(worst, abs(step.bars_lu))
    clicks = len(listening.clicks(sound))
    print(f"\nWorst step {worst:.2f} LU (aim: at most {AIMS['step LU'].high:g}); {clicks} clicks in all.")


if __name__ == "__main__":
    main()
