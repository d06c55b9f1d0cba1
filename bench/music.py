"""Measure composed music against the aims of the idiom: `python -m bench.music --mood study --hours 1`.

Composes without rendering sound. Knows nothing about the insides of composers.
"""

from __future__ import annotations

import argparse
import os
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one core: before numpy is imported

from collections import defaultdict  # noqa: E402
from collections.abc import Iterable, Iterator, Sequence  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from engine import MOODS, Bar, Mood, Part, find_mood, load_recurrence  # noqa: E402
from engine.composer import Composer, compose_models  # noqa: E402
from engine.fallback import compose_rules  # noqa: E402
from engine.harmony import key_shift, pitch_classes, scale_classes  # noqa: E402
from engine.types import TICKS_PER_BAR, NoteEvent, Section  # noqa: E402

GHOST_VELOCITY = 51
BEATS_A_BAR = 4


@dataclass(frozen=True, slots=True)
class Aim:
    """What a measure should be between; None where music.md names none."""

    low: float
    high: float


AIMS: dict[str, Aim] = {
    "in key": Aim(0.97, 1), "chord tones": Aim(0.75, 1), "keys/bar": Aim(2, 10), "keys max": Aim(1, 12),
    "velocity sd": Aim(6, 40), "ghosts": Aim(0.09, 0.52), "backbeat": Aim(0.9, 1),
    "repeats inside": Aim(0.3, 0.7), "repeats between": Aim(0, 0.02), "late entries": Aim(0, 0),
}  # fmt: skip


def compose(mood: Mood, seconds: float, models: Path | None, seed: int = 1) -> Iterator[Bar]:
    """Yield the bars of so many seconds of music; without models the rules compose."""
    composer: Composer
    if models is None:
        composer = compose_rules(mood, seed)
    else:
        composer = compose_models(mood, seed, load_recurrence(models / "piano"), load_recurrence(models / "drums"))
    played_s = 0.0
    while played_s < seconds:
        bar = next(composer)
        played_s += BEATS_A_BAR * 60 / bar.bpm
        yield bar


def measure(bars: Sequence[Bar]) -> dict[str, float]:
    """Return the measures of a stretch of music."""
    keys = [note for bar in bars for note in _part(bar, Part.KEYS)]
    snares = [note for bar in bars for note in _part(bar, Part.DRUMS) if note.pitch in (37, 38)]
    beats = [bar for bar in bars if _part(bar, Part.DRUMS)]
    pieces = {bar.piece.number: bar.piece for bar in bars}
    counts = [len(_part(bar, Part.KEYS)) for bar in bars]
    return {
        "bars": len(bars),
        "pieces": len(pieces),
        "bpm": _mean(piece.bpm for piece in pieces.values()),
        "minor": _mean(piece.minor for piece in pieces.values()),
        "in key": _mean(_in_key(bar, note) for bar in bars for note in _part(bar, Part.KEYS)),
        "in scale": _mean(_in_scale(bar, note) for bar in bars for note in _part(bar, Part.KEYS)),
        "chord tones": _mean(_on_chord(b, n) for b in bars for n in _part(b, Part.KEYS) if n.tick % 96 == 0),
        "keys/bar": _mean(counts),
        "keys max": max(counts),
        "velocity sd": float(np.std([note.velocity for note in keys])),
        "pitch": _mean(note.pitch for note in keys),
        "hits/bar": _mean(len(_part(bar, Part.DRUMS)) for bar in beats),
        "ghosts": _mean(note.velocity <= GHOST_VELOCITY for note in snares),
        "backbeat": _mean(_holds_backbeat(bar) for bar in beats),
        "second/bar": _mean(len(_part(bar, Part.SECOND)) for bar in bars),
        "repeats inside": repeats_inside(bars),
        "repeats between": repeats_between(bars),
        "late entries": sum(_enters_late(bar) for bar in bars),
        "same titles": len(pieces) - len({piece.title for piece in pieces.values()}),
    }


