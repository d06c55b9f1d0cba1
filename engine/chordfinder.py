"""Names the chords of half bars by what sounds in them. Knows nothing about files, keys' names or models.

Notes are as written (C major or A minor). A path through all half bars is sought, so that a chord does not change
where a passing note suggests another one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine import tokens
from engine.harmony import SCALE, colour_classes, pitch_classes, tonic_chord
from engine.types import Chord

Weights = npt.NDArray[np.float64]
"""Share of each pitch class, [12]."""

_COLOUR, _FOREIGN = 0.25, -1.0
"""What a pitch class counts that colours a chord, or is foreign to it; a chord tone counts 1."""
_MISSING = 0.22
"""What each chord tone costs that does not sound."""
_BASS_IS_ROOT, _BASS_IS_TONE = 0.45, 0.1
_IN_SCALE = 0.18
_RARE = {"dim": 0.15, "aug": 0.3, "sus": 0.12, "hdim7": 0.08, "7": 0.05}
_CHANGE, _CHANGE_AT_LINE = 0.3, 0.12
_CHORDS = tuple(Chord(root, quality) for root in range(12) for quality in tokens.QUALITIES)


def find_chords(halves: Sequence[tuple[Weights, int | None]], minor: bool) -> list[Chord]:
    """Return a chord for each half bar, given what sounds in it and its lowest pitch class (None: nothing sounds)."""
    if not any(weights.any() for weights, _ in halves):
        return [tonic_chord(minor)] * len(halves)
    local = np.array([_fits(weights, bass) for weights, bass in halves])
    change = np.full((len(_CHORDS), len(_CHORDS)), 1.0)
    np.fill_diagonal(change, 0.0)
    total, back = local[0], []
    for place in range(1, len(halves)):
        cost = _CHANGE_AT_LINE if place % 2 == 0 else _CHANGE
        paths = total[:, None] - cost * change
        back.append(paths.argmax(axis=0))
        total = paths.max(axis=0) + local[place]
    path = [int(total.argmax())]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return [_CHORDS[place] for place in reversed(path)]


def _fits(weights: Weights, bass: int | None) -> Weights:
    """Return how well each chord fits what sounds; all alike where nothing does."""
    if not weights.any():
        return np.zeros(len(_CHORDS))
    shares = weights / weights.sum()
    return np.array([_fit(chord, shares, bass) for chord in _CHORDS])


def _fit(chord: Chord, shares: Weights, bass: int | None) -> float:
    tones, colours = pitch_classes(chord), colour_classes(chord)
    counts = [1.0 if pc in tones else _COLOUR if pc in colours else _FOREIGN for pc in range(12)]
    score = float((shares * counts).sum())
    # the fifth may be left out, and the colours of `sus`
    needed = [tone for tone in tones if tone != (chord.root + 7) % 12][:4]
    score -= _MISSING * sum(shares[tone] < 0.04 for tone in needed)
    score += _BASS_IS_ROOT * (bass == chord.root) + _BASS_IS_TONE * (bass in tones)
    return float(score + _IN_SCALE * (tones <= SCALE) - _RARE.get(chord.quality, 0.0))
