"""How far apart the loudness lies before and after a bar line. Knows nothing about what changes there.

Before and after are whole bars: as few as last ten seconds. Ten seconds flat cut slow bars (3.6 to 4.5 s in sleep and
snow) at the soft end of one and behind the loud beginning of another. At lines inside their sections, where nothing
changes, they came out 0.5 LU louder after than before in the mean, and 10 of 232 such lines differed by more than
1.5 LU, as often as new pieces did (2 of 48); by whole bars the mean is 0.1 LU and 1 of 232 is over. Both are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench import listening

SPAN_S = 10.0
LONGEST_S = 16.0
"""No whole bars that are as few as last SPAN_S are longer: a bar at 40 bpm has 6 s."""
_STEPS_A_S = 10


@dataclass(frozen=True, slots=True)
class Step:
    """What follows a bar line against what comes before it, LU; louder is positive."""

    bars_lu: float
    """Whole bars."""
    flat_lu: float
    """Ten seconds, wherever they end."""


def step_at(powers: listening.Numbers, lines: Sequence[int], at: int) -> Step | None:
    """Return the step at a bar line; None where there are no ten seconds on either side.

    Args:
        powers: of steps of 100 ms (`listening.step_powers`).
        lines: frames of all down-beats, in order.
        at: which of them.
    """
    places = np.asarray(lines) * _STEPS_A_S // listening.RATE_HZ
    here, span = int(places[at]), round(SPAN_S * _STEPS_A_S)
    before, after = places[places <= here - span], places[places >= here + span]
    if not len(before) or not len(after) or before[-1] < 0 or after[0] > len(powers):
        return None
    return Step(
        _rise_lu(powers[before[-1] : here], powers[here : after[0]]),
        _rise_lu(powers[here - span : here], powers[here : here + span]),
    )


def _rise_lu(before: listening.Numbers, after: listening.Numbers) -> float:
    return listening.integrated_lufs(after) - listening.integrated_lufs(before)


def summary(steps: Sequence[Step], most_lu: float) -> str:
    """Return the figures of some steps in one line."""
    words = []
    for name, values in (("bars", [step.bars_lu for step in steps]), ("10 s flat", [step.flat_lu for step in steps])):
        sizes = np.abs(values)
        middle, high = np.percentile(sizes, [50, 90])
        words.append(
            f"{name}: mean {np.mean(values):+.2f}, median {middle:.2f}, P90 {high:.2f}, worst {sizes.max():.2f} LU, "
            f"{int((sizes > most_lu).sum())} over {most_lu}"
        )
    return "; ".join(words)
