"""The bass line: roots, fifths and approach notes that follow the chords and the kick. Knows nothing about models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.chance import generator
from engine.harmony import pitch_classes
from engine.plan import BarPlan
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT, Chord, NoteEvent, Part, Section

LOWEST, HIGHEST = 28, 44
"""E1 to Ab2: all fundamentals below 110 Hz, so the bass has its own room under the keys."""
_HALF = TICKS_PER_BAR // 2
_STEP = TICKS_PER_BEAT // 4
_KICK = 36
_GAP_TICKS = 6
"""A breath before the next note keeps repeated roots apart."""


def bass_line(plan: BarPlan, drums: Sequence[NoteEvent]) -> list[NoteEvent]:
    """Return the bass of a bar; the same bar of the same loop gives the same line."""
    if not plan.bass:
        return []
    first, second = plan.sounding_chords
    loop_place = plan.section_bar % 4
    rng = generator(plan.piece.seed, 11, list(Section).index(plan.section), loop_place)
    onsets = _calm(first, second) if plan.drums == "none" else _moving(plan, _kick_ticks(drums), rng)
    ticks = sorted(onsets)
    ends = [*ticks[1:], TICKS_PER_BAR]
    return [
        NoteEvent(
            tick=tick,
            length_ticks=max(end - tick - _GAP_TICKS, _STEP),
            pitch=onsets[tick],
            velocity=_velocity(tick, rng),
            part=Part.BASS,
        )
        for tick, end in zip(ticks, ends, strict=True)
    ]


def low_root(chord: Chord) -> int:
    """Return the chord's root in the bass's register."""
    return LOWEST + (chord.root - LOWEST) % 12


def _calm(first: Chord, second: Chord) -> dict[int, int]:
    onsets = {0: low_root(first)}
    if second != first:
        onsets[_HALF] = low_root(second)
    return onsets


def _moving(plan: BarPlan, kicks: list[int], rng: np.random.Generator) -> dict[int, int]:
    first, second = plan.sounding_chords
    onsets = _calm(first, second)
    late_kicks = [tick for tick in kicks if _HALF - _STEP * 2 <= tick <= _HALF + _STEP * 4]
    if second == first and late_kicks:
        tick = late_kicks[int(rng.integers(len(late_kicks)))]
        onsets[tick] = _fifth_or_root(first, rng)
    elif second == first and rng.random() < 0.4:
        onsets[_HALF + _STEP * 2] = _fifth_or_root(first, rng)
    if plan.next_chord is not None and plan.next_chord != plan.chords[1] and rng.random() < 0.35:
        target = low_root(Chord((plan.next_chord.root + plan.shift) % 12, plan.next_chord.quality))
        onsets[TICKS_PER_BAR - _STEP * 2] = _approach(second, target, rng)
    return onsets


def _kick_ticks(drums: Sequence[NoteEvent]) -> list[int]:
    ticks = {max(0, round(hit.tick / _STEP) * _STEP) for hit in drums if hit.pitch == _KICK}
    return sorted(tick for tick in ticks if 0 < tick < TICKS_PER_BAR)


def _fifth_or_root(chord: Chord, rng: np.random.Generator) -> int:
    root = low_root(chord)
    fifth = root + (6 if chord.quality in ("hdim7", "dim") else 7)
    choices = [root, root, fifth if fifth <= HIGHEST else fifth - 12]
    if root + 12 <= HIGHEST:
        choices.append(root + 12)
    pitch = choices[int(rng.integers(len(choices)))]
    return pitch if pitch >= LOWEST else root


def _approach(chord: Chord, target: int, rng: np.random.Generator) -> int:
    """Return a note a step away from the next root: of the chord if there is one, else a semitone above or below."""
    steps = [target + step for step in (-2, 2, -1, 1) if LOWEST <= target + step <= HIGHEST]
    inside = [pitch for pitch in steps if pitch % 12 in pitch_classes(chord)]
    choices = inside or steps
    return choices[int(rng.integers(len(choices)))]


def _velocity(tick: int, rng: np.random.Generator) -> int:
    accent = 86 if tick == 0 else 78 if tick == _HALF else 70
    return int(np.clip(accent + rng.normal(0, 4), 1, 127))