def repeats_inside(bars: Iterable[Bar]) -> float:
    """Return the share of bars whose keys equal those of an earlier bar of the same section."""
    seen: dict[tuple[int, Section], set[frozenset[tuple[int, int]]]] = defaultdict(set)
    found = []
    for bar in bars:
        earlier = seen[bar.piece.number, bar.section]
        found.append(_shape(bar) in earlier)
        earlier.add(_shape(bar))
    return _mean(found)


def repeats_between(bars: Iterable[Bar]) -> float:
    """Return the share of bars whose keys equal a bar of an earlier piece, whatever its key."""
    seen: dict[frozenset[tuple[int, int]], set[int]] = defaultdict(set)
    found = []
    for bar in bars:
        pieces = seen[_shape(bar)]
        found.append(bool(pieces - {bar.piece.number}))
        pieces.add(bar.piece.number)
    return _mean(found)


def _shape(bar: Bar) -> frozenset[tuple[int, int]]:
    shift = key_shift(bar.piece.key, bar.piece.minor)
    return frozenset((note.tick, note.pitch - shift) for note in _part(bar, Part.KEYS))


def _part(bar: Bar, part: Part) -> list[NoteEvent]:
    return [note for note in bar.events if note.part is part]


def _mean(values: Iterable[float]) -> float:
    found = [float(value) for value in values]
    return float(np.mean(found)) if found else float("nan")


def _chord_classes(bar: Bar, note: NoteEvent) -> frozenset[int]:
    chord = bar.chords[min(note.tick * 2 // TICKS_PER_BAR, 1)]
    return frozenset() if chord is None else pitch_classes(chord)


def _in_scale(bar: Bar, note: NoteEvent) -> bool:
    return note.pitch % 12 in scale_classes(bar.piece.key, bar.piece.minor)


def _in_key(bar: Bar, note: NoteEvent) -> bool:
    return _in_scale(bar, note) or note.pitch % 12 in _chord_classes(bar, note)


def _on_chord(bar: Bar, note: NoteEvent) -> bool:
    return note.pitch % 12 in _chord_classes(bar, note)


def _holds_backbeat(bar: Bar) -> bool:
    steps = {round(n.tick / 12) for n in _part(bar, Part.DRUMS) if n.pitch in (37, 38) and n.velocity >= 36}
    return {4, 12} <= steps


def _enters_late(bar: Bar) -> bool:
    """Tell whether nobody plays for the first quarter of a bar without drums."""
    return not _part(bar, Part.DRUMS) and min((note.tick for note in bar.events), default=TICKS_PER_BAR) > 48


def main() -> None:
    """Compose, measure and print one row a mood, with what misses its aim marked."""
    parser = argparse.ArgumentParser(prog="python -m bench.music", description=__doc__)
    parser.add_argument("--mood", action="append", help="a built-in mood; all of them without this")
    parser.add_argument("--hours", type=float, default=1.0, help="music to compose for each mood")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rules", action="store_true", help="the rules compose instead of the models")
    parser.add_argument("--models", type=Path, default=Path("models"))
    options = parser.parse_args()
    missed = []
    for count, name in enumerate(options.mood or MOODS):
        begun_s = time.process_time()
        models = None if options.rules else options.models
        bars = list(compose(find_mood(name), options.hours * 3600, models, options.seed))
        found = measure(bars) | {"cpu %": (time.process_time() - begun_s) / (options.hours * 36)}
        if not count:
            print(f"| mood | {' | '.join(found)} |\n|---|{'---|' * len(found)}")
        cells = []
        for measure_name, value in found.items():
            aim = AIMS.get(measure_name)
            wrong = aim is not None and not aim.low <= value <= aim.high
            missed += (
                [f"{name}: {measure_name} is {value:.3g}, aim {aim.low:g} to {aim.high:g}"] if wrong and aim else []
            )
            cells.append(f"{value:.3g}{' !' if wrong else ''}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print("\n" + ("\n".join(missed) if missed else "All aims are met."))


if __name__ == "__main__":
    main()
