"""What ranking several candidate bars brings, by the measures of music: `python -m bench.candidates [--midi FOLDER]`.

The models compose the same moods and seeds with 1, 4 and 8 candidates a bar. Prints the mean of each measure, how far
it goes from seed to seed, and what a bar costs; --midi keeps the music of each number of candidates as one file, for
`python -m training.evaluate piano --music 1.mid 4.mid 8.mid`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one core: before numpy is imported

import numpy as np  # noqa: E402

from bench.music import AIMS, measure  # noqa: E402
from engine import MOODS, Bar, Mood, Part, find_mood, load_recurrence, write_midi  # noqa: E402
from engine.composer import compose_models  # noqa: E402
from engine.harmony import guide_tones  # noqa: E402
from engine.types import TICKS_PER_BAR  # noqa: E402

MEASURES = (
    "guide tones", "chord tones", "in key", "keys/bar", "keys max", "velocity sd", "ghosts", "backbeat",
    "repeats inside", "repeats between", "late entries", "ms a bar",
)  # fmt: skip


def compose(mood: Mood, bars: int, models: Path, seed: int) -> tuple[list[Bar], float]:
    """Return so many bars, and the processor time of one, milliseconds."""
    composer = compose_models(mood, seed, load_recurrence(models / "piano"), load_recurrence(models / "drums"))
    begun_s = time.process_time()
    composed = [next(composer) for _ in range(bars)]
    return composed, (time.process_time() - begun_s) * 1000 / bars


def guide_share(bars: Sequence[Bar]) -> float:
    """Return the share of half bars in which the keys sound both guide tones of the chord."""
    found = []
    for bar in bars:
        for half, chord in enumerate(bar.chords):
            begin, end = half * TICKS_PER_BAR // 2, (half + 1) * TICKS_PER_BAR // 2
            notes = [note for note in bar.events if note.part is Part.KEYS]
            classes = {note.pitch % 12 for note in notes if note.tick < end and note.tick + note.length_ticks > begin}
            if chord is not None:
                found.append(set(guide_tones(chord)) <= classes)
    return float(np.mean(found))


def _with(mood: Mood, candidates: int) -> Mood:
    return replace(mood, sampling=replace(mood.sampling, candidates=candidates))


def _one_after_another(runs: Sequence[Sequence[Bar]]) -> list[Bar]:
    """Return all bars, the pieces numbered on, so that each stays one of its own."""
    return [
        replace(bar, piece=replace(bar.piece, number=1000 * place + bar.piece.number))
        for place, bars in enumerate(runs)
        for bar in bars
    ]


def main() -> None:
    """Compose, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.candidates", description=__doc__)
    parser.add_argument("--candidates", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--mood", nargs="+", default=["study", "rainy", "jazzhop"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--bars", type=int, default=64)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--midi", type=Path, help="folder to write the music to")
    options = parser.parse_args()
    columns: dict[int, dict[str, tuple[float, float]]] = {}
    for count in options.candidates:
        runs = [
            [compose(_with(find_mood(name), count), options.bars, options.models, seed) for name in options.mood]
            for seed in range(1, options.seeds + 1)
        ]
        rows = [[measure(bars) | {"guide tones": guide_share(bars), "ms a bar": ms} for bars, ms in of] for of in runs]
        table = np.array([[np.mean([row[name] for row in of]) for name in MEASURES] for of in rows])
        columns[count] = {
            name: (float(table[:, place].mean()), float(table[:, place].std())) for place, name in enumerate(MEASURES)
        }
        if options.midi:
            options.midi.mkdir(parents=True, exist_ok=True)
            everything = [bars for of in runs for bars, _ in of]
            write_midi(_one_after_another(everything), MOODS, options.midi / f"{count}.mid")
    print(f"{len(options.mood)} moods, {options.seeds} seeds, {options.bars} bars each; ± from seed to seed.\n")
    print(f"| measure | aim | {' | '.join(map(str, columns))} |\n|---|---|{'---|' * len(columns)}")
    for name in MEASURES:
        aim = f"{AIMS[name].low:g}-{AIMS[name].high:g}" if name in AIMS else "–"
        cells = [f"{column[name][0]:.3g} ± {column[name][1]:.2g}" for column in columns.values()]
        print(f"| {name} | {aim} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
