"""How much faster than real time a station renders, and on what. Knows nothing about the insides of the models."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import SAMPLE_RATE_HZ, Station, StationSetup, find_mood

STAGES = {
    "compose": ("_composer", "__next__"),
    "sequence": ("_sequencer", "sequence"),
    "synthesise": ("_synth", "render"),
    "mix": ("_mixer", "process"),
    "fills": ("_fills", "process"),
    "master": ("_master", "process"),
}
"""Stages of a bar: the station's member, or its studio's, and the method that does the work."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """One measured render."""

    composer: str
    seconds: float
    cpu_s: float
    stages_s: dict[str, float]

    @property
    def ratio(self) -> float:
        """How many times faster than real time, on one core."""
        return self.seconds / self.cpu_s


class Stopwatch:
    """Stands in for a member and adds up the processor time of one of its methods."""

    def __init__(self, member: Any, method: str) -> None:  # noqa: ANN401 - any member of the station
        self._member, self._method = member, method
        self.spent_s = 0.0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        found = getattr(self._member, name)
        return self._timed(found) if name == self._method else found

    def __next__(self) -> Any:  # noqa: ANN401 - special methods are looked up on the class
        return self._timed(self._member.__next__)()

    def _timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:  # noqa: ANN401
            begun_s = time.process_time()
            try:
                return function(*arguments)
            finally:
                self.spent_s += time.process_time() - begun_s

        return call


def measure(seconds: float, models: Path | None) -> Rendering:
    """Render so many seconds of study; without models the rules compose."""
    setup = StationSetup(
        find_mood("study"),
        seed=1,
        piano_model=models / "piano" if models else None,
        drums_model=models / "drums" if models else None,
        composer="models" if models else "rules",
    )
    station = Station.build(setup)
    station.render_bar()
    watches = {}
    for stage, (member, method) in STAGES.items():
        owner = station if hasattr(station, member) else station._studio
        watches[stage] = Stopwatch(getattr(owner, member), method)
        setattr(owner, member, watches[stage])
    begun_s = time.process_time()
    block = station.render(round(seconds * SAMPLE_RATE_HZ))
    cpu_s = time.process_time() - begun_s
    station.close()
    stages_s = {stage: watch.spent_s for stage, watch in watches.items()}
    return Rendering(block.bars[0].bar.composer, seconds, cpu_s, stages_s)
