"""The form of the endless stream: pieces, sections, chord loops, densities and what may be repeated.

Plans each bar before anybody composes it. Knows nothing about models, notes or sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import cast

import numpy as np

from engine import titles
from engine.chance import generator, load_generator, round_by_chance, save_generator
from engine.drift import wandered
from engine.harmony import PROGRESSIONS
from engine.layout import LONGEST, SHORTEST, Layout, drawn_lengths
from engine.moods import Mood
from engine.plan import FORM, GROUP_BARS, PROMPT_BAR, BarPlan, DrumRole, PiecePlan, Source
from engine.prompt import Prompt
from engine.remembered import PIECES, PieceMark, PieceMemory
from engine.repetition import drums_sources, keys_sources
from engine.substitution import Loop, Spice, substituted
from engine.tailoring import tailored
from engine.types import TICKS_PER_BAR, Chord, FloatArray, Piece, Section, Tree

Taste = Callable[[bool, Sequence[Loop]], FloatArray]
"""How likely a player of keys finds each chord loop in a mode (True: minor), as logarithms."""

_KEYS_DENSITY = {
    Section.INTRO: -0.7, Section.A: 0.0, Section.B: 0.6, Section.BREAKDOWN: -0.4, Section.A_RETURN: 0.3,
    Section.OUTRO: -0.8,
}  # fmt: skip
_BUSIEST_KEYS_BUCKET = 4
"""At most 10 notes a bar: more is clutter."""
_BUSIEST_DRUMS_BUCKET = 6
ENDING_BARS = 2
"""The drums rest in them and the last one stands on the chord of rest."""
_TRIES = 32
_LONG = 8
"""Bars of a long chord loop."""
_UNLOVED = 0.5
"""Share of the choice among loops that is even: the model's taste alone would play its favourite all day."""


