"""Where the strokes of a drum bar stand: the measures and the tokens ask the same question here.

Knows nothing about songs, files or models.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from engine import tokens
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT

NEAR_TICKS = 6
"""A hit this near to a beat is on it."""
KICK, SNARES, HATS = frozenset({36}), frozenset({37, 38}), frozenset({42, 44, 46})
GHOST_VELOCITY = 51
"""Snare strokes up to this velocity are ghost notes."""
ACCENT_BIN = tokens.velocity_to_bin(GHOST_VELOCITY) + 1


class Stroke(Protocol):
    """A drum hit on the shifted window (sounding tick + 6)."""

    @property
    def tick(self) -> int:
        """Ticks from the start of the bar or of the song."""
        ...

    @property
    def pitch(self) -> int:
        """The drum."""
        ...

    @property
    def velocity_bin(self) -> int:
        """How hard, 1-15."""
        ...


def is_on(hits: Iterable[Stroke], pitches: frozenset[int], beat: int) -> bool:
    """Tell whether one of the drums is struck on a beat, 0-3, of the bar that holds the hits."""
    at = tokens.DRUM_WINDOW_TICKS + beat * TICKS_PER_BEAT
    return any(hit.pitch in pitches and abs(hit.tick % TICKS_PER_BAR - at) <= NEAR_TICKS for hit in hits)


def has_backbeat(hits: Iterable[Stroke]) -> bool:
    """Tell whether the hits of a bar accent 2 and 4 with snare or rim; ghost notes there do not count."""
    accents = [hit for hit in hits if hit.velocity_bin >= ACCENT_BIN]
    return is_on(accents, SNARES, 1) and is_on(accents, SNARES, 3)
