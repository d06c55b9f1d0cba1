"""Renders a mood and keeps what is to be measured: sound, bars, each part by itself. Knows nothing about aims."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.listening import Sound
from bench.solos import SETTLING_S, Tap
from engine import SAMPLE_RATE_HZ, Bar, BarStart, Part, Station, StationSetup, find_mood
from engine.strip import TONES


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """A rendered stretch of a mood."""

    mood: str
    sound: Sound
    """float32 [frames, 2]."""
    starts: tuple[BarStart, ...]
    places_lu: dict[Part, float]
    """How far each part stands from the mood's mix, once levels have settled."""
    troubles: tuple[str, ...]

    @property
    def bars(self) -> list[Bar]:
        """The music."""
        return [start.bar for start in self.starts]


def setup_of(mood: str, seed: int, *, rules: bool) -> StationSetup:
    """Return a station's setup with the shipped models and loops."""
    composer = "rules" if rules else "models"
    return StationSetup(find_mood(mood), seed, Path("models/piano"), Path("models/drums"), composer=composer)


def take(setup: StationSetup, seconds: float) -> Take:
    """Render so many seconds."""
    station = Station.build(setup)
    strips = station._studio._mixer._strips
    taps = {part: Tap(strip) for part, strip in strips.items()}
    strips.update(taps)  # type: ignore[arg-type]
    frames = round(seconds * SAMPLE_RATE_HZ)
    settling = min(round(SETTLING_S * SAMPLE_RATE_HZ), frames // 3)
    blocks = [station.render(settling)]
    for tap in taps.values():
        tap.open = True
    blocks.append(station.render(frames - settling))
    station.close()
    return Take(
        setup.mood.name,
        np.concatenate([block.samples for block in blocks]),
        tuple(start for block in blocks for start in block.bars),
        _places(setup, taps),
        station.troubles,
    )


def _places(setup: StationSetup, taps: dict[Part, Tap]) -> dict[Part, float]:
    mood = setup.mood
    asked = {
        Part.KEYS: mood.keys_db, Part.DRUMS: mood.drums_db, Part.BASS: mood.bass_db, Part.SECOND: mood.second_db,
    }  # fmt: skip
    heard = {part: tap.meter.integrated_lufs for part, tap in taps.items()}
    off = {part: lufs - TONES[part].even_lufs - asked[part] for part, lufs in heard.items() if lufs > -65}
    middle = float(np.median(list(off.values())))
    return {part: value - middle for part, value in off.items()}
