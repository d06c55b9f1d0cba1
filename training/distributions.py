"""How alike two bodies of music are, feature by feature: the overlapping area of their distributions.

Features are taken of four-bar stretches; densities are estimated by Gaussian kernels (Yang and Lerch, "On the
evaluation of generative models in music", 2020). Knows nothing about tokens' use or the network.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import gaussian_kde

from engine import tokens
from engine.harmony import SCALE
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT
from training.groove import HATS, KICK, SNARES
from training.measures import Measures, deviation
from training.songs import DrumSong, Hit, Note, PianoSong

STRETCH_BARS = 4
LEAST_NOTES = 4
"""Stretches with fewer notes say nothing about texture."""
GRID_POINTS = 512

Values = npt.NDArray[np.float64]
Features = dict[str, Values]


def piano_features(songs: Sequence[PianoSong]) -> Features:
    """Return texture features of all four-bar stretches: one array a feature."""
    return _collect(
        _piano_stretch([song.notes[place] for place in places])
        for song in songs
        for places in _stretches([note.start for note in song.notes], len(song.chords))
    )


def drum_features(songs: Sequence[DrumSong]) -> Features:
    """Return groove features of all four-bar stretches: one array a feature."""
    return _collect(
        _drum_stretch([song.hits[place] for place in places])
        for song in songs
        for places in _stretches([hit.tick for hit in song.hits], song.bars)
    )


def overlapping_area(first: Values, second: Values) -> float:
    """Return the area under both densities, 0-1; NaN where one side has too few or only equal values."""
    if min(len(first), len(second)) < LEAST_NOTES or math.isclose(first.std() * second.std(), 0.0):
        return math.nan
    low, high = min(first.min(), second.min()), max(first.max(), second.max())
    margin = 0.25 * (high - low)
    grid = np.linspace(low - margin, high + margin, GRID_POINTS)
    least = np.minimum(gaussian_kde(first)(grid), gaussian_kde(second)(grid))
    return float(min(np.trapezoid(least, grid), 1.0))


def overlapping_areas(reference: Features, other: Features) -> Measures:
    """Return the overlapping area of each feature."""
    return {f"oa_{name}": overlapping_area(reference[name], other[name]) for name in reference if name in other}


def _collect(stretches: Iterable[Measures]) -> Features:
    found: dict[str, list[float]] = defaultdict(list)
    for stretch in stretches:
        for name, value in stretch.items():
            found[name].append(value)
    return {name: np.array(values, np.float64) for name, values in found.items()}


def _stretches(ticks: Sequence[int], bars: int) -> list[list[int]]:
    """Return the places of the events of every full stretch."""
    length = STRETCH_BARS * TICKS_PER_BAR
    found: list[list[int]] = [[] for _ in range(bars // STRETCH_BARS)]
    for place, tick in enumerate(ticks):
        if 0 <= tick < len(found) * length:
            found[tick // length].append(place)
    return [places for places in found if len(places) >= LEAST_NOTES]


def _entropy_bits(classes: Iterable[int]) -> float:
    counts = np.array(list(Counter(classes).values()), np.float64)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def _scale_consistency(classes: Sequence[int]) -> float:
    """Return the largest share of notes that one diatonic scale holds (Mogren, C-RNN-GAN, 2016)."""
    return max(sum((pitch - tonic) % 12 in SCALE for pitch in classes) for tonic in range(12)) / len(classes)


def _velocities(events: Iterable[Note | Hit]) -> Values:
    return np.array([tokens.bin_to_velocity(event.velocity_bin) for event in events], np.float64)


def _piano_stretch(notes: Sequence[Note]) -> Measures:
    classes = [note.pitch % 12 for note in notes]
    lengths = np.array([note.end - note.start for note in notes], np.float64)
    return {
        "scale_consistency": _scale_consistency(classes),
        "pitch_class_entropy": _entropy_bits(classes),
        "polyphony": float(lengths.sum()) / (STRETCH_BARS * TICKS_PER_BAR),
        "onsets_a_bar": len(notes) / STRETCH_BARS,
        "note_length": float(lengths.mean()) / TICKS_PER_BEAT,
        "velocity_spread": float(_velocities(notes).std()),
    }


def _drum_stretch(hits: Sequence[Hit]) -> Measures:
    found = {"hits_a_bar": len(hits) / STRETCH_BARS, "velocity_spread": float(_velocities(hits).std())}
    for name, pitches in (("kick", KICK), ("snare", SNARES), ("hat", HATS)):
        late = np.array([deviation(hit) for hit in hits if hit.pitch in pitches], np.float64)
        if len(late) >= LEAST_NOTES:
            found |= {f"{name}_timing_mean": float(late.mean()), f"{name}_timing_spread": float(late.std())}
    return found
