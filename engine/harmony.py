"""Chords, keys and the chord loops of lo-fi. Knows nothing about models, time or sound.

Music is written as in C major or A minor (`normal`, as the piano model was trained) and shifted to the piece's key.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from engine.errors import EngineError
from engine.tokens import QUALITIES
from engine.types import Chord

SCALE = frozenset({0, 2, 4, 5, 7, 9, 11})
"""C major and A natural minor: the pitch classes of a piece as written."""
PENTATONIC = (0, 2, 4, 7, 9)

CHORD_TONES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "dim": (0, 3, 6, 9),
    "hdim7": (0, 3, 6, 10),
    "sus": (0, 5, 7, 2, 10),
    "aug": (0, 4, 8),
}
"""Semitones above the root, by quality of `tokens.QUALITIES`."""

COLOURS: dict[str, tuple[int, ...]] = {
    "maj": (2, 9),
    "min": (2, 5),
    "7": (2, 9),
    "maj7": (2, 9),
    "min7": (2, 5),
    "dim": (),
    "hdim7": (5,),
    "sus": (9,),
    "aug": (2,),
}
"""Ninths, elevenths and thirteenths that enrich a chord without a clash."""

_VOICINGS: dict[str, tuple[tuple[int, ...], ...]] = {
    "maj": ((4, 7, 9, 14), (4, 7, 12)),
    "min": ((3, 7, 14), (3, 7, 12)),
    "7": ((4, 10, 14), (4, 9, 10, 14), (4, 7, 10)),
    "maj7": ((4, 7, 11, 14), (4, 9, 14), (-1, 2, 4, 7), (4, 7, 11)),
    "min7": ((3, 7, 10, 14), (-2, 2, 3, 7), (3, 10, 14), (3, 7, 10)),
    "dim": ((3, 6, 9),),
    "hdim7": ((3, 6, 10), (-2, 3, 6)),
    "sus": ((5, 7, 10, 14), (5, 10, 14)),
    "aug": ((4, 8, 12),),
}
_DEGREES = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
_MINOR_TONIC = 9


@dataclass(frozen=True, slots=True)
class Progression:
    """A chord loop as written, one pair of half-bar chords a bar."""

    name: str
    minor: bool
    bars: tuple[tuple[Chord, Chord], ...]


def _chord(text: str, tonic: int) -> Chord:
    degree, quality = text.split(":")
    numeral = degree.lower().lstrip("b")
    flats = len(degree) - len(numeral)
    if quality not in QUALITIES or numeral not in _DEGREES:
        raise EngineError(f"chord {text!r}: not degree:quality. Write for example ii:min7 or bVI:maj7.")
    return Chord((tonic + _DEGREES[numeral] - flats) % 12, quality)


def parse_progression(name: str, text: str, minor: bool) -> Progression:
    """Read a loop such as `ii:min7/V:7 I:maj7`: bars apart by blanks, the halves of a bar by a slash.

    Degrees count from the tonic of the mode, on the major scale (so the third of minor is bIII).
    """
    tonic = _MINOR_TONIC if minor else 0
    bars = []
    for word in text.split():
        halves = [_chord(half, tonic) for half in word.split("/")]
        bars.append((halves[0], halves[-1]))
    return Progression(name, minor, tuple(bars))


_MAJOR_LOOPS = {
    "ii-V-I-vi": "ii:min7 V:7 I:maj7 vi:min7",
    "I-vi-ii-V": "I:maj7 vi:min7 ii:min7 V:7",
    "IV-iii-ii-I": "IV:maj7 iii:min7 ii:min7 I:maj7",
    "IV-iii-vi-I": "IV:maj7 iii:min7 vi:min7 I:maj7",
    "IV-V-iii-vi": "IV:maj7 V:7 iii:min7 vi:min7",
    "ii-iii-IV-V": "ii:min7 iii:min7 IV:maj7 V:sus",
    "vi-IV-I-V": "vi:min7 IV:maj7 I:maj7 V:sus",
    "I-IV": "I:maj7 IV:maj7",
    "I-ii": "I:maj7 ii:min7",
    "two-fives": "ii:min7/V:7 I:maj7/vi:min7",
    "minor-plagal": "I:maj7 iii:min7 IV:maj7 iv:min",
    "tritone": "ii:min7 bII:maj7 I:maj7 vi:min7",
    "chromatic": "iii:min7/biii:min7 ii:min7/V:7 I:maj7 vi:min7",
    "royal-road": "IV:maj7 V:7 iii:min7 vi:min7 ii:min7 V:7 I:maj7 vi:min7",
    "long-walk": "I:maj7 iii:min7 vi:min7 IV:maj7 ii:min7 iii:min7 IV:maj7 V:sus",
}
_MINOR_LOOPS = {
    "i-iv-bVII-bIII": "i:min7 iv:min7 bVII:7 bIII:maj7",
    "i-bVI-bIII-bVII": "i:min7 bVI:maj7 bIII:maj7 bVII:7",
    "bVI-v-i-i": "bVI:maj7 v:min7 i:min7 i:min7",
    "iv-v-i-bIII": "iv:min7 v:min7 i:min7 bIII:maj7",
    "i-bVII-bVI-v": "i:min7 bVII:sus bVI:maj7 v:min7",
    "bVI-bVII-i-bIII": "bVI:maj7 bVII:7 i:min7 bIII:maj7",
    "i-bIII-iv-bVI": "i:min7 bIII:maj7 iv:min7 bVI:maj7",
    "i-iv": "i:min7 iv:min7",
    "i-bVI": "i:min7 bVI:maj7",
    "minor-two-five": "ii:hdim7 V:7 i:min7 bVI:maj7",
    "autumn": "iv:min7 bVII:7 bIII:maj7 bVI:maj7 ii:hdim7 V:7 i:min7 i:min7",
    "dusk": "i:min7 v:min7 bVI:maj7 bIII:maj7 iv:min7 i:min7 bVI:maj7 bVII:7",
}
PROGRESSIONS: dict[str, Progression] = {
    **{name: parse_progression(name, text, minor=False) for name, text in _MAJOR_LOOPS.items()},
    **{name: parse_progression(name, text, minor=True) for name, text in _MINOR_LOOPS.items()},
}


def tonic_chord(minor: bool) -> Chord:
    """Return the chord of rest, as written."""
    return Chord(_MINOR_TONIC, "min7") if minor else Chord(0, "maj7")


def pitch_classes(chord: Chord) -> frozenset[int]:
    """Return the pitch classes of a chord."""
    return frozenset((chord.root + tone) % 12 for tone in CHORD_TONES[chord.quality])


def colour_classes(chord: Chord) -> frozenset[int]:
    """Return the pitch classes that enrich a chord without a clash."""
    return frozenset((chord.root + tone) % 12 for tone in COLOURS[chord.quality])


def scale_classes(key: int, minor: bool) -> frozenset[int]:
    """Return the pitch classes of a key as it sounds."""
    shift = key_shift(key, minor)
    return frozenset((tone + shift) % 12 for tone in SCALE)


def guide_tones(chord: Chord) -> tuple[int, ...]:
    """Return the pitch classes that tell what the chord is: its third (or fourth) and its seventh if it has one."""
    tones = CHORD_TONES[chord.quality]
    chosen = tones[1:2] + tones[3:4] if chord.quality != "sus" else (5, 10)
    return tuple((chord.root + tone) % 12 for tone in chosen)


def key_shift(key: int, minor: bool) -> int:
    """Return the semitones, -6 to 5, from the music as written to the key it sounds in."""
    return (key - (_MINOR_TONIC if minor else 0) + 6) % 12 - 6


def voicing(chord: Chord, centre: float, scale: Collection[int] = SCALE) -> tuple[int, ...]:
    """Return a close voicing without the root, its ninth in the scale, whose mean is nearest to a pitch."""
    fitting = pitch_classes(chord) | frozenset(scale)
    options = [
        tuple(octave + chord.root + step for step in shape)
        for shape in _VOICINGS[chord.quality]
        for octave in range(24, 84, 12)
        if all((chord.root + step) % 12 in fitting for step in shape)
    ]

    def distance(pitches: tuple[int, ...]) -> float:
        # a low semitone or a cluster wider than a tenth sounds muddy on an electric piano
        wide = max(0, pitches[-1] - pitches[0] - 16)
        rubs = sum(high - low == 1 and low < 56 for low, high in pairwise(pitches))
        return abs(sum(pitches) / len(pitches) - centre) + 2.0 * wide + 3.0 * rubs - 0.8 * (len(pitches) - 3)

    return min(options, key=distance)
