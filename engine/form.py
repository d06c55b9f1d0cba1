"""The form of the endless stream: pieces, sections, chord loops, densities and what may be repeated.

Plans each bar before anybody composes it. Knows nothing about models, notes or sound.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import cast

import numpy as np

from engine import titles
from engine.chance import generator, load_generator, round_by_chance, save_generator
from engine.harmony import PROGRESSIONS
from engine.moods import Mood
from engine.plan import FORM, GROUP_BARS, BarPlan, DrumRole, PiecePlan, Source
from engine.types import Piece, Section, Tree

_SHORTEST = {
    Section.INTRO: 4, Section.A: 8, Section.B: 8, Section.BREAKDOWN: 4, Section.A_RETURN: 8, Section.OUTRO: 4,
}  # fmt: skip
# an intro of four bars: with the end of the piece before, no more than eight bars pass without drums
_LONGEST = {
    Section.INTRO: 4, Section.A: 24, Section.B: 24, Section.BREAKDOWN: 8, Section.A_RETURN: 24, Section.OUTRO: 8,
}  # fmt: skip
_KEYS_DENSITY = {
    Section.INTRO: -0.7, Section.A: 0.0, Section.B: 0.6, Section.BREAKDOWN: -0.4, Section.A_RETURN: 0.3,
    Section.OUTRO: -0.8,
}  # fmt: skip
_BUSIEST_KEYS_BUCKET = 4
"""At most 11 notes a bar: more is clutter."""
_BUSIEST_DRUMS_BUCKET = 6


class Form:
    """Plans bar after bar, piece after piece, for ever."""

    def __init__(self, seed: int) -> None:
        self._rng = generator(seed, 1)
        self._plan: PiecePlan | None = None
        self._bar = 0
        self._pieces = 0

    def next(self, mood: Mood) -> BarPlan:
        """Return the plan of the next bar."""
        if self._plan is None or self._bar >= self._plan.piece.bars:
            self._plan = self._new_piece(mood)
            self._pieces += 1
            self._bar = 0
        plan = self._bar_plan(self._plan, self._bar, mood)
        self._bar += 1
        return plan

    def cut(self) -> None:
        """End the piece at the coming bar line."""
        if self._plan is not None:
            self._bar = self._plan.piece.bars

    def fits(self, mood: Mood) -> bool:
        """Tell whether the piece now sounding could be of this mood."""
        if self._plan is None:
            return True
        piece = self._plan.piece
        mode_allowed = mood.minor_share > 0 if piece.minor else mood.minor_share < 1
        return mood.bpm_low <= piece.bpm <= mood.bpm_high and piece.key in mood.keys and mode_allowed

    def snapshot(self) -> Tree:
        """Return everything that the next plan depends on."""
        plan: Tree | None = None
        if self._plan is not None:
            plan = {
                "piece": asdict(self._plan.piece),
                "section_bars": list(self._plan.section_bars),
                "loop_a": self._plan.loop_a,
                "loop_b": self._plan.loop_b,
            }
        return {"rng": save_generator(self._rng), "plan": plan, "bar": self._bar, "pieces": self._pieces}

    def restore(self, tree: Tree) -> None:
        """Go on from a snapshot."""
        self._rng = load_generator(cast(Tree, tree["rng"]))
        self._bar = cast(int, tree["bar"])
        self._pieces = cast(int, tree["pieces"])
        self._plan = None
        if tree["plan"] is not None:
            plan = cast(Tree, tree["plan"])
            self._plan = PiecePlan(
                piece=Piece(**cast(dict[str, int], plan["piece"])),  # type: ignore[arg-type]
                section_bars=tuple(cast(list[int], plan["section_bars"])),
                loop_a=cast(str, plan["loop_a"]),
                loop_b=cast(str, plan["loop_b"]),
            )

    def _new_piece(self, mood: Mood) -> PiecePlan:
        rng = self._rng
        before = self._plan
        minor = bool(rng.random() < mood.minor_share)
        loops = [name for name in mood.palette if PROGRESSIONS[name].minor == minor]
        keys = list(mood.keys)
        if before is not None:  # another key and another loop whenever the mood has one
            keys = [key for key in keys if key != before.piece.key] or keys
            fresh = [name for name in loops if name != before.loop_a] or loops
        else:
            fresh = loops
        loop_a = fresh[int(rng.integers(len(fresh)))]
        others = [name for name in loops if name != loop_a] or loops
        section_bars = _section_lengths(mood, rng)
        piece = Piece(
            number=self._pieces,
            title=titles.title(rng),
            seed=int(rng.integers(2**31)),
            bpm=_tempo(mood, None if before is None else before.piece.bpm, rng),
            key=keys[int(rng.integers(len(keys)))],
            minor=minor,
            bars=sum(section_bars),
        )
        return PiecePlan(piece, section_bars, loop_a, others[int(rng.integers(len(others)))])

    def _bar_plan(self, plan: PiecePlan, bar: int, mood: Mood) -> BarPlan:
        section, place = plan.place(bar)
        last = bar == plan.piece.bars - 1
        breath = -0.8 if place % GROUP_BARS == GROUP_BARS - 1 else 0.0
        density = mood.keys_density + _KEYS_DENSITY[section] + breath
        drums_density = mood.drums_density + (0.5 if section is Section.B else 0.0)
        role = plan.drum_role(section, place)
        if role is DrumRole.FILL:
            drums_density += 1
        return BarPlan(
            piece=plan.piece,
            piece_bar=bar,
            section=section,
            section_bar=place,
            chords=plan.chords(bar),
            next_chord=None if last else plan.chords(bar + 1)[0],
            keys_density=_bucket(density, _BUSIEST_KEYS_BUCKET, self._rng),
            drums=role,
            drums_density=_bucket(drums_density, _BUSIEST_DRUMS_BUCKET, self._rng),
            bass=section is not Section.INTRO or place >= plan.length(section) - 2,
            keys_sources=_keys_sources(plan, bar),
            drums_sources=_drums_sources(plan, bar),
        )


def _bucket(density: float, busiest: int, rng: np.random.Generator) -> int:
    return min(max(round_by_chance(density, rng), 1), busiest)


def _tempo(mood: Mood, before: float | None, rng: np.random.Generator) -> float:
    tempos = [float(bpm) for bpm in range(int(np.ceil(mood.bpm_low)), int(mood.bpm_high) + 1)] or [mood.bpm_low]
    fresh = [bpm for bpm in tempos if bpm != before] or tempos
    return fresh[int(rng.integers(len(fresh)))]


def _section_lengths(mood: Mood, rng: np.random.Generator) -> tuple[int, ...]:
    """Return section lengths that add up to a length of the mood's range, as near as whole phrases allow."""
    target = int(rng.integers(mood.piece_bars_low, mood.piece_bars_high + 1)) // 4 * 4
    bars = dict(_SHORTEST)
    for step in (8, 4):  # long sections grow by whole groups; what is left goes to any section
        grow = [s for s in FORM if _SHORTEST[s] == 8 or step == 4]
        while target - sum(bars.values()) >= step:
            open_to_more = [s for s in grow if bars[s] + step <= _LONGEST[s]]
            if not open_to_more or (step == 8 and rng.random() < 0.2):
                break
            bars[open_to_more[int(rng.integers(len(open_to_more)))]] += step
    return tuple(bars[section] for section in FORM)


