"""The stored ratios of earlier runs, and which of today's have become worse.

Absolute times move with the machine, ratios within one run do so less.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STORED = Path(__file__).parent / "ratios.json"
TOLERANCE = 0.2
"""So much worse than stored is told."""


@dataclass(frozen=True, slots=True)
class Regression:
    """A ratio that has become worse; more is better for all of them."""

    name: str
    stored: float
    found: float

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.name}: {self.found:.3g}, stored {self.stored:.3g} ({self.found / self.stored - 1:+.0%})"


def regressions(found: Mapping[str, float], stored: Mapping[str, float]) -> list[Regression]:
    """Return what has become worse by more than the tolerance; what was not measured today is no regression."""
    return [
        Regression(name, stored[name], found[name])
        for name in stored.keys() & found.keys()
        if found[name] < stored[name] * (1 - TOLERANCE)
    ]


def load(path: Path = STORED) -> dict[str, float]:
    """Return the stored ratios; none when nothing was stored."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def store(found: Mapping[str, float], path: Path = STORED) -> None:
    """Store today's ratios, beside those that were not measured today."""
    rounded = {name: float(f"{value:.4g}") for name, value in found.items()}
    path.write_text(json.dumps(dict(sorted({**load(path), **rounded}.items())), indent=1) + "\n", encoding="utf-8")
