"""Names of keys and chords as musicians write them: by the letters of the key. Knows nothing about sound or form.

In plain letters (`Bb`, `F#`); `typeset` puts the real signs in.
"""

from __future__ import annotations

import re

from engine.types import Chord

_LETTERS = "CDEFGAB"
_NATURALS = (0, 2, 4, 5, 7, 9, 11)
_TONICS = {
    False: ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    True: ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"),
}
"""Tonics by mode (True: minor): the name with the fewer signs, so C sharp and G sharp minor, not D flat and A flat."""
_SCALES = {False: (0, 2, 4, 5, 7, 9, 11), True: (0, 2, 3, 5, 7, 8, 10)}
_DEGREES = (0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 6)
"""Degree by semitones above the tonic: what is borrowed or stands in for a dominant is on a lowered one (bII7, bVI)."""
_RAISED = {"dim": (1, 3, 6, 8), "hdim7": (1, 3, 6, 8), "min": (6,), "min7": (6,)}
"""Semitones at which a chord stands on the degree below, raised, as it leads upwards: #IVm7b5, #Idim."""
_AWKWARD = frozenset({"E#", "B#", "Cb", "Fb"})
_QUALITIES = {
    "maj": "", "min": "m", "7": "7", "maj7": "maj7", "min7": "m7", "dim": "dim", "hdim7": "m7b5", "sus": "sus",
    "aug": "aug",
}  # fmt: skip


def tonic_name(key: int, minor: bool) -> str:
    """Return the letter of a key's tonic: `F#`, `Eb`."""
    return _TONICS[minor][key % 12]


def key_name(key: int, minor: bool) -> str:
    """Return a key as it is read aloud: `Eb minor`."""
    return f"{tonic_name(key, minor)} {'minor' if minor else 'major'}"


def chord_name(chord: Chord | None, key: int = 0, minor: bool = False) -> str:
    """Return how a player writes a chord in a key, for example `Dm7`, `Gmaj7`, `Bm7b5`; `N.C.` for none."""
    return "N.C." if chord is None else _root_name(chord, key % 12, minor) + _QUALITIES[chord.quality]


def typeset(name: str) -> str:
    """Return a name of a tonic, key or chord with the real signs: `B♭m7♭5`, `F♯ minor`."""
    return re.sub(r"(?<=[A-G])b|b(?=5)", "♭", name).replace("#", "♯")


def _root_name(chord: Chord, key: int, minor: bool) -> str:
    """Return the root of a chord: in the scale by the key's own letters, else by what the chord does."""
    above = (chord.root - key) % 12
    degree, in_scale = _DEGREES[above], above in _SCALES[minor]
    if not in_scale and above in _RAISED.get(chord.quality, ()):
        degree = _DEGREES[above - 1]
    place = (_LETTERS.index(_TONICS[minor][key][0]) + degree) % 7
    bent = (chord.root - _NATURALS[place] + 6) % 12 - 6
    name = _LETTERS[place] + ("#" * bent if bent > 0 else "b" * -bent)
    if in_scale or (abs(bent) < 2 and name not in _AWKWARD):
        return name
    return _LETTERS[_NATURALS.index(chord.root)]  # nobody reads Bbb or F## gladly, nor Fb outside its scale