class Form:
    """Plans bar after bar, piece after piece, for ever."""

    def __init__(self, seed: int, heard: Iterable[PieceMark] = ()) -> None:
        """Begin.

        Args:
            seed: the same seed plans the same.
            heard: pieces of the last day, oldest first, that must not come again.
        """
        self._rng = generator(seed, 1)
        self._plan: PiecePlan | None = None
        self._bar = 0
        self._pieces = 0
        self._memory = PieceMemory(heard)
        self._minor_due = 0.0
        self.layout: Layout = ()
        """The form that pieces are to have; nothing: the ordinary one."""
        self.prompt: Prompt | None = None
        """What the piece in hand, or the one that begins next, goes on from."""

    @property
    def at_piece_end(self) -> bool:
        """Whether the next bar begins a piece."""
        return self._plan is None or self._bar >= self._plan.piece.bars

    def next(self, mood: Mood, taste: Taste | None = None) -> BarPlan:
        """Return the plan of the next bar."""
        if self._plan is None or self._bar >= self._plan.piece.bars:
            self._plan = self._new_piece(mood, taste if mood.chords_by == "model" else None)
            self._pieces += 1
            self._bar = 0
        plan = self._bar_plan(self._plan, self._bar, wandered(mood, self._plan.piece.seed))
        self._bar += 1
        return plan

    def cut(self) -> None:
        """End the piece at the coming bar line."""
        if self._plan is not None:
            self._bar = self._plan.piece.bars

    def finish(self) -> None:
        """Go to the piece's last bars at the coming bar line, where it has not come to them yet."""
        if self._plan is not None:
            self._bar = max(self._bar, self._plan.piece.bars - ENDING_BARS)

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
                "chords_a": _loop_to_tree(self._plan.chords_a),
                "chords_b": _loop_to_tree(self._plan.chords_b),
                "fill_bars": self._plan.fill_bars,
                "form": [section.value for section in self._plan.form],
            }
        return {
            "rng": save_generator(self._rng),
            "plan": plan,
            "bar": self._bar,
            "pieces": self._pieces,
            "memory": self._memory.snapshot(),
            "minor_due": self._minor_due,
        }

    def restore(self, tree: Tree) -> None:
        """Go on from a snapshot."""
        self._rng = load_generator(cast(Tree, tree["rng"]))
        self._bar = cast(int, tree["bar"])
        self._pieces = cast(int, tree["pieces"])
        self._memory.restore(cast(Tree, tree["memory"]))
        self._minor_due = cast(float, tree["minor_due"])
        self._plan = None
        if tree["plan"] is not None:
            plan = cast(Tree, tree["plan"])
            self._plan = PiecePlan(
                piece=Piece(**cast(dict[str, int], plan["piece"])),  # type: ignore[arg-type]
                section_bars=tuple(cast(list[int], plan["section_bars"])),
                loop_a=cast(str, plan["loop_a"]),
                loop_b=cast(str, plan["loop_b"]),
                chords_a=_loop_from_tree(plan["chords_a"]),
                chords_b=_loop_from_tree(plan["chords_b"]),
                fill_bars=cast(int, plan["fill_bars"]),
                form=tuple(map(Section, cast(list[str], plan.get("form", list(FORM))))),
            )

    def _new_piece(self, mood: Mood, taste: Taste | None) -> PiecePlan:
        rng = self._rng
        minor = self._mode(mood)
        if self.prompt is not None:
            mood, minor = tailored(mood, self.prompt.bpm, self.prompt.key), self.prompt.key.minor
        loops = list(dict.fromkeys(name for name in mood.palette if PROGRESSIONS[name].minor == minor))
        weights = _weights(minor, loops, taste)
        title = next((t for t in (titles.title(rng) for _ in range(_TRIES)) if not self._memory.knows_title(t)), None)
        mark = self._unheard(mood, minor, loops, weights, title or titles.title(rng))
        self._memory.add(mark)
        # after a long loop a short one: two loops of eight bars hardly come back within a piece of forty
        taken = {name for name in loops if name == mark.loop or _LONG <= _bars(name) == _bars(mark.loop)}
        others = np.array([0.0 if name in taken else weight for name, weight in zip(loops, weights, strict=True)])
        loop_b = loops[_drawn(others, rng)] if others.any() else mark.loop
        form = tuple(section for section, _ in self.layout) or FORM
        loop_bars = {section: _bars(loop_b if section is Section.B else mark.loop) for section in form}
        section_bars = drawn_lengths(self.layout, mood, rng) if self.layout else _section_lengths(mood, loop_bars, rng)
        piece = Piece(
            number=self._pieces,
            title=mark.title,
            seed=int(rng.integers(2**31)),
            bpm=mark.bpm,
            key=mark.key,
            minor=minor,
            bars=sum(section_bars),
        )
        spice = Spice(mood.secondary_dominants, mood.tritone_subs, mood.borrowed_chords)
        chords_a, chords_b = (substituted(PROGRESSIONS[name].bars, minor, spice, rng) for name in (mark.loop, loop_b))
        if self.prompt is not None:
            chords_a = self.prompt.loop
        return PiecePlan(piece, section_bars, mark.loop, loop_b, chords_a, chords_b, mood.fill_bars, form)

    def _mode(self, mood: Mood) -> bool:
        """Draw the mode so that an hour has the mood's share of minor pieces, and no long runs of either."""
        self._minor_due += mood.minor_share
        minor = bool(self._rng.random() < self._minor_due)
        if mood.minor_share in (0.0, 1.0):
            minor = mood.minor_share == 1.0
        self._minor_due = min(max(self._minor_due - minor, -1.0), 1.0)
        return minor

    def _unheard(self, mood: Mood, minor: bool, loops: list[str], weights: FloatArray, title: str) -> PieceMark:
        """Draw key, tempo and loop: not those of the piece before, and together not heard for as long as possible."""
        before, rng = self._plan, self._rng
        keys = list(mood.keys)
        if before is not None:
            keys = [key for key in keys if key != before.piece.key] or keys
            fresh = np.array([name != before.loop_a for name in loops], np.float32)
            weights = weights * fresh if (weights * fresh).any() else weights
        best: PieceMark | None = None
        for _ in range(_TRIES):
            loop, key = loops[_drawn(weights, rng)], keys[int(rng.integers(len(keys)))]
            bpm = _tempo(mood, None if before is None else before.piece.bpm, rng)
            mark = PieceMark(title, key, minor, bpm, loop)
            if best is None or self._memory.age_of(mark) > self._memory.age_of(best):
                best = mark
            if self._memory.age_of(best) > PIECES:
                break
        assert best is not None, "expected at least one try"
        return best

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
            keys_sources=_quoted(self.prompt, bar) or keys_sources(plan, bar),
            drums_end_tick=_drums_end_tick(plan, bar, role, mood.dropouts),
            drums_sources=drums_sources(plan, bar),
            next_section=None if last else plan.place(bar + 1)[0],
        )


