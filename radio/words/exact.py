"""Keys, tempos and times of day, wherever they stand in a text. Knows nothing about other words or about moods."""

from __future__ import annotations

import re

from engine import tonic_name, typeset
from radio.words.spelling import Word, number_at
from radio.words.understanding import Wish

SLOWEST_BPM, FASTEST_BPM = 40.0, 140.0
"""What moods can play (`engine.RANGES`)."""
_NOTES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11, "h": 11}
_GERMAN_NOTES = {
    "cis": 1, "dis": 3, "fis": 6, "gis": 8, "ais": 10, "des": 1, "es": 3, "ges": 6, "as": 8, "eis": 5,
}  # fmt: skip
_MODES = {"minor": True, "moll": True, "min": True, "major": False, "dur": False, "maj": False}
_MODE_ONLY = {"key", "keys", "mood", "mode", "feel", "scale", "chords", "tonality"}
_BPM = {"bpm", "beats", "schlaege"}
_RANGE = {"to", "and", "bis", "und", "–", "-"}
_BEFORE_BPM = {"tempo", "bpm", "at", "mit", "bei", "auf", "="}
_MUSICAL = (30.0, 220.0)
_DAY_PARTS = ((0, "night"), (5, "morning"), (11, "study"), (17, "sunset"), (21, "night"))


def exact_at(words: list[Word], place: int) -> tuple[Wish, int, str] | None:
    """Return what exact thing begins at a place, how many words it takes and a note where it cannot be had so."""
    for reader in (_key, _tempo, _hour):
        found = reader(words, place)
        if found is not None:
            return found
    return None


def _plain(words: list[Word], place: int) -> str:
    return words[place].plain if 0 <= place < len(words) else ""


def _key(words: list[Word], place: int) -> tuple[Wish, int, str] | None:
    joined = re.fullmatch(r"(.+)-(minor|major|moll|dur)", _plain(words, place))
    pieces = [joined[1], joined[2]] if joined else [_plain(words, at) for at in range(place, place + 3)]
    note, taken = _note(pieces)
    mode = _MODES.get(pieces[taken]) if 0 < taken < len(pieces) else None
    length = 1 if joined else taken + 1
    asked_for = _plain(words, place - 1) in ("in", "key", "of", "tonart")
    if note is not None and mode is None and asked_for:
        short = re.fullmatch(r"[a-h](b|-sharp|-flat)?m", pieces[0])
        mode, length = (True, 1) if short else (None, taken)
        if not short and (pieces[0] == "a" or _plain(words, place - 1) == "of"):
            note = (
                note if _plain(words, place - 2) == "key" and _plain(words, place + taken) not in _MODE_ONLY else None
            )
    elif note is None or mode is None:
        return None
    if note is None or (pieces[0] == "a" and _plain(words, place + length) in _MODE_ONLY):
        return None
    if pieces[0] == "b" and pieces[1:2] in (["moll"], ["dur"]):
        note = 10  # German b is B flat
    name = typeset(tonic_name(note, bool(mode))) + ("" if mode is None else " minor" if mode else " major")
    return Wish("key", name, 1.0, _said(words, place, length), 0.98, value=(note, mode)), length, ""


def _note(pieces: list[str]) -> tuple[int | None, int]:
    """Return the pitch class that some words begin with, and how many they are."""
    first, second = pieces[0], pieces[1] if len(pieces) > 1 else ""
    first = re.sub(r"m$", "", first) if re.fullmatch(r"[a-h](b|-sharp|-flat)?m", first) else first
    if first in _GERMAN_NOTES:
        return _GERMAN_NOTES[first], 1
    bent = re.fullmatch(r"([a-h])(b|-sharp|-flat)", first)
    if bent:
        return (_NOTES[bent[1]] + (1 if bent[2] == "-sharp" else -1)) % 12, 1
    if first not in _NOTES:
        return None, 0
    if second in ("sharp", "flat"):
        return (_NOTES[first] + (1 if second == "sharp" else -1)) % 12, 2
    return _NOTES[first], 1


def _tempo(words: list[Word], place: int) -> tuple[Wish, int, str] | None:
    first = number_at(words, place)
    if first is None:
        return None
    low, length = first
    high = low
    if _plain(words, place + length) in _RANGE and (other := number_at(words, place + length + 1)):
        high, length = other[0], length + 1 + other[1]
    unit = _plain(words, place + length)
    told_before = _plain(words, place - 1) in _BEFORE_BPM or _plain(words, place - 2) in ("tempo", "bpm")
    if unit in _BPM:
        length += 3 if [_plain(words, place + length + more) for more in (1, 2)] == ["per", "minute"] else 1
    elif not told_before or not 50 <= low <= 180 or unit in ("am", "pm", "uhr", "o’clock", "%"):
        return None
    if not (_MUSICAL[0] <= low <= high <= _MUSICAL[1]):
        return None
    note = ""
    if low > FASTEST_BPM:
        note = f"{low:g} bpm is more than the {FASTEST_BPM:g} that moods can play: taken as half of it, in double time."
        low, high = low / 2, high / 2
    low, high = max(low, SLOWEST_BPM), max(min(high, FASTEST_BPM), SLOWEST_BPM)
    name = f"{low:g}" if low == high else f"{low:g}-{high:g}"
    return Wish("bpm", name, 1.0, _said(words, place, length), 0.98, value=(low, high)), length, note


def _hour(words: list[Word], place: int) -> tuple[Wish, int, str] | None:
    found = number_at(words, place)
    if found is None:
        return None
    hour, length = found
    if _plain(words, place + length) == ":" and (minute := number_at(words, place + length + 1)):
        length += 1 + minute[1]
    elif _plain(words, place + length) not in ("am", "pm", "uhr", "o’clock", "oclock"):
        return None
    half = _plain(words, place + length)
    length += half in ("am", "pm", "uhr", "o’clock", "oclock")
    if hour > 24:
        return None
    hour = hour % 12 + 12 if half == "pm" else hour % 12 if half == "am" else hour % 24
    name = [part for begin, part in _DAY_PARTS if begin <= hour][-1]
    return Wish("scene", name, 0.9, _said(words, place, length), 0.9), length, ""


def _said(words: list[Word], place: int, length: int) -> str:
    return " ".join(word.text for word in words[place : place + length])