def _keys_sources(plan: PiecePlan, bar: int) -> tuple[Source, ...]:
    """Return the bars that this one may repeat: phrase memory.

    The recipe's .70 and .55 gave 26-34 % repeats inside a section, the low end of our aim of 30-70 %.
    """
    section, place = plan.place(bar)
    phrase = place % GROUP_BARS
    ending = phrase == GROUP_BARS - 1
    wanted: list[tuple[int, float]] = []
    if place >= GROUP_BARS:
        wanted.append((bar - 8, 0.35 if ending else 0.6))
    if phrase >= 4:
        wanted.append((bar - 4, 0.35 if ending else 0.8))
    if phrase in (2, 3):
        wanted.append((bar - 2, 0.5))
    if section in (Section.A_RETURN, Section.OUTRO) and place < plan.length(Section.A):
        wanted.append((plan.start(Section.A) + place, 0.5))
    if section is Section.A and place < plan.length(Section.INTRO):
        wanted.append((place, 0.4))
    return tuple(Source(b, chance) for b, chance in wanted if plan.chords(b) == plan.chords(bar))


def _drums_sources(plan: PiecePlan, bar: int) -> tuple[Source, ...]:
    """Return the bars whose beat may go on, the first one known: the section's two-bar loop, and A's beat in A'."""
    section, place = plan.place(bar)
    if plan.drum_role(section, place) is not DrumRole.BEAT:
        return ()
    if place >= 2:
        loop = (plan.start(section) + place % 2, bar - 2)
        return tuple(Source(b, 0.85) for b in loop if plan.drum_role(*plan.place(b)) is DrumRole.BEAT)
    if section in (Section.A_RETURN, Section.OUTRO):
        return (Source(plan.start(Section.A) + place, 0.85),)
    return ()
