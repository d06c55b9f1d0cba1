"""Whether words are understood, measured on rendered music: `python -m bench.words [--half tuned] [--models]`.

Each prompt of bench/words.yaml is understood, rendered (the rules compose, unless --models) and compared with `study`
rendered from the same seed. Prints the share of directions that are right, by half and by kind, and every failure.
With --kept FILE a run can be stopped and goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one core: before numpy is imported

import numpy as np  # noqa: E402
import yaml  # noqa: E402

from bench.words_heard import Heard, hear  # noqa: E402
from bench.words_judge import judge  # noqa: E402
from engine import Mood, find_mood  # noqa: E402
from radio.words import understand  # noqa: E402

PROMPTS = Path(__file__).parent / "words.yaml"
AIM = 0.9


@dataclass(frozen=True, slots=True)
class Verdict:
    """One direction of one prompt."""

    half: str
    prompt: str
    direction: str
    right: bool
    shown: str
    """The two figures that were compared."""
    sure: float


def judged(task: tuple[str, str, list[str]], *, neutral: Heard, play: Callable[[Mood], Heard]) -> list[Verdict]:
    """Understand, render and judge one prompt."""
    half, prompt, directions = task
    study = find_mood("study")
    answer = understand(prompt, study, study)
    heard = play(answer.mood)
    verdicts = []
    for direction in directions:
        right, shown = judge(direction, neutral, heard, answer)
        verdicts.append(Verdict(half, prompt, direction, bool(right), shown, float(answer.sure)))
    return verdicts


def _judgements(
    tasks: list[tuple[str, str, list[str]]], play: Callable[[Mood], Heard], jobs: int
) -> Iterator[tuple[tuple[str, str, list[str]], list[Verdict]]]:
    """Yield each prompt with its verdicts."""
    if not tasks:
        return
    work = partial(judged, neutral=play(find_mood("study")), play=play)
    if jobs == 1:
        yield from ((task, work(task)) for task in tasks)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        yield from zip(tasks, pool.map(work, tasks), strict=True)


def _some(entries: list[list[Any]], count: int | None, seed: int) -> list[list[Any]]:
    """Return all entries, or so many in an order of chance: a larger count only adds some."""
    if count is None:
        return entries
    return [entries[place] for place in np.random.default_rng(seed).permutation(len(entries))[:count]]


def _kept(path: Path, terms: dict[str, object]) -> dict[tuple[str, str], list[Verdict]]:
    """Return verdicts of earlier runs under the same terms."""
    lines: Iterable[str] = path.read_text("utf-8").splitlines() if path.exists() else ()
    trees = [json.loads(line) for line in lines]
    return {
        (tree["half"], tree["prompt"]): [Verdict(**one) for one in tree["verdicts"]]
        for tree in trees
        if all(tree[name] == value for name, value in terms.items())
    }


def main() -> None:
    """Judge and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.words", description=__doc__)
    parser.add_argument("--half", choices=("tuned", "held_out"), help="one half only")
    parser.add_argument("--seconds", type=float, default=40.0, help="sound to render of each prompt")
    parser.add_argument("--seed", type=int, default=2, help="2: a piece whose second voice enters early")
    parser.add_argument("--models", action="store_true", help="the models compose instead of the rules")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--kept", type=Path, help="file of verdicts, one prompt a line: those in it are not judged again"
    )
    parser.add_argument("--prompts", type=int, help="only so many of each half, drawn by --seed")
    parser.add_argument("--minutes", type=float, help="stop after so long, to go on with --kept")
    options = parser.parse_args()
    begun_s = time.monotonic()
    halves = {k: v for k, v in yaml.safe_load(PROMPTS.read_text("utf-8")).items() if options.half in (None, k)}
    tasks = [
        (half, str(prompt), asked)
        for half, entries in halves.items()
        for prompt, asked in _some(entries, options.prompts, options.seed)
    ]
    rules = not options.models
    play = partial(hear, seconds=options.seconds, seed=options.seed, rules=rules)
    terms = {"models": options.models, "seconds": options.seconds, "seed": options.seed}
    found = {} if options.kept is None else _kept(options.kept, terms)
    left = [task for task in tasks if task[:2] not in found]
    for task, verdicts in _judgements(left, play, options.jobs):
        found[task[:2]] = verdicts
        if options.kept:
            line = {**terms, "half": task[0], "prompt": task[1], "verdicts": [asdict(one) for one in verdicts]}
            with options.kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        if options.minutes and time.monotonic() - begun_s > 60 * options.minutes and len(found) < len(tasks):
            raise SystemExit(f"{len(found)} of {len(tasks)} prompts are judged; the same command goes on.")
    verdicts = [verdict for task in tasks for verdict in found[task[:2]]]
    report(verdicts, len(tasks))
    print(f"\n{'rules' if rules else 'models'} composed; {time.monotonic() - begun_s:.0f} s.")


def report(verdicts: list[Verdict], prompts: int) -> None:
    """Print the table and the failures."""
    print(f"{prompts} prompts, {len(verdicts)} directions; aim {AIM:.0%} of the directions.\n")
    kinds = sorted({verdict.direction.partition(":")[0] for verdict in verdicts})
    halves = list(dict.fromkeys(verdict.half for verdict in verdicts))
    print(f"| direction | {' | '.join(halves)} |\n|---|{'---|' * len(halves)}")
    rows = [("all", None), *((kind, kind) for kind in kinds)]
    for name, kind in rows:
        cells = []
        for half in halves:
            some = [v.right for v in verdicts if v.half == half and kind in (None, v.direction.partition(":")[0])]
            cells.append(f"{sum(some)} of {len(some)}" + (f", {sum(some) / len(some):.1%}" if kind is None else ""))
        print(f"| {name} | {' | '.join(cells)} |")
    missed: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        if not verdict.right:
            missed[f"{verdict.half}: {verdict.prompt}"].append(verdict)
    print("\nFailures:" if missed else "\nNo failures.")
    for prompt, some in missed.items():
        print(f"- {prompt}: {'; '.join(f'{v.direction} ({v.shown})' for v in some)}")


if __name__ == "__main__":
    main()
