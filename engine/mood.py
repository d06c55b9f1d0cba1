"""What a mood is: its numbers with their units and ranges, and which can be played. Knows nothing about files."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import cast

from engine.errors import MoodError
from engine.harmony import PROGRESSIONS
from engine.tokens import STYLES
from engine.types import Tree

CHORD_SOURCES = ("model", "palette")
MAY_BE_SILENT = ("drums", "bass", "second")
"""Parts that a mood may leave out; the keys always play: without them some bars would hold nothing at all."""
FILL_BARS = (4, 8)


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
    piano_state: str | None = None
    """File of a tuned state that every piece begins from (made with `training.train piano --states-only`); its path
    counts from the working folder."""
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
    secondary_dominants: float = 0.12
    """Chance that a chord of the loop is led to by its own dominant, 0-1; drawn once a piece for each place."""
    tritone_subs: float = 0.06
    """Chance that a dominant which resolves is played a tritone away, 0-1."""
    borrowed_chords: float = 0.08
    """Chance that a chord is taken from the parallel mode (IV becomes iv), 0-1."""
    chords_by: str = "model"
    """`model`: the piano model weighs the palette's loops; `palette`: chance alone."""
    ghosts: float = 0.25
    """Share of strokes on the snare that only whisper, 0-0.6."""
    fill_bars: int = 8
    """A fill ends each group of so many bars, 4 or 8."""
    dropouts: float = 0.12
    """Chance that the drums leave out the end of a group of 4 bars that has no fill, 0-1."""
    wander: float = 0.5
    """How far pieces of the mood differ in density, swing, lateness and touch, 0-1 (`drift.WANDER` at 1)."""
    drift_minutes: float = 0.0
    """How long the way from the mood before takes, minutes; 0 goes there at the next bar line."""
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
    # loops, dB relative to the music
    vinyl: str = "vinyl"
    vinyl_db: float = -28.0
    ambience: tuple[tuple[str, float], ...] = (("rain", -34.0),)
    """Ambience loops that sound together, each with its loudness, dB; in config.yaml a map: {rain: -25}."""
    fills: tuple[str, ...] = ("sweep", "swell", "reverse-cymbal")
    """Sounds that lead over from one section to the next, chosen by the piece's seed; a drum fill only after drums."""
    fills_db: float = -17.0
    # sound
    keys_lowpass_hz: float = 5500.0
    drums_lowpass_hz: float = 9000.0
    brightness_db: float = -12.0
    """Share of the music's energy above 2 kHz; a slow hand on the treble keeps it there."""
    drums_bits: float = 12.0
    """Resolution of the sampler that the drums come from, 16 is clean."""
    drums_rate_hz: float = 26_000.0
    """Sample rate of that sampler; 48,000 is clean."""
    chorus: float = 0.0
    """Share of chorus on the keys, 0-1."""
    tremolo: float = 0.3
    """Depth of the swing between left and right on the keys, 0-1."""
    wow_cents: float = 4.0
    flutter_cents: float = 0.8
    saturation: float = 0.25
    """Drive of the tape, 0-1."""
    tape_lowpass_hz: float = 12_000.0
    hiss_db: float = -42.0
    """Noise of the tape under the music."""
    room: float = 0.18
    """Share of room sound, 0-1."""
    sidechain_db: float = 2.0
    """How far the kick pushes keys and loops down."""
    silent: tuple[str, ...] = ()
    """Parts that do not play, of `MAY_BE_SILENT`."""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be played."""
        problems = [*_range_problems(self), *_harmony_problems(self), *_choice_problems(self)]
        if problems:
            raise MoodError(f"mood {self.name!r}: " + " ".join(problems))


RANGES: dict[str, tuple[float, float]] = {
    "bpm_low": (40, 140), "bpm_high": (40, 140), "minor_share": (0, 1), "keys_density": (1, 7),
    "drums_density": (1, 7), "melody_share": (0, 1), "swing": (0.5, 0.67), "snare_late_ms": (0, 40),
    "human_ms": (0, 25), "register_low": (36, 72), "register_high": (60, 96), "velocity_scale": (0.3, 1.3),
    "piece_bars_low": (36, 92), "piece_bars_high": (36, 92), "drum_kit": (0, 127), "keys_db": (-60, 12),
    "secondary_dominants": (0, 1), "tritone_subs": (0, 1), "borrowed_chords": (0, 1), "ghosts": (0, 0.6),
    "fill_bars": (4, 8), "dropouts": (0, 1), "wander": (0, 1), "drift_minutes": (0, 240),
    "drums_db": (-60, 12), "bass_db": (-60, 12), "second_db": (-60, 12), "vinyl_db": (-90, 0),
    "fills_db": (-90, 0), "keys_lowpass_hz": (200, 20_000), "drums_lowpass_hz": (200, 20_000),
    "brightness_db": (-30, -3), "drums_bits": (4, 16), "drums_rate_hz": (4000, 48_000), "chorus": (0, 1),
    "tremolo": (0, 1), "wow_cents": (0, 30), "flutter_cents": (0, 10), "saturation": (0, 1),
    "tape_lowpass_hz": (2000, 20_000), "hiss_db": (-90, 0), "room": (0, 1), "sidechain_db": (0, 12),
}  # fmt: skip
SAMPLING_RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 3), "top_p": (0.01, 1), "top_k": (0, 2560), "presence": (0, 5), "frequency": (0, 5),
    "penalty_decay": (0, 1), "candidates": (1, 16),
}  # fmt: skip
_PAIRS = (("bpm_low", "bpm_high"), ("piece_bars_low", "piece_bars_high"), ("register_low", "register_high"))
_REGISTER_SPAN = 20
"""Semitones; a close voicing and a melody need more than an octave and a half."""


def _range_problems(mood: Mood) -> list[str]:
    checks = [(f, getattr(mood, f), span) for f, span in RANGES.items()]
    checks += [(f"sampling.{f}", getattr(mood.sampling, f), span) for f, span in SAMPLING_RANGES.items()]
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
    problems = [] if mood.fill_bars in FILL_BARS else [f"fill_bars is {mood.fill_bars}: must be 4 or 8."]
    for field, known in (("piano_style", STYLES), ("drum_style", STYLES), ("chords_by", CHORD_SOURCES)):
        value = getattr(mood, field)
        if value not in known:
            problems.append(f"{field} is {value!r}: must be one of {', '.join(known)}.")
    for field in ("keys_program", "bass_program", "second_program"):
        bank, program = getattr(mood, field)
        if not (0 <= bank <= 16_383 and 0 <= program <= 127):
            problems.append(f"{field} is {bank}:{program}: bank 0-16383, program 0-127.")
    for part in mood.silent:
        if part not in MAY_BE_SILENT:
            problems.append(f"silent has {part!r}: must be of {', '.join(MAY_BE_SILENT)}; the keys always play.")
    for loop, db in mood.ambience:
        if not -90 <= db <= 0:
            problems.append(f"ambience {loop} is {db:g}: must be -90 to 0.")
    return problems


def _harmony_problems(mood: Mood) -> list[str]:
    problems = []
    if not mood.keys or not all(0 <= key < 12 for key in mood.keys):
        problems.append(f"keys are {mood.keys}: name at least one pitch class 0-11 (C = 0).")
    for name in mood.palette:
        if name not in PROGRESSIONS:
            problems.append(f"palette has {name!r}: no such chord loop{did_you_mean(name, PROGRESSIONS)}.")
    modes = {PROGRESSIONS[name].minor for name in mood.palette if name in PROGRESSIONS}
    for minor, needed in ((False, mood.minor_share < 1), (True, mood.minor_share > 0)):
        if needed and minor not in modes:
            mode = "minor" if minor else "major"
            problems.append(f"minor_share is {mood.minor_share:g} but the palette has no {mode} loop: add one.")
    return problems


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean x?)` when a known word is near, else nothing."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def mood_to_tree(mood: Mood) -> Tree:
    """Return the mood as a tree of JSON values."""
    return {field: list(value) if isinstance(value, tuple) else value for field, value in asdict(mood).items()}


def mood_from_tree(tree: Tree) -> Mood:
    """Return the mood that a tree describes."""
    values = {field: tuple(value) if isinstance(value, list) else value for field, value in tree.items()}
    values["ambience"] = tuple((name, db) for name, db in cast(list[tuple[str, float]], values["ambience"]))
    values["sampling"] = Sampling(**cast(dict[str, float], values["sampling"]))  # type: ignore[arg-type]
    return Mood(**values)  # type: ignore[arg-type]
