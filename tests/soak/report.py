"""Figures from series. Knows nothing about where they come from."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Slope:
    """How a series went."""

    per_hour: float
    """Of the straight line that fits best (Theil and Sen: the median of all slopes, which no single peak moves)."""
    first: float
    last: float
    lowest: float
    highest: float


def slope(series: list[tuple[float, float]]) -> Slope:
    """Fit a series of (seconds, value)."""
    if len(series) < 2:
        return Slope(0.0, 0.0, 0.0, 0.0, 0.0)
    at, value = np.array(series, float).T
    step = max(1, len(at) // 400)
    at_s, values = at[::step], value[::step]
    later, sooner = np.triu_indices(len(at_s), 1)[::-1]
    slopes = (values[later] - values[sooner]) / (at_s[later] - at_s[sooner])
    return Slope(
        round(float(np.median(slopes)) * 3600, 3), float(value[0]), float(value[-1]),
        float(value.min()), float(value.max()),
    )  # fmt: skip
