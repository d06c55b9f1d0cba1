"""The drummer: the drum model, forced style and density, a two-bar loop and the choice among candidates.

Knows nothing about keys, sound or files.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from engine import tokens
from engine.beat import (
    ACCENT_BIN,
    BACKBEAT_STEPS,
    CRASH,
    RIDE,
    RIM,
    SNARE,
    STEP_TICKS,
    TOMS,
    BeatGrammar,
    BeatRules,
    Hit,
)
from engine.chance import generator, round_by_chance
from engine.errors import ModelError
from engine.moods import Mood, Sampling
from engine.plan import BarPlan, DrumRole
from engine.prompt import Prompt
from engine.ranking import score_drums
from engine.recurrence import Recurrence
from engine.types import NoteEvent, Part, Tree
from engine.writer import Strike, Writer

_GHOST_DROP = 0.15
"""Share of ghosts that a repeated bar leaves out."""
_RIM_SHARE = 0.25
_SPARSE_DENSITY = 1.5
_TOUCH = 0.9
"""The model plays louder than its corpus (mean velocity 97 against 75)."""


EARLY_TICKS = tokens.DRUM_WINDOW_TICKS
"""A stroke this little before a line belongs to what comes after the line."""


class ModelDrums:
    """Plays the drums with a recurrence."""

    def __init__(self, recurrence: Recurrence, seed: int) -> None:
        if recurrence.vocabulary_size != tokens.VOCABULARY_SIZE:
            raise ModelError(
                f"drum model {recurrence.name}: has {recurrence.vocabulary_size} tokens, drums need positions "
                f"({tokens.VOCABULARY_SIZE} tokens). With waits the backbeat is lost; use models/drums."
            )
        self._writer = Writer(recurrence, generator(seed, 3))
        self._piece: int | None = None
        self._memory: dict[int, list[Hit]] = {}
        self._primer: Prompt | None = None

    def write(self, plan: BarPlan, mood: Mood) -> list[NoteEvent]:
        """Return the hits of a bar; while the drums rest the model rests too."""
        if plan.drums is DrumRole.NONE:
            return []
        if plan.piece.number != self._piece:
            self._writer.feed([tokens.START] if self._piece is None else [tokens.END, tokens.START])
            self._piece = plan.piece.number
            if self._primer is not None:
                self._listen(self._primer, mood)
        source = self._source(plan)
        hits = self._compose(plan, mood) if source is None else self._repeat(plan, mood, source)
        self._memory[plan.piece_bar] = hits
        return [
            self._sounding(hit)
            for hit in hits
            if hit.tick - tokens.DRUM_WINDOW_TICKS < plan.drums_end_tick - EARLY_TICKS
        ]

    def prime(self, prompt: Prompt | None) -> None:
        """Know what the piece that begins goes on from."""
        self._primer = prompt

    def forget(self) -> None:
        """Drop the loop: what comes shall be new."""
        self._memory.clear()

    def snapshot(self) -> Tree:
        """Return everything that the coming bars depend on."""
        return {
            "writer": self._writer.snapshot(),
            "piece": self._piece,
            "memory": {
                str(bar): [[hit.tick, hit.pitch, hit.velocity_bin] for hit in hits]
                for bar, hits in self._memory.items()
            },
        }

    def restore(self, tree: Tree) -> None:
        """Go on from a snapshot."""
        self._writer.restore(cast(Tree, tree["writer"]))
        self._piece = cast(int | None, tree["piece"])
        memory = cast(dict[str, list[list[int]]], tree["memory"])
        self._memory = {int(bar): [Hit(*values) for values in hits] for bar, hits in memory.items()}

    def _listen(self, prompt: Prompt, mood: Mood) -> None:
        """Hear the bars of a prompt that have drums."""
        for bar in prompt.bars:
            if not bar.hits:
                continue
            hits = [Hit(*values) for values in bar.hits]
            loud = {hit.step for hit in hits if hit.pitch in (RIM, SNARE) and hit.velocity_bin >= ACCENT_BIN}
            kind = tokens.BACKBEAT if loud.issuperset(BACKBEAT_STEPS) else tokens.BEAT
            bucket = tokens.density(tokens.density_bucket(len(hits), tokens.DRUM_DENSITY_LIMITS))
            self._writer.feed([tokens.BAR, tokens.style(mood.drum_style), kind, bucket])
            cursor = -1
            for hit in hits:
                self._writer.feed([tokens.position(hit.tick)] if hit.tick != cursor else [])
                self._writer.feed([tokens.note(hit.pitch, hit.velocity_bin)])
                cursor = hit.tick

    def _source(self, plan: BarPlan) -> list[Hit] | None:
        """Return the loop's bar to play again, if this is to be a repetition."""
        known = [source for source in plan.drums_sources if source.piece_bar in self._memory]
        if known and self._writer.rng.random() < known[0].chance:
            return self._memory[known[0].piece_bar]
        return None

    def _header(self, plan: BarPlan, mood: Mood, density: int) -> list[int]:
        role = tokens.FILL if plan.drums is DrumRole.FILL else tokens.BACKBEAT
        return [tokens.BAR, tokens.style(mood.drum_style), role, tokens.density(density)]

    def _compose(self, plan: BarPlan, mood: Mood) -> list[Hit]:
        """Sample several bars and keep the one that sits best."""
        self._writer.feed(self._header(plan, mood, plan.drums_density))
        fill = plan.drums is DrumRole.FILL
        ghosts = round_by_chance(wanted_ghosts(mood.ghosts), self._writer.rng)
        rules = BeatRules(plan.drums_density, _backbeat(plan, mood), _resting(plan, mood), fill, ghosts)
        settings: Sampling = mood.sampling
        grammars = [BeatGrammar(rules, self._writer.size) for _ in range(settings.candidates)]
        endings = self._writer.sample(grammars, settings)
        before = self._memory.get(plan.piece_bar - 1)
        best = int(np.argmax([score_drums(grammar.hits, before, ghosts) for grammar in grammars]))
        self._writer.adopt(endings[best])
        return grammars[best].hits

    def _repeat(self, plan: BarPlan, mood: Mood, source: list[Hit]) -> list[Hit]:
        """Play the loop again through the recurrence: velocities sampled anew, a ghost left out now and then."""
        hits = [hit for hit in source if hit.velocity_bin >= ACCENT_BIN or self._writer.rng.random() >= _GHOST_DROP]
        self._writer.feed(self._header(plan, mood, tokens.density_bucket(len(hits), tokens.DRUM_DENSITY_LIMITS)))
        script: list[int | Strike] = []
        cursor = -1
        for hit in hits:
            if hit.tick != cursor:
                script.append(tokens.position(hit.tick))
                cursor = hit.tick
            script.append(Strike(hit.pitch, hit.velocity_bin))
        bins = self._writer.replay(script)
        return [Hit(hit.tick, hit.pitch, velocity_bin) for hit, velocity_bin in zip(hits, bins, strict=True)]

    def _sounding(self, hit: Hit) -> NoteEvent:
        softest = tokens.bin_to_velocity(hit.velocity_bin - 1) + 1
        velocity = float(self._writer.rng.uniform(softest, tokens.bin_to_velocity(hit.velocity_bin))) * _TOUCH
        tick = hit.tick - tokens.DRUM_WINDOW_TICKS
        return NoteEvent(tick, STEP_TICKS, hit.pitch, int(np.clip(velocity, 1, 127)), Part.DRUMS)


def wanted_ghosts(share: float) -> float:
    """Return how many ghost notes a bar needs for them to be that share of its strokes, beside two loud ones."""
    return 2 * share / (1 - share)


def _backbeat(plan: BarPlan, mood: Mood) -> int:
    """Return the drum of beats 2 and 4: one for the whole piece, the rim when the mood is sparse."""
    rim = mood.drums_density < _SPARSE_DENSITY or generator(plan.piece.seed, 19).random() < _RIM_SHARE
    return RIM if rim else SNARE


def _resting(plan: BarPlan, mood: Mood) -> frozenset[int]:
    """Return the drums that a beat does without: toms and crash belong to fills, the ride to jazz."""
    if plan.drums is DrumRole.FILL:
        return frozenset({RIDE})
    return frozenset({CRASH, *TOMS}) if mood.drum_style == "jazz" else frozenset({CRASH, RIDE, *TOMS})
