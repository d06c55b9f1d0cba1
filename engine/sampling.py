"""From logits to one choice: temperature, top-p, top-k and penalties, as the thesis means them, under a mask.

Knows nothing about what a token means.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.compiled import compiled
from engine.moods import Sampling
from engine.types import FloatArray

BoolArray = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
_LOG2_E, _LN2_HIGH, _LN2_LOW = map(float.fromhex, ("0x1.71547652b82fep+0", "0x1.62e42feep-1", "0x1.a39ef35793c76p-33"))
_LEAST, _TERMS = -700.0, 13
"""e to that is nothing beside 1; so many terms are exact but for the last bit."""
_MEMORY = ctypes.c_char * 0
FULL = Sampling(temperature=1.05, top_p=1.0)
"""For velocities: trimming rare soft ones makes playing loud and flat (mean velocity 96-115 against 75)."""


def choose(logits: FloatArray, allowed: BoolArray, settings: Sampling, rng: np.random.Generator, safe: int) -> int:
    """Return one allowed index, or the safe one when nothing is allowed.

    Softmax over what is allowed, then top-p, then top-k, temperature last: it never changes the set to choose from.
    """
    if b"\1" not in allowed.tobytes():  # a fifth of the time that any() takes
        return safe
    drawn = rng.random()
    library = compiled()
    if library is None:
        return chosen(logits, allowed, settings, drawn)
    values, mask = np.ascontiguousarray(logits, np.float32), np.ascontiguousarray(allowed)
    scratch = np.empty(4 * len(values))  # not kept: stations in threads would share it
    place: int = library.choose(
        _memory(values), _memory(mask), len(values), settings.temperature, settings.top_p, settings.top_k, drawn,
        _memory(scratch),
    )  # fmt: skip
    return place


def _memory(array: npt.NDArray[Any]) -> ctypes.Array[ctypes.c_char]:
    """Return where an array lies, for C, a third as dear as by `array.ctypes`."""
    written: Any = array if array.flags.writeable else array.copy()
    return _MEMORY.from_buffer(written)


def chosen(logits: FloatArray, allowed: BoolArray, settings: Sampling, drawn: float) -> int:
    """Return the index that a number from [0, 1) draws: what native/choose.c does, and bit for bit the same."""
    indexes = allowed.nonzero()[0]
    weights = chances_of(logits[indexes], settings)
    kept = weights.nonzero()[0]
    ladder = weights[kept].cumsum()
    place = int(ladder.searchsorted(drawn * ladder[-1], side="right"))
    return int(indexes[kept[min(place, len(kept) - 1)]])


def chances_of(logits: FloatArray, settings: Sampling) -> Numbers:
    """Return how likely each logit is beside the best, which has 1; float64 of the same shape."""
    values = logits.astype(np.float64)
    values[np.isnan(values)] = -np.inf
    best = int(values.argmax())
    if settings.temperature == 0 or not np.isfinite(values[best]):
        chances = np.zeros(len(values))
        chances[best] = 1.0
        return chances
    values -= values[best]
    chances = exponential(values)
    least = 0.0
    if settings.top_p < 1 or 0 < settings.top_k < len(chances):
        falling = np.sort(chances)[::-1]
        enough = settings.top_p * chances.cumsum()[-1] if settings.top_p < 1 else np.inf
        last = min(int(falling.cumsum().searchsorted(enough)), len(falling) - 1)
        least = falling[min(last, settings.top_k - 1) if settings.top_k else last]
    with np.errstate(over="ignore"):  # hardly any temperature: all but the best are infinitely far
        return np.where(chances >= least, exponential(values / settings.temperature), 0.0)


def exponential(values: Numbers) -> Numbers:
    """Return e to the power of numbers from -infinity to 0; numpy's own differs in the last bit between machines."""
    clamped = np.maximum(values, _LEAST)
    doublings = np.rint(clamped * _LOG2_E)
    rest = (clamped - doublings * _LN2_HIGH) - doublings * _LN2_LOW
    power = np.full(len(rest), 1 / math.factorial(_TERMS))
    for term in range(_TERMS - 1, -1, -1):
        power = power * rest + 1 / math.factorial(term)
    return np.where(values < _LEAST, 0.0, np.ldexp(power, doublings.astype(np.int32)))


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
