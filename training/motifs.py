"""Sparse melodies over a chart: an invented motif with answers, or a public-domain tune with most of it left out.

Knows nothing about chords' voicings, velocity or tokens.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from engine.harmony import CHORD_TONES, PENTATONIC
from engine.types import TICKS_PER_BAR, Chord
from training.charts import Chart, MelodyNote
from training.songs import HALF_BAR_TICKS

LOWEST, HIGHEST = 67, 84
PHRASE_BARS = 4
RHYTHMS = (
    (48, 72, 96), (24, 48, 96, 120), (96, 120, 144), (72, 96, 144, 168), (48, 96, 108, 144), (120, 144, 168),
    (0, 36, 72), (24, 72, 96, 132, 144), (96, 132, 168), (48, 60, 72, 120),
)  # fmt: skip

Tune = list[tuple[int, MelodyNote]]
"""(bar, note)."""


def thin_out(piece: Chart, rng: np.random.Generator) -> Tune:
    """Return the piece's own tune, with the second half of most phrases left out: silence is part of the style."""
    tune: Tune = []
    for start in range(0, len(piece.melody), PHRASE_BARS):
        sung = int(rng.choice([0, 2, 2, 3, 4]))
        tune += [
            (bar, note) for bar in range(start, min(start + sung, len(piece.melody))) for note in piece.melody[bar]
        ]
    return tune


def invent_motif(piece: Chart, rng: np.random.Generator) -> Tune:
    """Return a motif of 3-5 notes, answered and varied, that rests at least half of the time."""
    rhythm = RHYTHMS[int(rng.integers(len(RHYTHMS)))]
    steps = rng.integers(-2, 3, len(rhythm))
    home = int(rng.integers(70, 78))
    tune: Tune = []
    for start in range(0, len(piece.bars), PHRASE_BARS):
        for bar in (start, start + 2):
            if bar >= len(piece.bars) or rng.random() < 0.25:
                continue
            varied = steps if rng.random() < 0.6 else rng.permutation(steps)
            tune += _place(piece, bar, (rhythm, varied, home + (2 if bar > start else 0)))
    return tune


def _place(piece: Chart, bar: int, motif: tuple[tuple[int, ...], np.ndarray, int]) -> Tune:
    rhythm, steps, home = motif
    scale = [pitch for pitch in range(LOWEST, HIGHEST + 1) if pitch % 12 in PENTATONIC]
    index = int(np.argmin([abs(pitch - home) for pitch in scale]))
    notes: Tune = []
    ends = [*rhythm[1:], TICKS_PER_BAR + 48]
    for (tick, end), step in zip(pairwise([*rhythm, ends[-1]]), steps, strict=True):
        index = min(max(index + int(step), 0), len(scale) - 1)
        pitch = scale[index]
        if tick % HALF_BAR_TICKS == 0 or end == ends[-1]:
            pitch = _nearest_chord_tone(pitch, piece.bars[bar][tick // HALF_BAR_TICKS])
        notes.append((bar, MelodyNote(tick, max(end - tick - 4, 8), pitch)))
    return notes


def _nearest_chord_tone(pitch: int, chord: Chord | None) -> int:
    if chord is None:
        return pitch
    classes = {(chord.root + step) % 12 for step in CHORD_TONES[chord.quality]}
    return min(
        (p for p in range(pitch - 4, pitch + 5) if p % 12 in classes), key=lambda p: abs(p - pitch), default=pitch
    )
