"""The touch of the keys: which notes of a bar are meant, and which only carry them. Knows nothing about models."""

from __future__ import annotations

import math

from engine.plan import GROUP_BARS
from engine.types import TICKS_PER_BEAT

_TOP, _INNER, _ALONE = 7.0, -7.0, 4.0
_STRONG, _WEAK = 3.0, -5.0
_ARC = 6.0


def lean(tick: int, place: int, group: int, phrase_bar: int) -> float:
    """Return how much louder or softer than written a note is meant, in MIDI velocity.

    The top of a chord sings, its inner notes step back, off-beats are lighter, and a phrase of eight bars swells to
    its middle and falls: from the models alone velocities spread by 7, and people's by 12.

    Args:
        tick: onset in its bar.
        place: the note's place in its group of simultaneous notes, from the bottom, 0.
        group: notes in the group.
        phrase_bar: the bar's place in its phrase.
    """
    voice = _ALONE if group == 1 else _TOP if place == group - 1 else _INNER if place else 0.0
    beat = _STRONG if tick % (2 * TICKS_PER_BEAT) == 0 else 0.0 if tick % TICKS_PER_BEAT == 0 else _WEAK
    arc = _ARC * (math.sin(math.pi * (phrase_bar % GROUP_BARS + 0.5) / GROUP_BARS) - 0.64)
    return voice + beat + arc
