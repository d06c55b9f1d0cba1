"""The second voice: mostly rests, sometimes doubles the keys' tune, sometimes answers. Knows nothing about models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.chance import generator
from engine.harmony import PENTATONIC, colour_classes, pitch_classes, scale_classes
from engine.plan import BarPlan
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT, NoteEvent, Part, Section

_PHRASE_BARS = 4
_LOWEST, _HIGHEST = 67, 88
_MOST_HIGH_KEYS = 2
"""An answer waits while the keys themselves sing: more notes of theirs than this in its register."""
_STEP = TICKS_PER_BEAT // 4
_SECTIONS = (Section.A, Section.B, Section.BREAKDOWN, Section.A_RETURN)
_RHYTHMS = (
    (0, 24, 48, 96), (24, 48, 72), (48, 72, 96, 144), (0, 36, 72), (72, 96, 120), (24, 36, 48, 96, 120), (96, 120, 144),
)  # fmt: skip
"""Onsets of a motif in ticks: three to five notes, then silence."""


def second_voice(plan: BarPlan, keys: Sequence[NoteEvent], melody_share: float) -> list[NoteEvent]:
    """Return the second voice of a bar; most bars have none."""
    if plan.section not in _SECTIONS or plan.next_chord is None:
        return []
    phrase = plan.section_bar // _PHRASE_BARS
    rng = generator(plan.piece.seed, 23, list(Section).index(plan.section), phrase)
    if (phrase % 2 == 0 and rng.random() < 0.35) or rng.random() >= melody_share:
        return []
    answers = rng.random() < 0.7
    place = plan.section_bar % _PHRASE_BARS
    if place not in ((1, 3) if answers else (2, 3)):
        return []
    if not answers:
        return _double(keys)
    singing = sum(note.pitch >= _LOWEST for note in keys) > _MOST_HIGH_KEYS
    return [] if singing else _answer(plan, place, rng)


def _answer(plan: BarPlan, place: int, rng: np.random.Generator) -> list[NoteEvent]:
    """Play the piece's motif over the bar's chord; its second statement is varied."""
    motif = generator(plan.piece.seed, 29)
    rhythm: tuple[int, ...] = _RHYTHMS[int(motif.integers(len(_RHYTHMS)))]
    contour = motif.integers(-2, 3, size=len(rhythm))
    if place == 3:
        contour[-1] = -contour[-1]
        rhythm = rhythm[: max(3, len(rhythm) - 1)]
    scale = scale_classes(plan.piece.key, plan.piece.minor)
    degree = float(motif.integers(3, 7))
    events = []
    for index, tick in enumerate(rhythm):
        degree += contour[index]
        chord = plan.sounding_chords[tick * 2 // TICKS_PER_BAR]
        strong = tick % (2 * TICKS_PER_BEAT) == 0 or index == len(rhythm) - 1
        classes = pitch_classes(chord) if strong else _tune_classes(plan) | (colour_classes(chord) & scale)
        end = rhythm[index + 1] if index + 1 < len(rhythm) else min(tick + 72, TICKS_PER_BAR)
        events.append(
            NoteEvent(
                tick=tick,
                length_ticks=max(end - tick - 2, _STEP),
                pitch=_nearest(_LOWEST + 2 * degree, classes),
                velocity=int(np.clip(62 - 3 * index + rng.normal(0, 5), 30, 90)),
                part=Part.SECOND,
            )
        )
    return events


def _tune_classes(plan: BarPlan) -> frozenset[int]:
    return frozenset((tone + plan.shift) % 12 for tone in PENTATONIC)


def _nearest(wanted: float, classes: frozenset[int]) -> int:
    pitches = [pitch for pitch in range(_LOWEST, _HIGHEST + 1) if pitch % 12 in classes]
    return min(pitches, key=lambda pitch: abs(pitch - wanted))


def _double(keys: Sequence[NoteEvent]) -> list[NoteEvent]:
    """Double the tune of the keys: the top note of each group that is not a chord."""
    tops: dict[int, NoteEvent] = {}
    sizes: dict[int, int] = {}
    for note in keys:
        sizes[note.tick] = sizes.get(note.tick, 0) + 1
        if note.tick not in tops or note.pitch > tops[note.tick].pitch:
            tops[note.tick] = note
    tune = [note for tick, note in sorted(tops.items()) if sizes[tick] <= 2 and note.pitch >= 60]
    return [
        NoteEvent(
            tick=note.tick,
            length_ticks=min(note.length_ticks, TICKS_PER_BAR),
            pitch=note.pitch if note.pitch >= _LOWEST else note.pitch + 12,
            velocity=max(1, round(note.velocity * 0.7)),
            part=Part.SECOND,
        )
        for note in tune[:6]
    ]
