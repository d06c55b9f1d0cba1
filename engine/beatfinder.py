"""Finds tempo, beats and down-beats of notes that were played, not written. Knows nothing about files or chords.

A tempo is sought at which onsets fall together on beats, eighths and sixteenths; then a hand follows the beats, as far
as the player speeds up or slows down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.midi_in import TimedNote

Array = npt.NDArray[np.float64]

SLOWEST_BPM, FASTEST_BPM = 54.0, 112.0
_USUAL_BPM, _SPREAD_OCTAVES = 80.0, 0.45
_LEVELS = ((1, 1.0), (2, 0.9), (4, 0.7))
"""Divisions of the beat and what agreement on them counts."""
_HEARD_S = 60.0
"""Over longer stretches a player's tempo wanders too far for one number."""
_LOW_PITCH = 52
_TOGETHER_S = 0.03
_PULL, _TEMPO_PULL = 0.35, 0.06
_REACH = 0.14
"""How far from where a beat is expected an onset is still taken for it, in beats."""


@dataclass(frozen=True, slots=True)
class Beats:
    """Where beats lie in a recording."""

    times_s: tuple[float, ...]
    """Every beat from the first bar line on, evenly goes on at both ends."""
    bpm: float

    def beat_at(self, second: float) -> float:
        """Return the beat, counted from the first bar line, at a time."""
        times = self.times_s
        if len(times) < 2 or second <= times[0]:
            return (second - times[0]) * self.bpm / 60
        if second >= times[-1]:
            return len(times) - 1 + (second - times[-1]) * self.bpm / 60
        return float(np.interp(second, times, np.arange(len(times))))


def find_beats(notes: Sequence[TimedNote]) -> Beats:
    """Return the beats of notes in order of time; at least one note."""
    onsets, weights, low = _strokes(notes)
    early = onsets <= onsets[0] + _HEARD_S
    period = _period(onsets[early], weights[early])
    phase = _phase(onsets[early], weights[early] + low[early], period)
    times = _followed(onsets, weights, period, phase)
    bpm = 60 * (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 60 / period
    return Beats(tuple(times[_bar_line(times, onsets, weights, low) :]), float(bpm))


def _strokes(notes: Sequence[TimedNote]) -> tuple[Array, Array, Array]:
    """Return onsets (what is struck together is one), their weights, and the weight of what is low in each."""
    onsets: list[float] = []
    weights: list[float] = []
    low: list[float] = []
    for note in notes:
        force = note.velocity / 127
        deep = force if (note.pitch in (35, 36) if note.drum else note.pitch < _LOW_PITCH) else 0.0
        if onsets and note.onset_s - onsets[-1] < _TOGETHER_S:
            weights[-1] += 0.5 * force
            low[-1] += deep
        else:
            onsets.append(note.onset_s)
            weights.append(force)
            low.append(deep)
    return np.array(onsets), np.sqrt(np.array(weights)), np.array(low)


def _period(onsets: Array, weights: Array) -> float:
    """Return the length of a beat in seconds."""
    bpms = np.arange(SLOWEST_BPM, FASTEST_BPM, 0.2)
    scores = _agreement(onsets, weights, bpms)
    scores = scores * np.exp(-0.5 * (np.log2(bpms / _USUAL_BPM) / _SPREAD_OCTAVES) ** 2)
    best = float(bpms[int(scores.argmax())])
    fine = best * np.arange(0.995, 1.005, 0.0002)
    return 60 / float(fine[int(_agreement(onsets, weights, fine).argmax())])


def _agreement(onsets: Array, weights: Array, bpms: Array) -> Array:
    """Return for each tempo how far onsets fall together on its divisions."""
    score = np.zeros(len(bpms))
    for division, value in _LEVELS:
        turns = np.outer(bpms / 60 * division, onsets - onsets[0])
        score += value * np.abs((np.exp(2j * np.pi * turns) * weights).sum(axis=1))
    return np.asarray(score / weights.sum())


def _phase(onsets: Array, weights: Array, period: float) -> float:
    """Return the time of a beat: the place in the beat where most weight falls, sixteenths known."""
    turn = np.angle((np.exp(2j * np.pi * (onsets - onsets[0]) / period * 4) * weights).sum()) / (2 * np.pi)
    first = onsets[0] + turn * period / 4
    places = [first + step * period / 4 for step in range(4)]

    def weight_at(place: float) -> float:
        off = np.abs((onsets - place) / period - np.round((onsets - place) / period))
        return float(weights[off < _REACH / 2].sum())

    return float(max(places, key=weight_at))


def _followed(onsets: Array, weights: Array, period: float, phase: float) -> list[float]:
    """Return the beats from before the first onset to the last one, each drawn to the onsets around it."""
    start = phase - np.ceil((phase - onsets[0]) / period + _REACH) * period
    usual, now = period, start
    times = []
    while now <= onsets[-1] + 0.5 * period:
        near = np.abs(onsets - now) < _REACH * period
        if near.any():
            error = float(np.average(onsets[near] - now, weights=weights[near]))
            now += _PULL * error
            period += _TEMPO_PULL * error
            period = min(max(period, 0.85 * usual), 1.15 * usual)
        times.append(float(now))
        now += period
    if len(times) > 1 and times[1] <= onsets[0] + _REACH * period:
        times = times[1:]
    return times


def _bar_line(times: Sequence[float], onsets: Array, weights: Array, low: Array) -> int:
    """Return which of the first four beats is a down-beat: where the bass and most of all is struck."""
    strengths = np.zeros(4)
    beats = np.interp(onsets, times, np.arange(len(times))) if len(times) > 1 else np.zeros(len(onsets))
    on_beat = np.abs(beats - np.round(beats)) < _REACH
    for beat, weight in zip(np.round(beats[on_beat]).astype(int), (weights + 2 * low)[on_beat], strict=True):
        strengths[beat % 4] += weight
    strengths[0] *= 1.1  # what begins at once begins with a bar
    return int(strengths.argmax()) if len(times) > 4 else 0
