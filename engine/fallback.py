"""The composer of last resort: chord loops, boom-bap and rules, no model at all. Knows nothing about sound or files.

Every bar depends on the plan and the piece's seed alone, so its players have nothing to save.
"""

from __future__ import annotations

import numpy as np

from engine.chance import generator
from engine.composer import Band
from engine.harmony import scale_classes, voicing
from engine.moods import Mood
from engine.plan import BarPlan, DrumRole
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT, Chord, NoteEvent, Part, Section, Tree

_STEP = TICKS_PER_BEAT // 4
_RHYTHMS = (
    ((0, 180),), ((0, 84), (96, 84)), ((0, 60), (72, 108)), ((0, 130), (144, 40)), ((0, 66), (72, 48), (132, 56)),
    ((0, 40), (72, 60), (144, 40)),
)  # fmt: skip
"""Comping rhythms: (onset, length) in ticks."""
_PHRASE_BARS = 4
_MOST_NOTES = 12
"""Onsets a bar; more is clutter."""
_KICK, _RIM, _SNARE, _HAT, _OPEN_HAT, _TOM, _CRASH = 36, 37, 38, 42, 46, 47, 49
_KICKS = ((0, 10), (0, 6, 10), (0, 7, 10), (0, 3, 10), (0, 10, 13), (0, 8), (0, 2, 10))
"""Sixteenth steps of the kick: one, and the "and" of two or three."""


class RuleKeys:
    """Comps the chord loop with rootless voicings and now and then a short tune above them."""

    def write(self, plan: BarPlan, mood: Mood) -> list[NoteEvent]:
        """Return the notes of a bar as they sound."""
        place = plan.section_bar % _PHRASE_BARS
        section = list(Section).index(plan.section)
        rng = generator(plan.piece.seed, 3, section, place)
        touch = generator(plan.piece.seed, 5, plan.piece_bar)
        rhythms = _RHYTHMS[:2] if plan.keys_density <= 1 else _RHYTHMS
        rhythm = rhythms[int(generator(plan.piece.seed, 7, section, place // 2).integers(len(rhythms)))]
        events = [note for onset, length in rhythm for note in self._chord(plan, onset, length, (mood, touch))]
        if plan.keys_density >= 2 and rng.random() < 0.5 and plan.next_chord is not None:
            sounding = {
                (note.pitch, tick) for note in events for tick in range(note.tick, note.tick + note.length_ticks)
            }
            tune = self._tune(plan, mood, rng)
            events += [note for note in tune if (note.pitch, note.tick + note.length_ticks - 1) not in sounding]
        return events[:_MOST_NOTES]

    def _chord(self, plan: BarPlan, onset: int, length: int, hand: tuple[Mood, np.random.Generator]) -> list[NoteEvent]:
        mood, touch = hand
        chord = _chord_at(plan, onset)
        if chord != _chord_at(plan, onset + length - 1):
            length = TICKS_PER_BAR // 2 - onset
        low, high = mood.register_low, mood.register_high
        scale = scale_classes(plan.piece.key, plan.piece.minor)
        pitches = [pitch for pitch in voicing(chord, (2 * low + high) / 3, scale) if low <= pitch <= high]
        weight = 62 if onset == 0 else 54
        return [
            NoteEvent(onset, length, pitch, _velocity(weight + touch.normal(0, 6), mood.velocity_scale), Part.KEYS)
            for pitch in pitches
        ]

    def _tune(self, plan: BarPlan, mood: Mood, rng: np.random.Generator) -> list[NoteEvent]:
        scale = scale_classes(plan.piece.key, plan.piece.minor)
        ladder = [p for p in range(max(mood.register_low + 14, 62), mood.register_high + 1) if p % 12 in scale]
        if not ladder:  # a register that ends at middle C or just above it has chords alone
            return []
        place = int(rng.integers(len(ladder)))
        events = []
        for onset in sorted(rng.choice(np.arange(2, 15), size=int(rng.integers(2, 4)), replace=False) * _STEP):
            place = int(np.clip(place + rng.integers(-2, 3), 0, len(ladder) - 1))
            velocity = _velocity(68 + rng.normal(0, 7), mood.velocity_scale)
            events.append(NoteEvent(int(onset), 2 * _STEP, ladder[place], velocity, Part.KEYS))
        return events

    def forget(self) -> None:
        """Do nothing: rules have no memory."""

    def snapshot(self) -> Tree:
        """Return an empty tree: the plan says all."""
        return {}

    def restore(self, tree: Tree) -> None:
        """Do nothing: the plan says all."""


class RuleDrums:
    """Plays boom-bap: kick on one, snare on two and four, hats in eighths, a fill where the form wants one."""

    def write(self, plan: BarPlan, mood: Mood) -> list[NoteEvent]:
        """Return the hits of a bar."""
        if plan.drums is DrumRole.NONE:
            return []
        section = list(Section).index(plan.section)
        loop = generator(plan.piece.seed, 13, section, plan.section_bar % 2)
        touch = generator(plan.piece.seed, 17, plan.piece_bar)
        backbeat = _RIM if generator(plan.piece.seed, 19).random() < 0.3 or mood.drums_density < 1.5 else _SNARE
        hits = [(step, _KICK, 96) for step in _KICKS[int(loop.integers(len(_KICKS)))]]
        hits += [(4, backbeat, 88), (12, backbeat, 92)]
        hits += self._hats(plan, loop)
        if plan.drums is DrumRole.FILL:
            hits = [hit for hit in hits if hit[0] < 13] + self._fill(backbeat, touch)
        elif plan.section_bar == 0:
            hits.append((0, _CRASH, 60))
        return [
            NoteEvent(step * _STEP, _STEP, pitch, _velocity(weight + touch.normal(0, 7), 0.9), Part.DRUMS)
            for step, pitch, weight in hits
        ]

    def _hats(self, plan: BarPlan, loop: np.random.Generator) -> list[tuple[int, int, int]]:
        every = 4 if plan.drums_density <= 1 else 2
        hats = [(step, _HAT, 66 if step % 4 == 0 else 48) for step in range(0, 16, every)]
        if plan.drums_density >= 3 and loop.random() < 0.5:
            hats[-1] = (14, _OPEN_HAT, 58)
        if plan.drums_density >= 2 and loop.random() < 0.5:
            hats.append((int(loop.choice([7, 9, 15])), _SNARE, 26))
        return hats

    def _fill(self, backbeat: int, touch: np.random.Generator) -> list[tuple[int, int, int]]:
        choices = (
            [(14, backbeat, 60), (15, backbeat, 76)],
            [(13, backbeat, 50), (14, _TOM, 72), (15, _TOM, 64)],
            [(14, _OPEN_HAT, 70)],
        )
        return choices[int(touch.integers(len(choices)))]

    def forget(self) -> None:
        """Do nothing: rules have no memory."""

    def snapshot(self) -> Tree:
        """Return an empty tree: the plan says all."""
        return {}

    def restore(self, tree: Tree) -> None:
        """Do nothing: the plan says all."""


class RuleComposer(Band):
    """Composes by rule."""

    name = "rules"

    def __init__(self, mood: Mood, seed: int) -> None:
        super().__init__(mood, seed, RuleKeys(), RuleDrums())


def compose_rules(mood: Mood, seed: int) -> RuleComposer:
    """Return a composer that needs no model."""
    return RuleComposer(mood, seed)


def _chord_at(plan: BarPlan, tick: int) -> Chord:
    return plan.sounding_chords[min(tick * 2 // TICKS_PER_BAR, 1)]


def _velocity(value: float, scale: float) -> int:
    return int(np.clip(value * scale, 1, 127))
