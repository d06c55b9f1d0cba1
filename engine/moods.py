"""Moods: named sets of numbers that tell the engine how to compose, play and mix. Knows nothing about files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a recurrence's logits become a choice; the thesis's meaning of each number."""

    temperature: float = 1.0
    top_p: float = 0.95
    top_k: int = 0
    """0 switches it off."""
    presence: float = 0.0
    frequency: float = 0.0
    penalty_decay: float = 0.996
    candidates: int = 4
    """Bars sampled for each new bar; the best by score is kept."""


@dataclass(frozen=True, slots=True)
class Mood:
    """The live half of the configuration, applied at a bar line."""

    name: str
    # music
    bpm_low: float = 70.0
    bpm_high: float = 82.0
    keys: tuple[int, ...] = (0, 2, 3, 5, 7, 8, 10)
    """Tonics that pieces may take, pitch classes (C = 0)."""
    minor_share: float = 0.5
    """Share of pieces in a minor key, 0-1."""
    palette: tuple[str, ...] = ("ii-V-I-vi", "IV-iii-ii-I", "I-vi-ii-V")
    """Names of `harmony.PROGRESSIONS` that pieces draw their chord loops from."""
    piano_style: str = "lead"
    """`lead` (jazz comping) or `pop` (broken chords): a style token of the piano model."""
    keys_density: float = 2.5
    """Density bucket of the keys in section A, 1-7 (2 = at most 7 onsets a bar)."""
    drums_density: float = 3.0
    drum_style: str = "hiphop"
    melody_share: float = 0.4
    """Share of 4-bar groups in which the second voice answers, 0-1."""
    swing: float = 0.56
    """Place of the off-beat sixteenth in its eighth, 0.5 (even) - 0.67."""
    snare_late_ms: float = 14.0
    human_ms: float = 6.0
    """Standard deviation of the timing noise of the keys."""
    register_low: int = 48
    register_high: int = 81
    velocity_scale: float = 0.9
    piece_bars_low: int = 40
    piece_bars_high: int = 72
    sampling: Sampling = Sampling()
    # instruments, General MIDI (bank, program)
    keys_program: tuple[int, int] = (0, 4)
    bass_program: tuple[int, int] = (0, 32)
    second_program: tuple[int, int] = (0, 11)
    drum_kit: int = 0
    # mix, dB relative to the even mix
    keys_db: float = 0.0
    drums_db: float = -2.0
    bass_db: float = -1.0
    second_db: float = -6.0
    vinyl: str = "vinyl"
    vinyl_db: float = -28.0
    """Loudness of the vinyl under the music."""
    ambience: str = "rain"
    ambience_db: float = -34.0
    # sound
    keys_lowpass_hz: float = 5500.0
    drums_lowpass_hz: float = 9000.0
    wow_cents: float = 4.0
    saturation: float = 0.25
    """Drive of the tape, 0-1."""
    room: float = 0.18
    """Share of room sound, 0-1."""
    sidechain_db: float = 2.0
    """How far the kick pushes keys and loops down."""
