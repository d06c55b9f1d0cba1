"""From logits to one choice: temperature, top-p, top-k and penalties, as the thesis means them, under a mask.

Knows nothing about what a token means.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.moods import Sampling
from engine.types import FloatArray

BoolArray = npt.NDArray[np.bool_]
FULL = Sampling(temperature=1.05, top_p=1.0)
"""For velocities: trimming rare soft ones makes playing loud and flat (mean velocity 96-115 against 75)."""


def choose(logits: FloatArray, allowed: BoolArray, settings: Sampling, rng: np.random.Generator, safe: int) -> int:
    """Return one allowed index, or the safe one when nothing is allowed.

    Softmax over what is allowed, then top-p, then top-k, temperature last: it never changes the set to choose from.
    """
    indexes = allowed.nonzero()[0]
    if not len(indexes):
        return safe
    chances = probabilities(logits[indexes], settings)
    ladder = chances.cumsum()
    place = int(ladder.searchsorted(rng.random() * ladder[-1], side="right"))
    return int(indexes[min(place, len(indexes) - 1)])


def probabilities(logits: FloatArray, settings: Sampling) -> npt.NDArray[np.float64]:
    """Return the chance of each logit, float64 of the same shape."""
    values = logits.astype(np.float64)
    if not np.isfinite(values).all():  # 40 us that hardly ever have to be spent
        values = np.nan_to_num(values, nan=-np.inf, neginf=-np.inf)
    best = int(values.argmax())
    if settings.temperature == 0 or not np.isfinite(values[best]):
        chances = np.zeros(len(values))
        chances[best] = 1.0
        return chances
    chances = np.exp(values - values[best])
    chances /= chances.sum()
    if settings.top_p < 1:
        falling = np.sort(chances)[::-1]
        last = int(falling.cumsum().searchsorted(settings.top_p))
        chances[chances < falling[min(last, len(falling) - 1)]] = 0
    if 0 < settings.top_k < len(chances):
        chances[chances < np.partition(chances, -settings.top_k)[-settings.top_k]] = 0
    chances = (chances / chances.max()) ** (1 / settings.temperature)  # the best stays 1: no temperature empties all
    return np.asarray(chances / chances.sum())


def penalised(logits: FloatArray, counts: FloatArray, settings: Sampling) -> FloatArray:
    """Return the logits less what tokens used before cost."""
    if settings.presence == 0 and settings.frequency == 0:
        return logits
    return np.asarray(logits - settings.presence * (counts > 0) - settings.frequency * counts, np.float32)


def counted(counts: FloatArray, token: int, settings: Sampling) -> FloatArray:
    """Return the counts after one more token; older ones fade."""
    if settings.presence == 0 and settings.frequency == 0:
        return counts
    after = np.asarray(counts * np.float32(settings.penalty_decay), np.float32)
    after[after < 1e-3] = 0  # so that presence ends too
    after[token] += 1
    return after
