"""Records, each with its own wear. Knows nothing about files or levels."""

from __future__ import annotations

import numpy as np

from loops.sounds import RATE_HZ, Sound, breath, darken, noise, ring, scatter, wide

TURN_S = 1.8
"""One turn of a record at 33 1/3 a minute."""
SHELLAC_TURN_S = 60 / 78
TURNS = 12


def vinyl(rng: np.random.Generator) -> Sound:
    """Twelve turns of a worn record: hiss that breathes with the turn, fine crackle, a few scratches that come back."""
    seconds = TURNS * TURN_S
    frames = round(seconds * RATE_HZ)
    turn = np.arange(frames) / (TURN_S * RATE_HZ) * 2 * np.pi
    shared = noise(rng, seconds, 250, 5500, -3.0)
    sound = np.stack([0.75 * shared + 0.65 * noise(rng, seconds, 250, 5500, -3.0) for _ in range(2)])
    sound *= 0.6 * (1 + 0.18 * np.sin(turn) + 0.08 * np.sin(2 * turn + 1))
    for _ in range(round(20 * seconds)):
        size = min(rng.lognormal(0.1, 0.65), 5.0)
        scatter(
            sound, rng.integers(frames), 2.2 * size * ring(rng, rng.uniform(900, 3600), 0.0005), rng.uniform(0.2, 0.8)
        )
    for _ in range(5):
        first, hz, pan = rng.integers(round(TURN_S * RATE_HZ)), rng.uniform(500, 1500), rng.uniform(0.3, 0.7)
        for turn_number in range(TURNS):
            if rng.random() < 0.6:
                place = round(first + (turn_number + rng.normal(0, 0.002)) * TURN_S * RATE_HZ)
                scatter(sound, place, rng.uniform(5, 11) * ring(rng, hz, 0.0012), pan)
    return sound


def dust(rng: np.random.Generator) -> Sound:
    """A record from the attic: a dense patter of tiny ticks that comes in clouds, hardly any hiss."""
    seconds = TURNS * TURN_S
    frames = round(seconds * RATE_HZ)
    sound = 0.12 * wide(rng, seconds, (250, 4000, -3.5))
    clouds = np.exp(0.7 * breath(rng, seconds, 1.2))
    for place in rng.choice(frames, round(110 * seconds), p=clouds / clouds.sum()):
        size = min(rng.lognormal(-0.3, 0.8), 4.0)
        grain = size * ring(rng, rng.uniform(1400, 5200), rng.uniform(0.0002, 0.0006))
        scatter(sound, int(place), 2.4 * grain, rng.uniform(0.15, 0.85))
    return sound


def scratched(rng: np.random.Generator) -> Sound:
    """A record that was played at parties: the same deep pops in every turn, motor rumble, some crackle."""
    seconds = TURNS * TURN_S
    frames = round(seconds * RATE_HZ)
    turn_frames = TURN_S * RATE_HZ
    sound = 0.2 * wide(rng, seconds, (180, 4500, -3.5))
    sound += 0.5 * wide(rng, seconds, (28, 75, -3.0), shared=0.95)
    for _ in range(9):
        first, hz, pan = rng.uniform(0, turn_frames), rng.uniform(250, 1100), rng.uniform(0.3, 0.7)
        size = rng.uniform(4, 13)
        for turn_number in range(TURNS):
            place = round(first + (turn_number + rng.normal(0, 0.0015)) * turn_frames) % frames
            scatter(sound, place, size * rng.uniform(0.6, 1.1) * ring(rng, hz, 0.002), pan)
            scatter(sound, place, 0.4 * size * ring(rng, 3.1 * hz, 0.0007), pan)
    for _ in range(round(14 * seconds)):
        grain = min(rng.lognormal(0.0, 0.6), 4.0) * ring(rng, rng.uniform(900, 3200), 0.0005)
        scatter(sound, rng.integers(frames), 2.0 * grain, rng.uniform(0.2, 0.8))
    return sound


def clean(rng: np.random.Generator) -> Sound:
    """A record well kept: the soft breath of the groove, a low rumble, a tick every second or two."""
    seconds = TURNS * TURN_S
    frames = round(seconds * RATE_HZ)
    turn = np.arange(frames) / (TURN_S * RATE_HZ) * 2 * np.pi
    sound = wide(rng, seconds, (120, 3500, -4.5), shared=0.4) * (1 + 0.22 * np.sin(turn) + 0.06 * np.sin(3 * turn + 2))
    sound += 0.8 * wide(rng, seconds, (25, 60, -3.0), shared=0.95)
    for _ in range(round(0.7 * seconds)):
        grain = rng.uniform(1.5, 4.5) * ring(rng, rng.uniform(800, 2600), 0.0006)
        scatter(sound, rng.integers(frames), grain, rng.uniform(0.3, 0.7))
    return sound


def shellac(rng: np.random.Generator) -> Sound:
    """An old 78: a rushing hiss in a narrow band that swings with every turn, thick crackle over it."""
    turns = 28
    seconds = turns * SHELLAC_TURN_S
    frames = round(seconds * RATE_HZ)
    turn = np.arange(frames) / frames * turns * 2 * np.pi
    rush = wide(rng, seconds, (500, 3000, -1.5), shared=0.85)
    sound = rush * (1 + 0.35 * np.sin(turn) + 0.15 * np.sin(2 * turn + 0.7))
    for _ in range(round(55 * seconds)):
        size = min(rng.lognormal(0.0, 0.6), 4.5)
        scatter(sound, rng.integers(frames), 2.6 * size * ring(rng, rng.uniform(700, 2400), 0.0006), 0.5)
    return darken(sound, 4200.0, 3.0)
