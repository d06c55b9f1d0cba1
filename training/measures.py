"""Symbolic measures of songs, the same for a corpus and for what a model wrote. Knows nothing about networks."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from engine import tokens
from engine.harmony import CHORD_TONES, SCALE
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT, Chord
from training.groove import GHOST_VELOCITY, HATS, KICK, NEAR_TICKS, SNARES, is_on
from training.songs import HALF_BAR_TICKS, DrumSong, Hit, Note, PianoSong

SIXTEENTH_TICKS = TICKS_PER_BEAT // 4
Measures = dict[str, float]


def mean(values: Iterable[float]) -> float:
    """Return the mean; NaN of nothing."""
    found = list(values)
    return float(np.mean(found)) if found else math.nan


def _velocities(notes: Iterable[Note | Hit]) -> npt.NDArray[np.float64]:
    return np.array([tokens.bin_to_velocity(note.velocity_bin) for note in notes], np.float64)


def repeated(signatures: Sequence[Hashable]) -> float:
    """Return the share of bars that equal an earlier one; empty bars do not count as repeats."""
    seen: set[Hashable] = set()
    hits = 0
    for signature in signatures:
        hits += bool(signature) and signature in seen
        seen.add(signature)
    return hits / max(len(signatures), 1)


def _spread(values: npt.NDArray[np.float64]) -> float:
    return float(values.std()) if len(values) else math.nan


# --- piano -----------------------------------------------------------------------------------------------------------


def chord_at(song: PianoSong, note: Note) -> Chord | None:
    """Return the chord that a note belongs to: one just before the middle or the bar line anticipates the next."""
    half = min((note.start + NEAR_TICKS // 2) // HALF_BAR_TICKS, 2 * len(song.chords) - 1)
    return song.chords[half // 2][half % 2]


def _chord_tone(song: PianoSong, note: Note) -> bool | None:
    chord = chord_at(song, note)
    return None if chord is None else (note.pitch - chord.root) % 12 in CHORD_TONES[chord.quality]


def is_strong(note: Note) -> bool:
    """Tell whether a note begins on the 1 or the 3."""
    return (note.start + 4) % HALF_BAR_TICKS < 8


def _polyphony(song: PianoSong) -> float:
    held = sum(note.end - note.start for note in song.notes)
    return held / max(len(song.chords) * TICKS_PER_BAR, 1)


def _entropy(counts: Counter[int]) -> float:
    shares = np.array(list(counts.values()), np.float64) / max(sum(counts.values()), 1)
    return float(-(shares * np.log2(shares)).sum()) if len(shares) else math.nan


def measure_piano(songs: Sequence[PianoSong]) -> Measures:
    """Return the measures of piano songs together; repeats are counted inside each song."""
    notes = [note for song in songs for note in song.notes]
    bars = sum(len(song.chords) for song in songs)
    tones = [(is_strong(n), tone) for s in songs for n in s.notes if (tone := _chord_tone(s, n)) is not None]
    velocities = _velocities(notes)
    return {
        "bars": bars,
        "in_key_share": mean(note.pitch % 12 in SCALE for note in notes),
        "chord_tones_on_strong_beats": mean(tone for strong, tone in tones if strong),
        "chord_tones": mean(tone for _, tone in tones),
        "pitch_class_entropy_bits": _entropy(Counter(note.pitch % 12 for note in notes)),
        "onsets_a_bar": len(notes) / max(bars, 1),
        "polyphony": mean(_polyphony(song) for song in songs),
        "median_length_beats": float(np.median([n.end - n.start for n in notes]) / TICKS_PER_BEAT)
        if notes
        else math.nan,
        "off_sixteenth_share": mean(note.start % SIXTEENTH_TICKS != 0 for note in notes),
        "velocity_mean": float(velocities.mean()) if len(velocities) else math.nan,
        "velocity_spread": _spread(velocities),
        "repeated_bars": mean(repeated(_bars(song, lambda n: (n.start % TICKS_PER_BAR, n.pitch))) for song in songs),
        "repeated_rhythms": mean(repeated(_bars(song, lambda n: n.start % TICKS_PER_BAR)) for song in songs),
        "empty_bars": mean(not bar for song in songs for bar in _bars(song, lambda n: n.start)),
    }


def _bars(song: PianoSong, of: Callable[[Note], Hashable]) -> list[frozenset[Hashable]]:
    bars: dict[int, set[Hashable]] = defaultdict(set)
    for note in song.notes:
        bars[note.start // TICKS_PER_BAR].add(of(note))
    return [frozenset(bars[bar]) for bar in range(len(song.chords))]


# --- drums -----------------------------------------------------------------------------------------------------------


def sounding(hit: Hit) -> int:
    """Return the tick at which a hit sounds, from the start of its song; may be a little negative."""
    return hit.tick - tokens.DRUM_WINDOW_TICKS


def hits_of_bars(song: DrumSong) -> list[list[Hit]]:
    """Return the hits of each bar; ticks stay those of the song."""
    bars: dict[int, list[Hit]] = defaultdict(list)
    for hit in song.hits:
        bars[hit.tick // TICKS_PER_BAR].append(hit)
    return [bars[bar] for bar in range(song.bars)]


def _step(hit: Hit) -> int:
    return round(sounding(hit) % TICKS_PER_BAR / SIXTEENTH_TICKS) % 16


def deviation(hit: Hit) -> int:
    """Return how late a hit is to its nearest 16th, ticks; early is negative."""
    half = SIXTEENTH_TICKS // 2
    return (sounding(hit) + half) % SIXTEENTH_TICKS - half


def measure_drums(songs: Sequence[DrumSong]) -> Measures:
    """Return the measures of drum performances together; repeats are counted inside each performance."""
    bars = [bar for song in songs for bar in hits_of_bars(song)]
    hits = [hit for bar in bars for hit in bar]
    snares = [hit for hit in hits if hit.pitch in SNARES]
    velocities = _velocities(hits)
    deviations = np.array([deviation(hit) for hit in hits], np.float64)
    count = max(len(bars), 1)
    return {
        "bars": len(bars),
        "backbeat_share": mean(is_on(bar, SNARES, 1) and is_on(bar, SNARES, 3) for bar in bars),
        "kick_on_one": mean(is_on(bar, KICK, 0) for bar in bars),
        "hits_a_bar": len(hits) / count,
        "kicks_a_bar": sum(hit.pitch in KICK for hit in hits) / count,
        "snares_a_bar": len(snares) / count,
        "hats_a_bar": sum(hit.pitch in HATS for hit in hits) / count,
        "ghost_share_of_snares": mean(_velocities(snares) <= GHOST_VELOCITY),
        "timing_mean_ticks": float(deviations.mean()) if len(hits) else math.nan,
        "timing_spread_ticks": _spread(deviations),
        "velocity_mean": float(velocities.mean()) if len(velocities) else math.nan,
        "velocity_spread": _spread(velocities),
        "repeated_bars": mean(
            repeated([frozenset((_step(h), h.pitch) for h in bar) for bar in hits_of_bars(song)]) for song in songs
        ),
    }


# --- likeness --------------------------------------------------------------------------------------------------------

Histograms = dict[str, npt.NDArray[np.float64]]


def _histogram(values: Iterable[int], low: int, high: int) -> npt.NDArray[np.float64]:
    found = np.clip(np.array(list(values), np.int64), low, high) - low
    counts = np.bincount(found, minlength=high - low + 1).astype(np.float64)
    return np.divide(counts, max(counts.sum(), 1))


def piano_histograms(songs: Sequence[PianoSong]) -> Histograms:
    """Return distributions of pitch class, gap, length, velocity and position."""
    notes = [note for song in songs for note in song.notes]
    gaps = [int(gap) for song in songs for gap in np.diff(sorted({note.start for note in song.notes}))]
    return {
        "pitch_class": _histogram((n.pitch % 12 for n in notes), 0, 11),
        "gap": _histogram((gap // 3 for gap in gaps), 0, 64),
        "length": _histogram(((n.end - n.start) // 12 for n in notes), 0, 32),
        "velocity": _histogram((n.velocity_bin for n in notes), 0, 15),
        "position": _histogram((n.start % TICKS_PER_BAR // 4 for n in notes), 0, 47),
    }


def drum_histograms(songs: Sequence[DrumSong]) -> Histograms:
    """Return distributions of 16-step positions of kick, snare and hat, of timing and of velocity."""
    hits = [hit for song in songs for hit in song.hits]
    return {
        "kick_steps": _histogram((_step(h) for h in hits if h.pitch in KICK), 0, 15),
        "snare_steps": _histogram((_step(h) for h in hits if h.pitch in SNARES), 0, 15),
        "hat_steps": _histogram((_step(h) for h in hits if h.pitch in HATS), 0, 15),
        "timing": _histogram((deviation(h) for h in hits), -6, 6),
        "velocity": _histogram((h.velocity_bin for h in hits), 0, 15),
    }


def overlap(reference: Histograms, other: Histograms) -> Measures:
    """Return the overlapping area of each pair of distributions, 0-1."""
    return {name: float(np.minimum(reference[name], other[name]).sum()) for name in reference}