def _bars(loop: str) -> int:
    return len(PROGRESSIONS[loop].bars)


def _quoted(prompt: Prompt | None, bar: int) -> tuple[Source, ...]:
    """Return the prompt's own bar where the piece opens with it."""
    return (Source(PROMPT_BAR + bar, 1.0),) if prompt is not None and bar < prompt.begins_with else ()


def _loop_to_tree(loop: Loop) -> list[list[object]]:
    return [[value for chord in bar for value in (chord.root, chord.quality)] for bar in loop]


def _loop_from_tree(tree: object) -> Loop:
    bars = cast(list[tuple[int, str, int, str]], tree)
    return tuple((Chord(root, quality), Chord(root2, quality2)) for root, quality, root2, quality2 in bars)


def _weights(minor: bool, loops: list[str], taste: Taste | None) -> FloatArray:
    """Return the chance of each loop: half of it even, half by the player's taste."""
    even = np.full(len(loops), 1 / len(loops), np.float32)
    if taste is None:
        return even
    logs = taste(minor, [PROGRESSIONS[name].bars for name in loops])
    liked = np.exp(logs - logs.max())
    return np.asarray(_UNLOVED * even + (1 - _UNLOVED) * liked / liked.sum(), np.float32)


def _drawn(weights: FloatArray, rng: np.random.Generator) -> int:
    ladder = np.cumsum(weights, dtype=np.float64)
    return min(int(np.searchsorted(ladder, rng.random() * ladder[-1], side="right")), len(weights) - 1)


def _drums_end_tick(plan: PiecePlan, bar: int, role: DrumRole, dropouts: float) -> int:
    """Return where the drums stop in a bar: now and then they leave the end of a group of four to the others."""
    _, place = plan.place(bar)
    rng = generator(plan.piece.seed, 31, bar)
    if role is not DrumRole.BEAT or place % 4 != 3 or rng.random() >= dropouts:
        return TICKS_PER_BAR
    return TICKS_PER_BAR // 2 if rng.random() < 0.5 else TICKS_PER_BAR * 3 // 4


def _bucket(density: float, busiest: int, rng: np.random.Generator) -> int:
    return min(max(round_by_chance(density, rng), 1), busiest)


def _tempo(mood: Mood, before: float | None, rng: np.random.Generator) -> float:
    tempos = [float(bpm) for bpm in range(int(np.ceil(mood.bpm_low)), int(mood.bpm_high) + 1)] or [mood.bpm_low]
    fresh = [bpm for bpm in tempos if bpm != before] or tempos
    return fresh[int(rng.integers(len(fresh)))]


def _section_lengths(mood: Mood, loop_bars: Mapping[Section, int], rng: np.random.Generator) -> tuple[int, ...]:
    """Return section lengths that add up to a length of the mood's range, as near as whole phrases allow."""
    target = int(rng.integers(mood.piece_bars_low, mood.piece_bars_high + 1)) // 4 * 4
    bars = dict(SHORTEST)
    for step in (8, 4):  # long sections grow by whole groups; what is left goes to any section
        grow = [s for s in FORM if SHORTEST[s] == 8 or step == 4]
        while target - sum(bars.values()) >= step:
            open_to_more = [s for s in grow if bars[s] + step <= LONGEST[s]]
            if not open_to_more or (step == 8 and rng.random() < 0.2):
                break
            # a loop that comes only once in its section is never heard again: such sections grow first
            once = [s for s in open_to_more if step == 8 and bars[s] < 2 * loop_bars[s]]
            chosen = once or open_to_more
            bars[chosen[int(rng.integers(len(chosen)))]] += step
    return tuple(bars[section] for section in FORM)
