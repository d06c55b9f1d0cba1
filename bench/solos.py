"""Where each part stands in the mix: solo loudness of every mood against what the mood asks for.

    python -m bench.solos [--seconds 180] [--composer rules] [MOOD ...]

A part's place is its loudness behind its strip (K-weighted, gated, after the first minute), less the mood's level and
the part's place in the even mix; what all parts have in common is the master's business and is taken out.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine import MOODS, SAMPLE_RATE_HZ, Part, Station, StationSetup, find_mood
from engine.loudness import Meter
from engine.strip import TONES
from engine.types import FloatArray

SETTLING_S = 60.0
"""The slow leveller of a strip needs so long to find its place."""
SILENT_LUFS = -65.0
"""A part that hardly played is not judged."""


class Tap:
    """Stands in for a strip and meters what it gives from a certain frame on."""

    def __init__(self, strip: Any) -> None:  # noqa: ANN401 - a strip of the mixer
        self._strip = strip
        self.meter = Meter()
        self.open = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._strip, name)

    def process(self, sound: FloatArray) -> FloatArray:
        """Pass the sound on."""
        out: FloatArray = self._strip.process(sound)
        if self.open:
            self.meter.add(out.T)
        return out


def solo_lufs(setup: StationSetup, seconds: float) -> dict[Part, float]:
    """Return each part's loudness behind its strip; parts that hardly played are left out."""
    station = Station.build(setup)
    strips = station._studio._mixer._strips
    taps = {part: Tap(strip) for part, strip in strips.items()}
    strips.update(taps)  # type: ignore[arg-type]
    station.render(round(SETTLING_S * SAMPLE_RATE_HZ))
    for tap in taps.values():
        tap.open = True
    left_s = seconds
    while left_s > 0:
        station.render(round(10 * SAMPLE_RATE_HZ))
        left_s -= 10
    station.close()
    heard = {part: tap.meter.integrated_lufs for part, tap in taps.items()}
    return {part: lufs for part, lufs in heard.items() if lufs > SILENT_LUFS}


def places_lu(setup: StationSetup, seconds: float) -> dict[Part, float]:
    """Return how far each part stands from the mood's mix, in LU."""
    mood = setup.mood
    asked = {
        Part.KEYS: mood.keys_db, Part.DRUMS: mood.drums_db, Part.BASS: mood.bass_db, Part.SECOND: mood.second_db,
    }  # fmt: skip
    off = {part: lufs - TONES[part].even_lufs - asked[part] for part, lufs in solo_lufs(setup, seconds).items()}
    middle = float(np.median(list(off.values())))
    return {part: value - middle for part, value in off.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.solos", description=__doc__)
    parser.add_argument("moods", nargs="*", default=list(MOODS))
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--composer", choices=("models", "rules"), default="models")
    options = parser.parse_args()
    setup = StationSetup(
        find_mood("study"), options.seed, Path("models/piano"), Path("models/drums"), composer=options.composer
    )
    print(f"| mood | {' | '.join(part.value for part in Part)} | worst |\n|---|{'---|' * 5}")
    for name in options.moods or list(MOODS):
        places = places_lu(replace(setup, mood=find_mood(name)), options.seconds)
        shown = [f"{places[part]:+.1f}" if part in places else "–" for part in Part]
        print(f"| {name} | {' | '.join(shown)} | {max(map(abs, places.values())):.1f} |", flush=True)


if __name__ == "__main__":
    main()
