"""How much of composing is the models' steps, how much sampling and grammar. Knows nothing about what is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import Station, StationSetup, find_mood, load_recurrence

BARS = 24


@dataclass(frozen=True, slots=True)
class Writing:
    """Processor time of composing one bar of both parts, milliseconds."""

    bar_ms: float
    steps_ms: float
    choosing_ms: float
    """Grammar, penalties, sampling."""
    steps: float
    """Calls of the models a bar."""


class _Watch:
    """Adds up the processor time of some methods."""

    def __init__(self) -> None:
        self.spent_s, self.calls = 0.0, 0

    def of(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:  # noqa: ANN401
            begun_s = time.process_time()
            try:
                return function(*arguments)
            finally:
                self.spent_s += time.process_time() - begun_s
                self.calls += 1

        return timed


def measure(models: Path, backend: str = "auto") -> Writing:
    """Compose bars of study without sound."""
    setup = StationSetup(
        find_mood("study"), seed=1, piano_model=models / "piano", drums_model=models / "drums", backend=backend
    )
    station = Station.build(setup)
    composer = station._composer
    steps, choosing = _Watch(), _Watch()
    writers = [composer._keys._writer, composer._drums._writer]
    for writer in writers:
        writer._next_token = choosing.of(writer._next_token)
        recurrence = writer._recurrence
        recurrence.advance = steps.of(recurrence.advance)
    for _ in range(3):
        next(composer)
    steps.spent_s = choosing.spent_s = 0.0
    steps.calls = 0
    begun_s = time.process_time()
    for _ in range(BARS):
        next(composer)
    bar_ms = (time.process_time() - begun_s) * 1000 / BARS
    station.close()
    return Writing(bar_ms, steps.spent_s * 1000 / BARS, choosing.spent_s * 1000 / BARS, steps.calls / BARS)


def load_ms(folder: Path, backend: str = "auto") -> float:
    """Return how long a model takes to load, milliseconds on the wall."""
    begun_s = time.monotonic()
    load_recurrence(folder, backend)
    return (time.monotonic() - begun_s) * 1000
