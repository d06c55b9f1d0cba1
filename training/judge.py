"""What decides whether a bar that a model wrote is what its header asks for. Knows neither part, and no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engine import tokens

Tokens = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a bar is worth."""

    asked: bool
    """Whether anything is asked of it; if not it stands as it comes."""
    holds: bool
    """Whether it has what is asked above all: the backbeat, chord tones on its strong beats."""
    counts: bool
    """Whether it is all that its header asks for, so that it is worth learning."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What may be drawn in a bar after its header, in the order of the draws."""

    notes: Tokens
    """Notes, releases and chord changes: what stands at a position."""

    @property
    def ids(self) -> Tokens:
        """Return the tokens: BAR, which ends the bar, what stands at positions, positions."""
        return np.concatenate([[tokens.BAR], self.notes, np.arange(tokens.POSITION_BASE, tokens.VOCABULARY_SIZE)])

    def notes_of(self, allowed: Logits) -> Logits:
        """Return the part of logits that belongs to what stands at a position."""
        return allowed[1 : 1 + len(self.notes)]

    def positions_of(self, allowed: Logits) -> Logits:
        """Return the part of logits that belongs to positions."""
        return allowed[1 + len(self.notes) :]

    def forbid_the_past(self, allowed: Logits, bar: Sequence[int]) -> None:
        """Leave only later positions, and nothing that stands at one before the first."""
        now = last_tick(bar)
        if now is None:
            self.notes_of(allowed)[:] = -np.inf
        else:
            self.positions_of(allowed)[: now + 1] = -np.inf


def last_tick(bar: Sequence[int]) -> int | None:
    """Return the last position of a bar's tokens; None before the first."""
    return next((tokens.position_tick(token) for token in reversed(bar) if tokens.is_position(token)), None)


class Judge(Protocol):
    """What is asked of the bars of one part."""

    @property
    def draw(self) -> Draw:
        """What may stand in its bars."""
        ...

    @property
    def helps(self) -> bool:
        """Whether it can state what no try finds."""
        ...

    def verdict(self, song: Sequence[int], header: Sequence[int], bar: Sequence[int], stated: bool) -> Verdict:
        """Judge the bar that follows a song, which ends with its header; stated: what is asked was stated for it."""
        ...

    def state(self, allowed: Logits, bar: Sequence[int]) -> None:
        """Leave only what keeps possible what is asked of a bar, whose first tokens are given."""
        ...
