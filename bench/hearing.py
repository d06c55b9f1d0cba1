"""How many notes of a recording are heard: `python -m bench.hearing`. Known notes are played by our own synthesiser.

Phrases of close chords and single notes on three of our pianos, without effects; a note counts as heard when one of its
pitch begins within 60 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.signal import resample_poly

from engine import PITCH_RATE_HZ, SAMPLE_RATE_HZ, FloatArray, TimedNote, transcribe
from engine.banks import find_banks
from engine.synth import PARTS, FluidSynth
from engine.types import Part, SynthEvent

NEAR_S = 0.06
INSTRUMENTS = {"electric piano": (0, 4), "grand piano": (0, 0), "reed piano": (0, 5)}


@dataclass(frozen=True, slots=True)
class Hearing:
    """Of the notes that were played and of those that were heard."""

    recall: float
    precision: float
    notes: int


def phrase(seed: int, seconds: float = 20.0) -> list[TimedNote]:
    """Return lo-fi keys at random: close chords and single notes above them."""
    rng = np.random.default_rng(seed)
    notes, now = [], 0.3
    while now < seconds - 2:
        root = int(rng.integers(48, 60))
        length = float(rng.choice([0.75, 1.5]))
        shape = ((0, 4, 7, 11), (0, 3, 7, 10), (0, 4, 10))[int(rng.integers(3))]
        notes += [TimedNote(now, now + length - 0.05, root + step, int(rng.integers(55, 90))) for step in shape]
        if rng.random() < 0.7:
            at = now + length / 2
            notes.append(TimedNote(at, at + 0.35, root + 12 + int(rng.choice([2, 4, 7, 9])), int(rng.integers(60, 95))))
        now += length
    return sorted(notes)


def play(notes: Sequence[TimedNote], program: tuple[int, int]) -> FloatArray:
    """Return what our synthesiser makes of notes, float32 [frames], mono, at the pitch model's rate."""
    bank, number = program
    events = [SynthEvent(0, "program", Part.KEYS, number, bank)]
    for note in notes:
        events.append(SynthEvent(_frame(note.onset_s), "on", Part.KEYS, note.pitch, note.velocity))
        events.append(SynthEvent(_frame(note.end_s), "off", Part.KEYS, note.pitch, 0))
    rank = {"program": 0, "off": 1, "on": 2}
    events.sort(key=lambda event: (event.frame, rank[event.kind]))
    synth = FluidSynth(*find_banks(None))
    frames = _frame(notes[-1].end_s + 1)
    try:
        sound = synth.render(events, frames)[PARTS.index(Part.KEYS)]
    finally:
        synth.close()
    return np.asarray(resample_poly(sound.mean(axis=0), 147, 320), np.float32)


def _frame(second: float) -> int:
    return round(second * SAMPLE_RATE_HZ) // 64 * 64


def compare(played: Sequence[TimedNote], heard: Sequence[TimedNote]) -> Hearing:
    """Match notes of the same pitch whose onsets are near; each counts once."""
    left = list(heard)
    found = 0
    for note in played:
        near = [one for one in left if one.pitch == note.pitch and abs(one.onset_s - note.onset_s) <= NEAR_S]
        if near:
            left.remove(min(near, key=lambda one: abs(one.onset_s - note.onset_s)))
            found += 1
    return Hearing(found / len(played), found / max(len(heard), 1), len(played))


def main() -> None:
    """Measure and print."""
    assert PITCH_RATE_HZ * 320 == SAMPLE_RATE_HZ * 147
    print("| played by | seed | notes | heard of them | right of those heard |\n|---|---|---|---|---|")
    for (name, program), seed in product(INSTRUMENTS.items(), (1, 2, 3)):
        notes = phrase(seed)
        result = compare(notes, transcribe(play(notes, program)))
        print(f"| {name} | {seed} | {result.notes} | {result.recall:.3f} | {result.precision:.3f} |")


if __name__ == "__main__":
    main()
