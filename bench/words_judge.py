"""Whether a direction is heard: the measures of a prompt's music against those of the neutral mood's.

A direction counts when it is plainly there: the least difference of each stands below, with its unit.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.words_heard import SILENT_DB, Heard
from engine import Part
from radio.words import Understanding

_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def _level(part: Part) -> Callable[[Heard], float]:
    """Return how loud a part is beside the keys, LU."""
    return lambda heard: heard.parts_lufs[part] - heard.parts_lufs[Part.KEYS]


COMPARED: dict[str, tuple[Callable[[Heard], float], float]] = {
    "slower": (lambda heard: heard.bpm, -2.0), "faster": (lambda heard: heard.bpm, 2.0),
    "sparser": (lambda heard: heard.keys_onsets, -0.5), "denser": (lambda heard: heard.keys_onsets, 0.5),
    "drums-sparser": (lambda heard: heard.drums_onsets, -1.0), "drums-denser": (lambda heard: heard.drums_onsets, 1.0),
    "drums-softer": (_level(Part.DRUMS), -1.0), "drums-louder": (_level(Part.DRUMS), 1.0),
    "bass-softer": (_level(Part.BASS), -1.0), "bass-louder": (_level(Part.BASS), 1.0),
    "second-more": (lambda heard: heard.second_onsets, 0.3),
    "brighter": (lambda heard: heard.bright_db, 0.7), "darker": (lambda heard: heard.bright_db, -0.7),
    "higher": (lambda heard: heard.pitch, 1.5), "lower": (lambda heard: heard.pitch, -1.5),
    "softer": (lambda heard: heard.velocity, -3.0), "louder": (lambda heard: heard.velocity, 3.0),
    "swung": (lambda heard: heard.swing, 0.02), "straight": (lambda heard: heard.swing, -0.02),
    "wet": (lambda heard: heard.room_db, 1.5), "dry": (lambda heard: heard.room_db, -1.5),
    "vinyl-up": (lambda heard: heard.vinyl_db, 2.0), "vinyl-down": (lambda heard: heard.vinyl_db, -2.0),
    "hiss-up": (lambda heard: heard.hiss_db, 2.0), "hiss-down": (lambda heard: heard.hiss_db, -2.0),
}  # fmt: skip
"""Direction → what is measured and by how much it must differ: bpm, onsets a bar, LU, dB, semitones, MIDI velocity."""
_PARTS = {"drums": Part.DRUMS, "bass": Part.BASS, "second": Part.SECOND}
_PROGRAMS = {"keys": "keys", "second": "second", "bass": "bass", "kit": "drums"}
_PRESENT_DB = -32.5
"""An ambience that far under the music is plainly there; study's own rain lies at -34."""


def judge(direction: str, neutral: Heard, heard: Heard, answer: Understanding) -> tuple[bool, str]:
    """Return whether a direction is right, and the figures."""
    name, _, what = direction.partition(":")
    if name in COMPARED:
        measure, least = COMPARED[name]
        was, now = measure(neutral), measure(heard)
        return (now - was) * (1 if least > 0 else -1) >= abs(least), f"{was:.2f} to {now:.2f}"
    if name.endswith("-off"):
        level = heard.parts_lufs[_PARTS[name.removesuffix("-off")]]
        return level < SILENT_DB, f"{level:.0f} LUFS"
    if name in ("minor", "major"):
        return (heard.minor >= 0.75) if name == "minor" else (heard.minor <= 0.25), f"{heard.minor:.0%} of pieces minor"
    if name == "bpm":
        return abs(heard.bpm - float(what)) <= 0.5, f"{heard.bpm:.1f}"
    if name == "key":
        return heard.keys == {_NOTES.index(what)}, ", ".join(_NOTES[key] for key in sorted(heard.keys))
    if name in _PROGRAMS:
        played = heard.programs.get(_PROGRAMS[name])
        return played == int(what), f"program {played}"
    return _said(name, what, heard, answer)


def _said(name: str, what: str, heard: Heard, answer: Understanding) -> tuple[bool, str]:
    """Judge places, and what the answer must say."""
    if name == "ambience":
        level = heard.places.get(what, -120.0)
        return level > _PRESENT_DB, f"{level:.0f} dB"
    if name == "no-ambience":
        level = heard.places.get(what, -120.0)
        return level < SILENT_DB, f"{level:.0f} dB"
    if name == "strange":
        return what in answer.not_understood, str(answer.not_understood)
    if name == "said":
        return any(what in note for note in answer.notes), str(answer.notes)
    raise ValueError(f"no such direction: {name}")
