"""Sounds that play once: the needle, breaths, swells, a tape that stops, drum fills. Knows nothing about files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loops.sounds import RATE_HZ, Sound, darken, frames_of, noise, ring, scatter

FILL_BPM = 60
"""Slower than any mood plays, so that every stroke is long enough for its place."""


def needle(rng: np.random.Generator) -> Sound:
    """The needle comes down: a soft thump and the crackle of the run-in groove."""
    frames = round(1.6 * RATE_HZ)
    time_s = np.arange(frames) / RATE_HZ
    sound = np.stack([noise(rng, 1.6, 200, 4000, -3.0) for _ in range(2)]) * np.exp(-time_s / 0.5)
    scatter(sound, 2400, 14 * ring(rng, 70, 0.05), 0.5)
    scatter(sound, 2400, 9 * ring(rng, 900, 0.003), 0.5)
    for _ in range(40):
        grain = rng.uniform(1, 5) * ring(rng, rng.uniform(700, 3000), 0.0006)
        scatter(sound, round(2400 + rng.exponential(0.25) * RATE_HZ) % frames, grain, rng.uniform(0.3, 0.7))
    return (
        sound * np.clip((frames - np.arange(frames)) / (0.3 * RATE_HZ), 0, 1) * np.clip(np.arange(frames) / 240, 0, 1)
    )


def sweep(rng: np.random.Generator) -> Sound:
    """A breath that falls away after the first beat of a new section."""
    seconds = 3.0
    frames = round(seconds * RATE_HZ)
    time_s = np.arange(frames) / RATE_HZ
    sound = np.zeros((2, frames))
    for high_hz, decay_s in ((6000, 0.25), (3000, 0.5), (1500, 0.9), (800, 1.3)):
        band = np.stack([noise(rng, seconds, high_hz / 3, high_hz, -3.0) for _ in range(2)])
        sound += band * np.exp(-time_s / decay_s)
    return sound * np.clip(time_s / 0.025, 0, 1) * np.clip(seconds - time_s, 0, 1)


def swell(rng: np.random.Generator) -> Sound:
    """A breath that opens up towards the first beat of a section and lets go there."""
    seconds = 2.6
    frames = frames_of(seconds)
    time = np.arange(frames) / frames
    sound = np.zeros((2, frames))
    for high_hz, power in ((500, 1.4), (1200, 2.2), (2800, 3.2), (5500, 4.6)):
        band = np.stack([noise(rng, seconds, high_hz / 3, high_hz, -3.0) for _ in range(2)])
        sound += band * time**power
    return _let_go(sound, 0.09)


def reverse_cymbal(rng: np.random.Generator) -> Sound:
    """A cymbal played backwards: forty partials that grow, cut off at the beat."""
    seconds = 2.2
    frames = frames_of(seconds)
    back_s = seconds - np.arange(frames) / RATE_HZ
    sound = np.zeros((2, frames))
    for hz in rng.uniform(1800, 7500, 40):
        envelope = np.exp(-back_s / rng.uniform(0.25, 0.7)) / (hz / 2000) ** 0.8
        tone = envelope * np.sin(2 * np.pi * hz * back_s + rng.random() * 6.28)
        pan = rng.random()
        sound += np.stack([np.cos(pan * np.pi / 2) * tone, np.sin(pan * np.pi / 2) * tone])
    hiss = np.stack([noise(rng, seconds, 1500, 6000, -2.0) for _ in range(2)])
    sound += 1.5 * hiss * np.exp(-back_s / 0.45)
    return _let_go(darken(sound, 6500), 0.05) * np.clip(np.arange(frames) / frames_of(0.4), 0, 1)


def tape_stop(rng: np.random.Generator) -> Sound:
    """A tape machine is switched off: motor, hum and hiss run down in a second, then a soft click of the key."""
    seconds = 1.7
    frames = frames_of(seconds)
    time_s = np.arange(frames) / RATE_HZ
    speed = np.clip(1 - time_s / 1.25, 0, 1) ** 1.4
    place = np.cumsum(speed)  # frames of tape that have passed
    tape = np.stack([noise(rng, seconds, 150, 3800, -2.0) for _ in range(2)])
    tape *= 1 + 0.3 * np.sin(2 * np.pi * 7 * np.arange(frames) / RATE_HZ)
    sound = np.stack([np.interp(place, np.arange(frames), side) for side in tape]) * speed**0.5
    hum = sum(np.sin(2 * np.pi * 96 * n * place / RATE_HZ + n) / n for n in (1, 2, 3, 5))
    sound += 0.7 * hum * speed**0.6
    sound *= np.clip(time_s / 0.25, 0, 1)
    scatter(sound, frames_of(1.3), 5 * ring(rng, 190, 0.012), 0.5)
    scatter(sound, frames_of(1.3), 2 * ring(rng, 1300, 0.003), 0.5)
    return _let_go(sound, 0.1)


def drums_roll(rng: np.random.Generator) -> Sound:
    """Two beats: a soft roll of the snare that grows, a kick under its end."""
    strokes = [(0.25 * i, "snare", 0.25 + 0.09 * i) for i in range(8)]
    return _played(rng, [*strokes, (1.5, "kick", 0.8)])


def drums_toms(rng: np.random.Generator) -> Sound:
    """Two beats: snare, then down the toms."""
    return _played(
        rng,
        [(0.0, "snare", 0.8), (0.5, "high tom", 0.7), (0.75, "high tom", 0.55), (1.0, "low tom", 0.8),
         (1.5, "low tom", 0.7), (1.75, "kick", 0.8)],
    )  # fmt: skip


def drums_break(rng: np.random.Generator) -> Sound:
    """Two beats of an old break: kick, ghosts, snare off the beat."""
    return _played(
        rng,
        [(0.0, "kick", 0.9), (0.25, "snare", 0.25), (0.5, "snare", 0.85), (0.75, "kick", 0.6), (1.0, "snare", 0.25),
         (1.25, "snare", 0.8), (1.5, "kick", 0.7), (1.75, "snare", 0.45)],
    )  # fmt: skip


DRUM_FILLS = {
    "fills/drums-roll": "0/0.25/0.5/0.75/1/1.25/1.5/1.75",
    "fills/drums-toms": "0/0.5/0.75/1/1.5/1.75",
    "fills/drums-break": "0/0.25/0.5/0.75/1/1.25/1.5/1.75",
}
"""Onsets of each drum fill, beats."""


def _played(rng: np.random.Generator, strokes: Sequence[tuple[float, str, float]]) -> Sound:
    """Play strokes of (beat, drum, force) as an old sampler would keep them."""
    sound = np.zeros((2, frames_of(2.6)))
    for beat, drum, force in strokes:
        grain = force * _drum(rng, drum, force)
        at = frames_of(beat * 60 / FILL_BPM)
        scatter(sound, at, grain[: sound.shape[1] - at], 0.5 + 0.12 * (drum == "high tom") - 0.12 * (drum == "low tom"))
    sound = darken(np.tanh(1.4 * sound), 5200, 3.0)
    return _let_go(sound, 0.2)


def _drum(rng: np.random.Generator, drum: str, force: float) -> Sound:
    """Strike one drum."""
    time_s = np.arange(frames_of(0.42)) / RATE_HZ
    attack = np.clip(time_s / 0.0015, 0, 1) * np.clip((0.42 - time_s) / 0.05, 0, 1)
    if drum == "snare":
        body = np.sin(2 * np.pi * 185 * time_s + 1.2 * np.exp(-time_s / 0.01)) * np.exp(-time_s / 0.06)
        wires = noise(rng, 0.42, 700, 6500, -1.0) * np.exp(-time_s / (0.05 + 0.06 * force))
        return attack * (0.6 * body + 0.35 * wires)
    hz, drop, decay_s = {"kick": (52, 2.2, 0.14), "high tom": (150, 0.5, 0.17), "low tom": (98, 0.5, 0.2)}[drum]
    pitch = hz * (1 + drop * np.exp(-time_s / 0.028))
    tone = np.sin(2 * np.pi * np.cumsum(pitch) / RATE_HZ) * np.exp(-time_s / decay_s)
    skin = 0.12 * noise(rng, 0.42, 300, 3000, -2.0) * np.exp(-time_s / 0.02)
    return attack * (tone + skin)


def _let_go(sound: Sound, seconds: float) -> Sound:
    """Fade a sound's end out."""
    left = np.arange(sound.shape[1])[::-1] / frames_of(seconds)
    return sound * np.sin(np.clip(left, 0, 1) * np.pi / 2) ** 2
