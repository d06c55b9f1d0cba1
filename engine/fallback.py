"""The composer of last resort: chord loops, boom-bap and rules, no model at all. Knows nothing about sound or files.

Every bar depends on the plan, the piece's seed and what the pieces before played.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from engine.beat import GHOST_STEPS
from engine.chance import generator, round_by_chance
from engine.composer import Band
from engine.drums import wanted_ghosts
from engine.expression import lean
from engine.form import Form
from engine.harmony import scale_classes, voicing
from engine.moods import Mood
from engine.plan import BarPlan, DrumRole
from engine.prompt import Prompt
from engine.remembered import BarMemory, PieceMark
from engine.substitution import Loop
from engine.tokens import PIANO_DENSITY_LIMITS, bin_to_velocity
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT, Chord, FloatArray, NoteEvent, Part, Section, Tree

_STEP = TICKS_PER_BEAT // 4
_RHYTHMS = (
    ((0, 180),), ((0, 84), (96, 84)), ((0, 60), (72, 108)), ((0, 130), (144, 40)), ((0, 66), (72, 48), (132, 56)),
    ((0, 40), (72, 60), (144, 40)), ((0, 108), (120, 66)), ((0, 30), (36, 140)), ((0, 84), (108, 80)),
    ((0, 54), (60, 120)), ((0, 150), (168, 24)), ((0, 30), (96, 90)), ((0, 66), (84, 96)),
    ((0, 48), (60, 60), (132, 54)),
)  # fmt: skip
"""Comping rhythms: (onset, length) in ticks."""
_PHRASE_BARS = 4
_IDEAS, _STUBBORN = 16, 5
"""Ideas for a bar before an old one is taken after all; from the sixth on each has a tune of its own."""
_MOST_NOTES = 10
"""Onsets a bar; more is clutter."""
_KICK, _RIM, _SNARE, _HAT, _OPEN_HAT, _TOM, _CRASH = 36, 37, 38, 42, 46, 47, 49
_KICKS = ((0, 10), (0, 6, 10), (0, 7, 10), (0, 3, 10), (0, 10, 13), (0, 8), (0, 2, 10))
"""Sixteenth steps of the kick: one, and the "and" of two or three."""


class RuleKeys:
    """Comps the chord loop with rootless voicings and now and then a short tune above them."""

    def __init__(self) -> None:
        self._earlier = BarMemory()
        self._prompt: Prompt | None = None

    def write(self, plan: BarPlan, mood: Mood) -> list[NoteEvent]:
        """Return the notes of a bar as they sound: the first idea for it that no piece of the last day had."""
        if plan.piece_bar == 0:
            self._earlier.end_piece()
        if quoted := self._quoted(plan):
            return quoted
        events: list[NoteEvent] = []
        for idea in range(_IDEAS):
            events = self._idea(plan, mood, idea)
            if not self._earlier.knows(_onsets(events, plan)):
                break
        self._earlier.add(_onsets(events, plan))
        return events

    def prime(self, prompt: Prompt | None) -> None:
        """Know what the piece that begins goes on from: rules only quote it."""
        self._prompt = prompt

    def _quoted(self, plan: BarPlan) -> list[NoteEvent]:
        """Return the prompt's own bar where the piece opens with it."""
        if self._prompt is None or plan.piece_bar >= self._prompt.begins_with:
            return []
        return [
            NoteEvent(
                note.tick, note.end - note.tick, note.pitch + plan.shift, bin_to_velocity(note.velocity_bin), Part.KEYS
            )
            for note in self._prompt.bars[plan.piece_bar].notes
        ]

    def _idea(self, plan: BarPlan, mood: Mood, idea: int) -> list[NoteEvent]:
        place = plan.section_bar % _PHRASE_BARS
        section = list(Section).index(plan.section)
        rng = generator(plan.piece.seed, 3, section, place, idea)
        touch = generator(plan.piece.seed, 5, plan.piece_bar)
        rhythms = _RHYTHMS[:2] if plan.keys_density <= 1 and idea < _STUBBORN else _RHYTHMS
        beat = generator(plan.piece.seed, 7, section, place // 2, idea)
        rhythm = rhythms[int(beat.integers(len(rhythms)))]
        centre = (2 * mood.register_low + mood.register_high) / 3 + float(beat.uniform(-4, 4))
        events = [
            note for onset, length in rhythm for note in self._chord(plan, (onset, length), (mood, touch, centre))
        ]
        tuneful = (plan.keys_density >= 2 and rng.random() < 0.5) or idea >= _STUBBORN
        if tuneful and plan.next_chord is not None:
            sounding = {
                (note.pitch, tick) for note in events for tick in range(note.tick, note.tick + note.length_ticks)
            }
            tune = self._tune(plan, mood, rng)
            events += [note for note in tune if (note.pitch, note.tick + note.length_ticks - 1) not in sounding]
        return _fitting(events, plan.keys_density)

    def _chord(
        self, plan: BarPlan, stroke: tuple[int, int], hand: tuple[Mood, np.random.Generator, float]
    ) -> list[NoteEvent]:
        onset, length = stroke
        mood, touch, centre = hand
        chord = _chord_at(plan, onset)
        if chord != _chord_at(plan, onset + length - 1):
            length = TICKS_PER_BAR // 2 - onset
        low, high = mood.register_low, mood.register_high
        scale = scale_classes(plan.piece.key, plan.piece.minor)
        pitches = [pitch for pitch in voicing(chord, centre, scale) if low <= pitch <= high]
        leans = [lean(onset, place, len(pitches), plan.section_bar) for place in range(len(pitches))]
        return [
            NoteEvent(onset, length, pitch, _velocity(60 + more + touch.normal(0, 7), mood.velocity_scale), Part.KEYS)
            for pitch, more in zip(pitches, leans, strict=True)
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

    def taste(self, _minor: bool, loops: Sequence[Loop]) -> FloatArray:
        """Return the same for each loop: rules like them all."""
        return np.zeros(len(loops), np.float32)

    def forget(self) -> None:
        """Do nothing: the plan alone says what comes back."""

    def snapshot(self) -> Tree:
        """Return what earlier pieces played."""
        return self._earlier.snapshot()

    def restore(self, tree: Tree) -> None:
        """Go on from a snapshot."""
        self._earlier.restore(tree)


_SIXTEENTHS = (0, 0, 0, 0, 2, 4, 5, 6)
"""Hats between the eighths, by density."""


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
        kicks = [steps for steps in _KICKS if len(steps) <= (2 if plan.drums_density <= 2 else 3)]
        hits = [(step, _KICK, 96) for step in kicks[int(loop.integers(len(kicks)))]]
        hits += [(4, backbeat, 88), (12, backbeat, 92)]
        hits += self._hats(plan, loop)
        ghosts = round_by_chance(wanted_ghosts(mood.ghosts), loop)
        hits += [(int(step), backbeat, 28) for step in loop.choice(GHOST_STEPS, size=min(ghosts, 4), replace=False)]
        if plan.drums is DrumRole.FILL:
            hits = [hit for hit in hits if hit[0] < 13] + self._fill(backbeat, touch)
        elif plan.section_bar == 0:
            hits.append((0, _CRASH, 60))
        return [
            NoteEvent(step * _STEP, _STEP, pitch, _velocity(weight + touch.normal(0, 7), 0.9), Part.DRUMS)
            for step, pitch, weight in hits
            if step * _STEP < plan.drums_end_tick
        ]

    def _hats(self, plan: BarPlan, loop: np.random.Generator) -> list[tuple[int, int, int]]:
        steps = set(range(0, 16, 4 if plan.drums_density <= 1 else 2))
        if plan.drums_density == 2:
            steps -= {2, 10}
        steps |= {int(step) for step in loop.choice((1, 3, 7, 9, 11, 13, 15), size=_SIXTEENTHS[plan.drums_density])}
        hats = [(step, _HAT, 66 if step % 4 == 0 else 48) for step in sorted(steps)]
        if plan.drums_density >= 3 and loop.random() < 0.5:
            hats = [(14, _OPEN_HAT, 58) if hat[0] == 14 else hat for hat in hats]
        return hats

    def _fill(self, backbeat: int, touch: np.random.Generator) -> list[tuple[int, int, int]]:
        choices = (
            [(14, backbeat, 60), (15, backbeat, 76)],
            [(13, backbeat, 50), (14, _TOM, 72), (15, _TOM, 64)],
            [(14, _OPEN_HAT, 70)],
        )
        return choices[int(touch.integers(len(choices)))]

    def prime(self, prompt: Prompt | None) -> None:
        """Do nothing: rules play their own beat."""

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

    def __init__(self, mood: Mood, form: Form) -> None:
        super().__init__(mood, form, RuleKeys(), RuleDrums())


def compose_rules(mood: Mood, seed: int, heard: Iterable[PieceMark] = ()) -> RuleComposer:
    """Return a composer that needs no model and repeats no piece of the last day."""
    return RuleComposer(mood, Form(seed, heard))


def _fitting(events: list[NoteEvent], density: int) -> list[NoteEvent]:
    """Return as many whole strokes as the density has room for; the first one always."""
    most = min(PIANO_DENSITY_LIMITS[min(density, 6)] + 1, _MOST_NOTES)
    kept: list[NoteEvent] = []
    for tick in dict.fromkeys(note.tick for note in events):
        stroke = [note for note in events if note.tick == tick]
        if not kept or len(kept) + len(stroke) <= most:
            kept += stroke
    return kept


def _onsets(events: Iterable[NoteEvent], plan: BarPlan) -> list[tuple[int, int]]:
    return [(note.tick, note.pitch - plan.shift) for note in events]


def _chord_at(plan: BarPlan, tick: int) -> Chord:
    return plan.sounding_chords[min(tick * 2 // TICKS_PER_BAR, 1)]


def _velocity(value: float, scale: float) -> int:
    return int(np.clip(value * scale, 1, 127))
