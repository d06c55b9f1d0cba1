"""Lets a model write many songs at once; a bar that is not what its header asks for may be written again.

A song's tokens come with a mark for each that is worth learning: those of bars that a judge finds to be what is asked
for. What is tried again is drawn from the model itself, so the bars kept are its own, given the past and the header:
nothing else about them is chosen. Knows nothing about parts, corpora or training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine import tokens
from training.judge import Judge
from training.runtime import FloatArray, OnnxStep

LONGEST_BAR_TOKENS = 120


@dataclass(frozen=True, slots=True)
class Opening:
    """What a song begins with and what is asked of its bars."""

    ids: tuple[int, ...]
    """START, what else stands before the first bar, and perhaps bars that were played."""
    headers: tuple[tuple[int, ...], ...]
    """One a bar to write, as the part has them."""
    seed: int
    free_bars: int = 0
    """The first so many written bars stay as they come, so that the song may lose its way."""


@dataclass(frozen=True, slots=True)
class Written:
    """A song that the model wrote."""

    ids: list[int]
    learned: list[bool]
    """One a token: whether it belongs to a written bar that is what its header asks for (the header does not)."""
    lost_bars: int
    """Bars that do not hold what was asked of them and were left to stand."""
    tries: int
    """Bars written in all, those that were thrown away among them."""
    seed: int
    """That of its opening: songs end in any order."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How a bar is drawn, and what becomes of one that is not what its header asks for."""

    top_p: float = 1.0
    """Less sharpens what learns from it: at .97 the written timing and velocities spread less (training/LOG.md)."""
    stands: float = 0.0
    """The chance that it stands at once."""
    tries: int = 8
    """After so many what is asked is stated for the model, which writes the rest, if the judge can: a groove may be so
    far from a backbeat that no try finds it. If not, the bar stands."""


@dataclass(slots=True)
class _Lane:
    """One song in writing."""

    opening: Opening
    rng: np.random.Generator
    ids: list[int] = field(default_factory=list)
    learned: list[bool] = field(default_factory=list)
    forced: list[int] = field(default_factory=list)
    bar: list[int] = field(default_factory=list)
    number: int = -1
    tries: int = 0
    tried: int = 0
    lost: int = 0
    stated: bool = False
    """Whether what is asked of this bar is stated."""
    saved: tuple[FloatArray, FloatArray, FloatArray] | None = None
    """(logits, shift, wkv) after the header of the bar."""

    def __post_init__(self) -> None:
        self.forced = list(self.opening.ids)
        self.ids, self.learned = list(self.forced), [False] * len(self.forced)

    @property
    def done(self) -> bool:
        return self.number >= len(self.opening.headers)

    def begin_bar(self) -> None:
        """Ask for the next bar."""
        self.number += 1
        self.bar, self.tries, self.saved, self.stated = [], 0, None, False
        if not self.done:
            self.forced = list(self.opening.headers[self.number])
            self.ids += self.forced
            self.learned += [False] * len(self.forced)

    def take(self, judge: Judge, patience: Patience, ended: bool) -> bool:
        """Take the bar that is complete, or refuse it; ended: by the model, not by its length."""
        self.tries += 1
        self.tried += 1
        found = judge.verdict(self.ids, self.opening.headers[self.number], self.bar, self.stated)
        free = self.number < self.opening.free_bars
        spent = self.tries >= patience.tries
        stands = found.counts or not found.asked or free or self.stated or (spent and not judge.helps)
        if not stands and not (self.tries == 1 and self.rng.random() < patience.stands):
            self.stated = spent
            return False
        self.lost += found.asked and not found.holds
        self.ids += self.bar
        self.learned += [found.counts] * len(self.bar)
        self.begin_bar()
        if found.counts and ended and not self.done:
            self.learned[-len(self.forced)] = True  # the BAR that ended it
        return True

    def written(self) -> Written:
        return Written([*self.ids, tokens.END], [*self.learned, False], self.lost, self.tried, self.opening.seed)


class Rollouts:
    """The model and the lanes that it writes in."""

    def __init__(self, model: OnnxStep, judge: Judge, patience: Patience, lanes: int = 32) -> None:
        self._model, self._judge, self._patience, self._lanes = model, judge, patience, lanes
        self._drawn = judge.draw.ids

    def write(self, openings: Sequence[Opening]) -> Iterator[Written]:
        """Yield the songs as they end; which song a seed makes does not depend on its neighbours but for rounding."""
        waiting = iter(openings)
        shift, wkv = self._model.initial_state(min(self._lanes, len(openings)))
        lanes = [_lane(next(waiting)) for _ in range(shift.shape[2])]
        while lanes:
            feed = np.array([lane.forced.pop(0) if lane.forced else lane.bar[-1] for lane in lanes], np.int64)
            logits, (shift, wkv) = self._model.step(feed, (shift, wkv))
            for place, lane in enumerate(lanes):
                if not lane.forced:
                    self._advance(lane, logits[place], shift[:, :, place], wkv[:, place])
            ended = [place for place, lane in enumerate(lanes) if lane.done]
            for place in ended:
                yield lanes[place].written()
                following = next(waiting, None)
                if following is not None:
                    lanes[place] = _lane(following)
                    shift[:, :, place], wkv[:, place] = 0, 0
            going = [place for place, lane in enumerate(lanes) if not lane.done]
            if len(going) < len(lanes):
                lanes = [lanes[place] for place in going]
                shift, wkv = np.ascontiguousarray(shift[:, :, going]), np.ascontiguousarray(wkv[:, going])

    def _advance(self, lane: _Lane, logits: FloatArray, shift: FloatArray, wkv: FloatArray) -> None:
        """Draw the lane's next token, and judge the bar when that ends it; `shift` and `wkv` are changed in place."""
        if lane.number < 0:  # the opening is read
            lane.begin_bar()
            return
        if lane.saved is None:
            lane.saved = logits.copy(), shift.copy(), wkv.copy()
        while True:
            token = self._draw(logits, lane)
            full = len(lane.bar) >= LONGEST_BAR_TOKENS
            if token != tokens.BAR and not full:
                lane.bar.append(token)
                return
            if lane.take(self._judge, self._patience, ended=not full):
                return
            logits, shift[...], wkv[...] = lane.saved
            lane.bar.clear()

    def _draw(self, logits: FloatArray, lane: _Lane) -> int:
        """Draw a token of a bar by nucleus; time never goes back."""
        allowed = logits[self._drawn].astype(np.float64)
        self._judge.draw.forbid_the_past(allowed, lane.bar)
        if lane.stated:
            self._judge.state(allowed, lane.bar)
        shares = np.exp(allowed - allowed.max())
        order = np.argsort(-shares)
        summed = np.cumsum(shares[order])
        kept = order[: int(np.searchsorted(summed, self._patience.top_p * summed[-1])) + 1]
        return int(self._drawn[lane.rng.choice(kept, p=shares[kept] / shares[kept].sum())])


def _lane(opening: Opening) -> _Lane:
    return _Lane(opening, np.random.default_rng(opening.seed))
