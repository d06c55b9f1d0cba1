"""A mood cut to what somebody asks for: one tempo, one key. Knows nothing about notes, sound or files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from engine.errors import OrderError
from engine.harmony import PROGRESSIONS
from engine.mood import RANGES, Mood
from engine.spelling import key_name

_NATURALS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_ACCIDENTALS = {"": 0, "#": 1, "b": -1}
_MINOR_LOOPS = ("iv-v-i-bIII", "i-bVI-bIII-bVII", "dusk", "i-bVI")
_MAJOR_LOOPS = ("ii-V-I-vi", "IV-iii-ii-I", "I-vi-ii-V", "I-IV")


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic and a mode."""

    tonic: int
    """Pitch class, C = 0."""
    minor: bool

    def __str__(self) -> str:
        return key_name(self.tonic, self.minor)


def parse_key(text: str) -> Key:
    """Read a key: `F# minor`, `Gb`, `a minor`, `Ebm`, `B♭ major`; a letter alone is major.

    Raises:
        OrderError: it is none.
    """
    plain = text.strip().replace("♯", "#").replace("♭", "b")
    match = re.fullmatch(r"([A-Ga-g])\s*(#|b|sharp|flat)?\s*-?\s*(m|min|minor|maj|major|M)?", plain)
    if match is None:
        raise OrderError(f"key {text[:40]!r}: not a key. Write for example 'F# minor', 'Eb major' or 'Am'.")
    accidental = {"sharp": "#", "flat": "b"}.get(match[2] or "", match[2] or "")
    minor = (match[3] or "") in ("m", "min", "minor")
    return Key((_NATURALS[match[1].lower()] + _ACCIDENTALS[accidental]) % 12, minor)


def tailored(mood: Mood, bpm: float | None = None, key: Key | None = None) -> Mood:
    """Return the mood with one tempo or one key, and chord loops for its mode.

    Raises:
        OrderError: the tempo is none that can be played.
    """
    if bpm is not None:
        low, high = RANGES["bpm_low"]
        if not low <= bpm <= high:
            raise OrderError(f"tempo {bpm:g}: must be {low:g} to {high:g} beats a minute.")
        mood = replace(mood, bpm_low=bpm, bpm_high=bpm)
    if key is not None:
        fitting = tuple(name for name in mood.palette if PROGRESSIONS[name].minor == key.minor)
        palette = fitting or (_MINOR_LOOPS if key.minor else _MAJOR_LOOPS)
        mood = replace(mood, keys=(key.tonic,), minor_share=float(key.minor), palette=palette)
    return mood
