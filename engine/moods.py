"""Moods: named sets of numbers that tell the engine how to compose, play and mix. Knows nothing about files."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import cast

from engine.errors import MoodError
from engine.harmony import PROGRESSIONS
from engine.tokens import STYLES
from engine.types import Tree


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
    palette: tuple[str, ...] = ("ii-V-I-vi", "IV-iii-ii-I", "I-vi-ii-V", "iv-v-i-bIII", "dusk")
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

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be played."""
        problems = [*_range_problems(self), *_choice_problems(self)]
        if problems:
            raise MoodError(f"mood {self.name!r}: " + " ".join(problems))


_RANGES: dict[str, tuple[float, float]] = {
    "bpm_low": (40, 140), "bpm_high": (40, 140), "minor_share": (0, 1), "keys_density": (1, 7),
    "drums_density": (1, 7), "melody_share": (0, 1), "swing": (0.5, 0.67), "snare_late_ms": (0, 40),
    "human_ms": (0, 25), "register_low": (36, 72), "register_high": (60, 96), "velocity_scale": (0.3, 1.3),
    "piece_bars_low": (36, 92), "piece_bars_high": (36, 92), "drum_kit": (0, 127), "keys_db": (-60, 12),
    "drums_db": (-60, 12), "bass_db": (-60, 12), "second_db": (-60, 12), "vinyl_db": (-90, 0),
    "ambience_db": (-90, 0), "keys_lowpass_hz": (200, 20_000), "drums_lowpass_hz": (200, 20_000),
    "wow_cents": (0, 30), "saturation": (0, 1), "room": (0, 1), "sidechain_db": (0, 12),
}  # fmt: skip
_SAMPLING_RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 3), "top_p": (0.01, 1), "top_k": (0, 2560), "presence": (0, 5), "frequency": (0, 5),
    "penalty_decay": (0, 1), "candidates": (1, 16),
}  # fmt: skip
_PAIRS = (("bpm_low", "bpm_high"), ("piece_bars_low", "piece_bars_high"), ("register_low", "register_high"))
_REGISTER_SPAN = 20
"""Semitones; a close voicing and a melody need more than an octave and a half."""


def _range_problems(mood: Mood) -> list[str]:
    checks = [(f, getattr(mood, f), span) for f, span in _RANGES.items()]
    checks += [(f"sampling.{f}", getattr(mood.sampling, f), span) for f, span in _SAMPLING_RANGES.items()]
    problems = [
        f"{field} is {value:g}: must be {low:g} to {high:g}."
        for field, value, (low, high) in checks
        if not low <= value <= high
    ]
    for low_field, high_field in _PAIRS:
        if getattr(mood, low_field) > getattr(mood, high_field):
            problems.append(f"{low_field} is above {high_field}: swap them.")
    if mood.register_high - mood.register_low < _REGISTER_SPAN:
        problems.append(f"the register is narrower than {_REGISTER_SPAN} semitones: widen it.")
    return problems


def _choice_problems(mood: Mood) -> list[str]:
    problems = []
    if not mood.keys or not all(0 <= key < 12 for key in mood.keys):
        problems.append(f"keys are {mood.keys}: name at least one pitch class 0-11 (C = 0).")
    for name in mood.palette:
        if name not in PROGRESSIONS:
            problems.append(f"palette has {name!r}: no such chord loop{_did_you_mean(name, PROGRESSIONS)}.")
    modes = {PROGRESSIONS[name].minor for name in mood.palette if name in PROGRESSIONS}
    for minor, needed in ((False, mood.minor_share < 1), (True, mood.minor_share > 0)):
        if needed and minor not in modes:
            mode = "minor" if minor else "major"
            problems.append(f"minor_share is {mood.minor_share:g} but the palette has no {mode} loop: add one.")
    for field in ("piano_style", "drum_style"):
        value = getattr(mood, field)
        if value not in STYLES:
            problems.append(f"{field} is {value!r}: must be one of {', '.join(STYLES)}.")
    for field in ("keys_program", "bass_program", "second_program"):
        bank, program = getattr(mood, field)
        if not (0 <= bank <= 16_383 and 0 <= program <= 127):
            problems.append(f"{field} is {bank}:{program}: bank 0-16383, program 0-127.")
    return problems


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def mood_to_tree(mood: Mood) -> Tree:
    """Return the mood as a tree of JSON values."""
    return {field: list(value) if isinstance(value, tuple) else value for field, value in asdict(mood).items()}


