"""Degrees, comparatives and negations that were read and wait for the word they steer (`a bit more`, `no`, `not too`).

Knows nothing about what they steer.
"""

from __future__ import annotations

from dataclasses import dataclass

_LESS = 0.85
"""`less busy` is not as far on the other side as `sparse`."""
_OPPOSITE = 0.6
"""`not sad` is not as far on the other side as `happy`."""


@dataclass(slots=True)
class Steering:
    """Small words that wait for what they steer."""

    degree: float | None = None
    sign: int = 0
    none: bool = False

    @property
    def any(self) -> bool:
        """Whether any word waits."""
        return self.degree is not None or self.sign != 0 or self.none

    def amount(self, *, noun: bool) -> float:
        """Return how much of a term is wanted, by the small words before it."""
        size = self.degree or 1.0
        if self.none:
            return -1.5 if noun else -_OPPOSITE / max(size, 1.0)
        return (self.sign or 1) * (size if self.sign >= 0 or noun else _LESS * size)
