"""Lets the drum model write many songs at once; a bar that is not what its header asks for may be written again.

A song's tokens come with a mark for each that is worth learning: those of bars that have the backbeat and the density
asked for. What is tried again is drawn from the model itself, so the bars kept are its own, given the past and the
header: nothing else about them is chosen. Knows nothing about corpora or training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine import tokens
from engine.types import TICKS_PER_BEAT
from training.groove import ACCENT_BIN, SNARES, has_backbeat
from training.runtime import FloatArray, OnnxStep
from training.songs import decode_drums

Logits = npt.NDArray[np.float64]
LONGEST_BAR_TOKENS = 120
NOTES = np.array([tokens.note(pitch, velocity) for pitch in tokens.DRUM_PITCHES for velocity in range(1, 16)])
POSITIONS = np.arange(tokens.POSITION_BASE, tokens.VOCABULARY_SIZE)
ACCENTS = np.isin(NOTES, [tokens.note(pitch, v) for pitch in SNARES for v in range(ACCENT_BIN, tokens.VELOCITY_BINS)])
STATED_WITHIN_TICKS = 2
"""How near to the beat a stated accent is; the model chooses where, and how hard."""
DRAWN = np.concatenate([[tokens.BAR], NOTES, POSITIONS])
"""What may stand in a bar after its header, in the order of the draws; BAR ends it."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a song begins with and what is asked of its bars."""

    ids: tuple[int, ...]
    """START, and perhaps bars that were played."""
    headers: tuple[tuple[int, ...], ...]
    """One a bar to write: BAR, style, kind, density."""
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
    """Bars that should have a backbeat, have none and were left to stand."""
    tries: int
    """Bars written in all, those that were thrown away among them."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How a bar is drawn, and what becomes of one that is not what its header asks for."""

    top_p: float = 1.0
    """Less sharpens what learns from it: at .97 the written timing and velocities spread less (training/LOG.md)."""
    stands: float = 0.0
    """The chance that it stands at once."""
    tries: int = 8
    """After so many its backbeat is stated for the model, which writes the rest: a groove may be so far from one that
    no try finds it."""


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
    """Whether the accents of this bar are stated."""
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

    def judge(self, patience: Patience, ended: bool) -> bool:
        """Take the bar that is complete, or refuse it; ended: by the model, not by its length."""
        self.tries += 1
        self.tried += 1
        header = self.opening.headers[self.number]
        asked = header[2] == tokens.BACKBEAT
        hits = decode_drums([tokens.BAR, *self.bar]).hits
        holds = asked and has_backbeat(hits)
        density = tokens.density_bucket(len(hits), tokens.DRUM_DENSITY_LIMITS)
        kept = holds and (self.stated or header[3] == tokens.density(density))
        free = self.number < self.opening.free_bars
        stands = kept or not asked or free or self.stated
        if not stands and not (self.tries == 1 and self.rng.random() < patience.stands):
            self.stated = self.tries >= patience.tries
            return False
        self.lost += asked and not holds
        self.ids += self.bar
        self.learned += [kept] * len(self.bar)
        self.begin_bar()
        if kept and ended and not self.done:
            self.learned[-len(self.forced)] = True  # the BAR that ended it
        return True

    def written(self) -> Written:
        return Written([*self.ids, tokens.END], [*self.learned, False], self.lost, self.tried)


class Rollouts:
    """The model and the lanes that it writes in."""

    def __init__(self, model: OnnxStep, patience: Patience, lanes: int = 32) -> None:
        self._model, self._patience, self._lanes = model, patience, lanes

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
            token = _draw(logits, lane, self._patience.top_p)
            full = len(lane.bar) >= LONGEST_BAR_TOKENS
            if token != tokens.BAR and not full:
                lane.bar.append(token)
                return
            if lane.judge(self._patience, ended=not full):
                return
            logits, shift[...], wkv[...] = lane.saved
            lane.bar.clear()


def _lane(opening: Opening) -> _Lane:
    return _Lane(opening, np.random.default_rng(opening.seed))


def _draw(logits: npt.NDArray[np.float32], lane: _Lane, top_p: float) -> int:
    """Draw a token of a bar by nucleus; time never goes back."""
    allowed = logits[DRAWN].astype(np.float64)
    placed = [tokens.position_tick(token) for token in lane.bar[-16:] if tokens.is_position(token)]
    _forbid_the_past(allowed, placed[-1] if placed else None)
    if lane.stated:
        _state_backbeat(allowed, lane.bar, placed[-1] if placed else -1)
    shares = np.exp(allowed - allowed.max())
    order = np.argsort(-shares)
    summed = np.cumsum(shares[order])
    kept = order[: int(np.searchsorted(summed, top_p * summed[-1])) + 1]
    return int(DRAWN[lane.rng.choice(kept, p=shares[kept] / shares[kept].sum())])


def _forbid_the_past(allowed: Logits, now: int | None) -> None:
    """Leave only later positions, and no note before the first one."""
    if now is None:
        _notes(allowed)[:] = -np.inf
    else:
        _positions(allowed)[: now + 1] = -np.inf


def _state_backbeat(allowed: Logits, bar: Sequence[int], now: int) -> None:
    """Leave only what keeps the next accent possible; near its beat nothing but the accent itself."""
    hits = decode_drums([tokens.BAR, *bar]).hits
    accented = [hit.tick for hit in hits if hit.pitch in SNARES and hit.velocity_bin >= ACCENT_BIN]
    for beat in (1, 3):
        first = tokens.DRUM_WINDOW_TICKS + beat * TICKS_PER_BEAT - STATED_WITHIN_TICKS
        last = first + 2 * STATED_WITHIN_TICKS
        if any(first <= tick <= last for tick in accented):
            continue
        allowed[0] = -np.inf
        _positions(allowed)[last + 1 :] = -np.inf
        if now >= first:
            _positions(allowed)[:] = -np.inf
            _notes(allowed)[~ACCENTS] = -np.inf
        return


def _notes(allowed: Logits) -> Logits:
    return allowed[1 : 1 + len(NOTES)]


def _positions(allowed: Logits) -> Logits:
    return allowed[1 + len(NOTES) :]
