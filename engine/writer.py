"""Writes bars with one recurrence: samples candidates side by side under a grammar, or replays an earlier bar.

The recurrent state is carried for ever. Knows nothing about chords, form or sound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from engine import tokens
from engine.chance import load_generator, save_generator
from engine.moods import Sampling
from engine.recurrence import Recurrence, RecurrentState, StateBatch
from engine.sampling import FULL, BoolArray, choose, counted, penalised
from engine.types import FloatArray, Tree

_NEARBY_BINS = 2
"""A replayed note is as loud as before, give or take two velocity bins: a loop, not a machine."""


class Grammar(Protocol):
    """Follows one bar and says what may come next."""

    @property
    def done(self) -> bool:
        """Whether the bar is complete."""
        ...

    def forced(self) -> int | None:
        """Return the token that must come now, if there is one."""
        ...

    def allowed(self) -> BoolArray:
        """Return which tokens may come next, bool [vocabulary]."""
        ...

    def adjusted(self, logits: FloatArray) -> FloatArray:
        """Return the logits with the grammar's leanings."""
        ...

    def accept(self, token: int) -> None:
        """Follow one token."""
        ...

    def safe(self) -> int:
        """Return the token that is said when no other may be."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Ending:
    """Where a candidate bar left the recurrence."""

    state: RecurrentState
    counts: FloatArray
    logits: FloatArray


@dataclass(frozen=True, slots=True)
class Strike:
    """A note to be played again; its velocity is sampled anew near the old one."""

    pitch: int
    velocity_bin: int


class Writer:
    """One stream of tokens: a recurrence, its state, a generator and the penalties' counts."""

    def __init__(self, recurrence: Recurrence, rng: np.random.Generator) -> None:
        self.rng = rng
        self.size = recurrence.vocabulary_size
        self._recurrence = recurrence
        self._state = recurrence.initial_state()
        self._counts: FloatArray = np.zeros(self.size, np.float32)
        self._logits: FloatArray = np.zeros(self.size, np.float32)

    def begin(self, state: RecurrentState) -> None:
        """Forget what was said and go on from a state."""
        self._state = state

    def feed(self, forced: Sequence[int]) -> None:
        """Say tokens that are settled."""
        batch = StateBatch.repeat(self._state, 1)  # the state we came from may be in somebody's snapshot
        for token in forced:
            self._logits = self._recurrence.advance([token], batch)[0]
        self._state = batch.row(0)

    def sample(self, grammars: Sequence[Grammar], settings: Sampling) -> list[Ending]:
        """Write a candidate bar with each grammar from here, and return where each one ends. Nothing is kept."""
        endings: dict[int, Ending] = {}
        live = list(range(len(grammars)))
        counts = {candidate: self._counts for candidate in live}
        batch = StateBatch.repeat(self._state, len(live))
        logits = np.repeat(self._logits[np.newaxis], len(live), axis=0)
        while live:
            said: list[int] = []
            rows: list[int] = []
            for row, candidate in enumerate(live):
                grammar = grammars[candidate]
                if not grammar.done:
                    token = self._next_token(grammar, logits[row], counts[candidate], settings)
                    grammar.accept(token)
                    counts[candidate] = counted(counts[candidate], token, settings)
                    if token != tokens.BAR:  # the bar line is said as the next bar's first token
                        said.append(token)
                        rows.append(row)
                        continue
                endings[candidate] = Ending(batch.row(row), counts[candidate], logits[row].copy())
            if len(rows) < len(live):
                batch = batch.keep(rows)
                live = [live[row] for row in rows]
            if live:
                logits = self._recurrence.advance(said, batch)
        return [endings[candidate] for candidate in range(len(grammars))]

    def adopt(self, ending: Ending) -> None:
        """Go on from the end of a candidate."""
        self._state, self._counts, self._logits = ending.state, ending.counts, ending.logits

    def replay(self, script: Sequence[int | Strike]) -> list[int]:
        """Say settled tokens and strikes; return the velocity bins that were sampled for the strikes."""
        bins = []
        for item in script:
            token = item if isinstance(item, int) else self._struck(item)
            if isinstance(item, Strike):
                bins.append(tokens.note_parts(token)[1])
            self.feed([token])
        return bins

    def likelihoods(
        self, prefix: Sequence[int], scripts: Sequence[Sequence[int]], counts: Callable[[int], bool]
    ) -> FloatArray:
        """Return how likely each script is from here: the mean log-likelihood of its tokens that count.

        A token that counts is weighed against all others that count, not against the whole vocabulary. Nothing is kept.
        """
        logits, before = self._logits, StateBatch.repeat(self._state, 1)
        for token in prefix:
            logits = self._recurrence.advance([token], before)[0]
        rivals = np.array([token for token in range(self.size) if counts(token)])
        totals, seen = np.zeros(len(scripts)), np.zeros(len(scripts))
        batch = StateBatch.repeat(before.row(0), len(scripts))
        rows = np.repeat(logits[np.newaxis], len(scripts), axis=0)
        live = list(range(len(scripts)))
        for place in range(max(map(len, scripts))):
            kept = [row for row, script in enumerate(live) if place < len(scripts[script])]
            if len(kept) < len(live):
                live, rows, batch = [live[row] for row in kept], rows[kept], batch.keep(kept)
            said = [scripts[script][place] for script in live]
            for row, (script, token) in enumerate(zip(live, said, strict=True)):
                if counts(token):
                    values = rows[row][rivals].astype(np.float64)
                    totals[script] += rows[row][token] - values.max() - np.log(np.exp(values - values.max()).sum())
                    seen[script] += 1
            rows = self._recurrence.advance(said, batch)
        return np.asarray(totals / np.maximum(seen, 1), np.float32)

    def snapshot(self) -> Tree:
        """Return everything that the coming tokens depend on."""
        return {
            "state": self._state.snapshot(),
            "counts": self._counts,
            "logits": self._logits,
            "rng": save_generator(self.rng),
        }

    def restore(self, tree: Tree) -> None:
        """Go on from a snapshot.

        Raises:
            ValueError: it is of a model of another size.
        """
        state = RecurrentState.restore(cast(Tree, tree["state"]))
        own = self._recurrence.initial_state()
        counts = cast(FloatArray, tree["counts"])
        if state.shift.shape != own.shift.shape or state.wkv.shape != own.wkv.shape or counts.shape != (self.size,):
            raise ValueError(f"state of shape {state.shift.shape} is not of this model, {own.shift.shape}")
        self._state, self._counts = state, counts
        self._logits = cast(FloatArray, tree["logits"])
        self.rng = load_generator(cast(Tree, tree["rng"]))

    def _next_token(self, grammar: Grammar, logits: FloatArray, counts: FloatArray, settings: Sampling) -> int:
        forced = grammar.forced()
        if forced is not None:
            return forced
        allowed = grammar.allowed()
        leaning = penalised(grammar.adjusted(logits), counts, settings)
        token = choose(leaning, allowed, settings, self.rng, grammar.safe())
        if tokens.is_note(token) and tokens.note_parts(token)[1]:
            first = tokens.note(tokens.note_parts(token)[0], 0)
            bins = slice(first + 1, first + tokens.VELOCITY_BINS)
            token = first + 1 + choose(logits[bins], allowed[bins], FULL, self.rng, 0)
        return token

    def _struck(self, strike: Strike) -> int:
        low = max(1, strike.velocity_bin - _NEARBY_BINS)
        high = min(tokens.VELOCITY_BINS - 1, strike.velocity_bin + _NEARBY_BINS)
        first = tokens.note(strike.pitch, low)
        nearby = self._logits[first : first + high - low + 1]
        return first + choose(nearby, np.ones(len(nearby), np.bool_), FULL, self.rng, 0)