def mood_from_tree(tree: Tree) -> Mood:
    """Return the mood that a tree describes."""
    values = {field: tuple(value) if isinstance(value, list) else value for field, value in tree.items()}
    values["sampling"] = Sampling(**cast(dict[str, float], values["sampling"]))  # type: ignore[arg-type]
    return Mood(**values)  # type: ignore[arg-type]


_BUILT_IN = (
    Mood(
        "study",
        palette=("ii-V-I-vi", "IV-iii-ii-I", "I-vi-ii-V", "royal-road", "iv-v-i-bIII", "i-iv-bVII-bIII", "dusk"),
        minor_share=0.4,
    ),
    Mood(
        "rainy", bpm_low=64, bpm_high=72, keys=(0, 2, 5, 7, 10), minor_share=0.8,
        palette=("bVI-v-i-i", "i-bVI", "dusk", "iv-v-i-bIII", "IV-iii-vi-I", "minor-plagal"),
        keys_density=2.2, drums_density=2.4, melody_share=0.3, swing=0.55, snare_late_ms=18,
        register_low=46, register_high=78, velocity_scale=0.82, keys_program=(0, 0), second_program=(0, 89),
        second_db=-9, vinyl_db=-31, ambience_db=-25, keys_lowpass_hz=4000, drums_lowpass_hz=7000, room=0.28,
        drums_db=-4,
    ),
    Mood(
        "sleep", bpm_low=54, bpm_high=61, keys=(0, 3, 5, 8, 10), minor_share=0.2,
        palette=("I-IV", "I-ii", "IV-iii-ii-I", "long-walk", "i-bVI"),
        keys_density=1.4, drums_density=1.2, drum_style="soul", melody_share=0.15, swing=0.53, snare_late_ms=22,
        human_ms=9, register_low=48, register_high=74, velocity_scale=0.66, piece_bars_low=40, piece_bars_high=52,
        keys_program=(0, 4), second_program=(0, 89), drums_db=-9, bass_db=-3, second_db=-10, vinyl_db=-34,
        ambience_db=-28, keys_lowpass_hz=2600, drums_lowpass_hz=4500, wow_cents=6, saturation=0.15, room=0.35,
        sidechain_db=1,
    ),
    Mood(
        "cafe", bpm_low=83, bpm_high=90, keys=(0, 3, 5, 7, 10), minor_share=0.15,
        palette=("two-fives", "I-vi-ii-V", "chromatic", "ii-V-I-vi", "royal-road", "autumn"),
        keys_density=3.4, drums_density=3.4, drum_style="jazz", melody_share=0.55, swing=0.62, snare_late_ms=8,
        human_ms=8, register_low=48, register_high=82, velocity_scale=0.92, piece_bars_low=48,
        keys_program=(0, 0), second_program=(0, 26), drum_kit=40, drums_db=-4, second_db=-5, vinyl_db=-36,
        ambience_db=-60, keys_lowpass_hz=7500, drums_lowpass_hz=11_000, wow_cents=2, saturation=0.12, room=0.22,
        sidechain_db=0.5,
    ),
    Mood(
        "sunset", bpm_low=75, bpm_high=82, keys=(2, 4, 7, 9, 11), minor_share=0.2,
        palette=("IV-V-iii-vi", "royal-road", "IV-iii-vi-I", "minor-plagal", "tritone", "i-bVI-bIII-bVII"),
        keys_density=3.3, drums_density=3.0, drum_style="soul", melody_share=0.5, swing=0.59, snare_late_ms=16,
        keys_program=(0, 5), second_program=(0, 26), vinyl_db=-30, ambience_db=-60, keys_lowpass_hz=6600,
        drums_lowpass_hz=9500, saturation=0.32, room=0.2, sidechain_db=2.5,
    ),
    Mood(
        "night-drive", bpm_low=84, bpm_high=92, keys=(1, 4, 6, 8, 11), minor_share=0.9,
        palette=("i-bVI-bIII-bVII", "i-bVII-bVI-v", "bVI-bVII-i-bIII", "i-iv", "vi-IV-I-V"),
        keys_density=2.6, drums_density=3.7, drum_style="hiphop", melody_share=0.4, swing=0.52, snare_late_ms=6,
        human_ms=4, register_low=46, register_high=78, velocity_scale=0.95, piece_bars_low=56, piece_bars_high=72,
        keys_program=(0, 5), bass_program=(0, 38), second_program=(0, 81), drum_kit=25, drums_db=-1, second_db=-11,
        vinyl_db=-36, ambience_db=-60, keys_lowpass_hz=5000, drums_lowpass_hz=12_000, wow_cents=5, saturation=0.4,
        sidechain_db=5,
    ),
    Mood(
        "snow", bpm_low=60, bpm_high=67, keys=(1, 3, 6, 8, 10), minor_share=0.35,
        palette=("I-ii", "IV-iii-ii-I", "ii-iii-IV-V", "i-bVI", "autumn", "I-IV"),
        keys_density=2.0, drums_density=1.8, drum_style="soul", melody_share=0.65, swing=0.54, snare_late_ms=20,
        register_low=54, register_high=86, velocity_scale=0.78, keys_program=(0, 5), second_program=(0, 10),
        drums_db=-6, second_db=-8, vinyl_db=-32, ambience_db=-60, keys_lowpass_hz=5200, drums_lowpass_hz=6500,
        wow_cents=5, room=0.4, sidechain_db=1.5,
    ),
    Mood(
        "jazzhop", bpm_low=85, bpm_high=92, keys=(0, 2, 3, 5, 10), minor_share=0.5,
        palette=("two-fives", "ii-V-I-vi", "chromatic", "autumn", "minor-two-five", "i-iv-bVII-bIII"),
        keys_density=3.6, drums_density=4.0, drum_style="hiphop", melody_share=0.6, swing=0.61, snare_late_ms=14,
        register_low=48, register_high=82, velocity_scale=1.0, piece_bars_low=48, piece_bars_high=72,
        keys_program=(0, 4), second_program=(0, 59), drums_db=0, bass_db=0, second_db=-8, vinyl_db=-27,
        ambience_db=-60, keys_lowpass_hz=6500, drums_lowpass_hz=10_500, saturation=0.35, room=0.12, sidechain_db=3,
    ),
    Mood(
        "morning", bpm_low=76, bpm_high=84, keys=(0, 2, 4, 7, 9), minor_share=0.0,
        palette=("I-vi-ii-V", "IV-iii-vi-I", "ii-iii-IV-V", "vi-IV-I-V", "long-walk"),
        keys_density=3.2, drums_density=2.6, drum_style="pop", melody_share=0.5, swing=0.55, snare_late_ms=8,
        register_low=50, register_high=84, velocity_scale=0.95, keys_program=(0, 0), second_program=(0, 24),
        drums_db=-4, vinyl_db=-35, ambience_db=-60, keys_lowpass_hz=8000, drums_lowpass_hz=12_000, wow_cents=2,
        saturation=0.12, room=0.2, sidechain_db=1,
    ),
    Mood(
        "melancholy", bpm_low=62, bpm_high=70, keys=(1, 2, 4, 7, 9), minor_share=1.0,
        palette=("i-bVII-bVI-v", "bVI-v-i-i", "i-bIII-iv-bVI", "autumn", "dusk"),
        piano_style="pop", keys_density=3.0, drums_density=2.0, melody_share=0.25, swing=0.52, snare_late_ms=18,
        register_low=47, register_high=77, velocity_scale=0.72, keys_program=(0, 0), second_program=(0, 48),
        drums_db=-5, second_db=-11, vinyl_db=-29, ambience_db=-36, keys_lowpass_hz=3400, drums_lowpass_hz=7000,
        wow_cents=7, saturation=0.3, room=0.32, sidechain_db=1.5,
    ),
)  # fmt: skip
MOODS: dict[str, Mood] = {mood.name: mood for mood in _BUILT_IN}


def find_mood(name: str) -> Mood:
    """Return a built-in mood by name.

    Raises:
        MoodError: there is none of that name (with the nearest and all others).
    """
    if name in MOODS:
        return MOODS[name]
    raise MoodError(f"mood {name!r}: unknown{_did_you_mean(name, MOODS)}. There are {', '.join(MOODS)}.")
