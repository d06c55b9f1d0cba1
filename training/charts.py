"""Chord charts of three open collections as pairs of half-bar chords in C major or A minor.

Knows nothing about voicings, rhythm or tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.harmony import CHORD_TONES
from engine.types import TICKS_PER_BEAT, Chord
from training.errors import CorpusError
from training.pop909 import pitch_class, transposition
from training.songs import Chords

LEAST_SEVENTHS = 0.4
"""Billboard charts below this share of sevenths are plain pop harmony, which POP909 gives us already."""
LEAST_BARS = 8

# Krumhansl-Kessler key profiles, for lead sheets that do not name their key.
_MAJOR_PROFILE = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR_PROFILE = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
_DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_MINOR_DEGREES = {"I": 0, "II": 2, "III": 3, "IV": 5, "V": 7, "VI": 8, "VII": 10}


@dataclass(frozen=True, slots=True)
class MelodyNote:
    """A note of a lead sheet, transposed like its chords."""

    tick: int
    """From the start of its bar."""
    length_ticks: int
    pitch: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A chord chart; `melody` is empty where the collection has none."""

    name: str
    minor: bool
    bars: tuple[Chords, ...]
    melody: tuple[tuple[MelodyNote, ...], ...] = ()


def _read_json(folder: Path, name: str) -> list[Any]:
    path = folder / name
    if not path.is_file():
        raise CorpusError(
            f"{path}: not found. Get the chord charts: McGill Billboard (CC0, github.com/boomerr1/"
            "The-McGill-Billboard-Project), OpenEWLD public-domain sheets (github.com/00sapo/OpenEWLD), "
            f"free-midi-chords (MIT, github.com/ldrolez/free-midi-chords), as JSON in {folder}."
        )
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    except ValueError as error:
        raise CorpusError(f"{path}: not readable ({error}). Unpack the set again.") from error


Charts = tuple[list[Chart], list[str]]
"""(usable charts, the reasons for the others)."""


def read_lead_sheets(folder: Path, workers: int | None = None) -> Charts:
    """Read OpenEWLD's lead sheets, with their melodies."""
    sheets = _read_json(folder, "openewld_strict.jsonl")
    return _usable([(f"openewld/{sheet['id']}", read_lead_sheet(sheet)) for sheet in sheets])


def read_billboard_charts(folder: Path, workers: int | None = None) -> Charts:
    """Read the charts of McGill Billboard that have sevenths."""
    charts = _read_json(folder, "mcgill_billboard.jsonl")
    return _usable([(f"billboard/{chart['title']}", read_billboard(chart)) for chart in charts])


def read_progressions(folder: Path, workers: int | None = None) -> Charts:
    """Read the progressions in roman numerals."""
    items = [
        (f"progressions/{number:03d}", item) for number, item in enumerate(_read_json(folder, "progressions.json"))
    ]
    return _usable([(name, read_progression(name, item)) for name, item in items])


def _usable(found: list[tuple[str, Chart | None]]) -> Charts:
    charts = [chart for _, chart in found if chart is not None]
    reasons = [
        f"{name}: too short, not in 4/4, too few sevenths or not understood." for name, chart in found if not chart
    ]
    return charts, reasons


# --- symbols ---------------------------------------------------------------------------------------------------------

_HARTE_STARTS = (
    ("hdim", "hdim7"), ("dim", "dim"), ("aug", "aug"), ("sus", "sus"), ("maj7", "maj7"), ("maj9", "maj7"),
    ("maj13", "maj7"), ("maj", "maj"), ("min7", "min7"), ("min9", "min7"), ("min11", "min7"), ("min13", "min7"),
    ("minmaj", "min"), ("min", "min"), ("11", "sus"), ("7", "7"), ("9", "7"), ("13", "7"), ("5(b7", "7"),
    ("5", "maj"), ("1", "maj"),
)  # fmt: skip
_FIGURE_STARTS = (
    ("m7b5", "hdim7"), ("maj7", "maj7"), ("maj9", "maj7"), ("M7", "maj7"), ("dim", "dim"), ("o", "dim"), ("+", "aug"),
    ("aug", "aug"), ("7+", "aug"), ("ø", "hdim7"), ("min7", "min7"), ("m7", "min7"), ("m9", "min7"), ("m11", "min7"),
    ("min", "min"), ("m", "min"), ("7sus", "sus"), ("9sus", "sus"), ("7", "7"), ("9", "7"), ("13", "7"),
)  # fmt: skip


def harte_chord(symbol: str) -> Chord | None:
    """Return the chord of a Harte symbol such as `Bb:min7/b3`; None for no chord or an unknown one."""
    root, _, rest = symbol.partition(":")
    if not rest or not re.fullmatch(r"[A-G][#b]*", root):
        return None
    quality = next((q for start, q in _HARTE_STARTS if rest.startswith(start)), None)
    return Chord(pitch_class(root), quality) if quality else None


def figure_chord(symbol: str) -> Chord | None:
    """Return the chord of a lead-sheet figure such as `E-7` or `F#o7/A` (`-` is a flat); None where there is none."""
    found = re.match(r"([A-G](?:##|--|#|-|b)?)(.*)", symbol)
    if not found:
        return None
    figure = found[2].partition("/")[0]
    sus = "sus" if "sus" in figure else None
    return Chord(pitch_class(found[1]), sus or next((q for s, q in _FIGURE_STARTS if figure.startswith(s)), "maj"))


def numeral_chord(symbol: str, degrees: dict[str, int]) -> Chord | None:
    """Return the chord of a roman numeral such as `bVIIM7`, above a tonic of 0; None where it is not one."""
    found = re.fullmatch(r"([b#]?)(VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)(.*)", symbol)
    if not found:
        return None
    accidental, numeral, tail = found.groups()
    major = numeral.isupper()
    minor_tail = tail.startswith("m") and not tail.startswith("maj")
    if tail.startswith("dom") or tail in ("9",):
        quality = "7"
    elif tail.startswith("sus"):
        quality = "sus"
    elif tail.startswith("dim"):
        quality = "dim"
    elif minor_tail or (not major and not tail.startswith("M")):
        quality = "min7" if "7" in tail or "m9" in tail else "min"
    else:
        quality = "7" if tail == "7" and numeral in ("V", "v") else "maj7" if "7" in tail else "maj"
    step = (1 if accidental == "#" else -1 if accidental else 0) + degrees[numeral.upper()]
    return Chord(step % 12, quality)


def _moved(chord: Chord | None, shift: int) -> Chord | None:
    return Chord((chord.root + shift) % 12, chord.quality) if chord else None


# --- collections -----------------------------------------------------------------------------------------------------


def read_billboard(item: dict[str, Any]) -> Chart | None:
    """Return a McGill Billboard chart; None unless it is in 4/4 with enough sevenths."""
    if item["metre"] != "4/4" or not item.get("tonic"):
        return None
    halves: list[Chord | None] = []
    now: Chord | None = None
    for bar in item["bars"]:
        beats = []
        for symbol in bar:
            now = now if symbol == "." else harte_chord(symbol)
            beats.append(now)
        halves += [beats[0], beats[len(beats) // 2]] if beats else [None, None]
    named = [chord for chord in halves if chord]
    if len(halves) < 2 * LEAST_BARS or not named:
        return None
    if sum(chord.quality in ("7", "maj7", "min7", "hdim7") for chord in named) < LEAST_SEVENTHS * len(named):
        return None
    tonic = pitch_class(item["tonic"])
    on_tonic = [chord.quality.startswith("min") for chord in named if chord.root == tonic]
    minor = sum(on_tonic) > len(on_tonic) / 2
    # Named by title: the charts hold some songs more than once, and a song must not be in both splits.
    name = f"billboard/{item['title']} ({item['by']})".lower()
    return _chart(name, halves, minor, transposition(tonic, minor))


def read_progression(name: str, item: dict[str, str]) -> Chart | None:
    """Return a progression in roman numerals, one chord a bar; None where a numeral is not understood."""
    symbols = item["progression"].split()
    minor = item["mode"] == "min" or (item["mode"] == "modal" and "im" in symbols)
    degrees = _MINOR_DEGREES if item["mode"] == "min" else _DEGREES
    chords = [numeral_chord(symbol, degrees) for symbol in symbols]
    if len(chords) < 2 or None in chords:
        return None
    halves = [chord for chord in chords for _ in range(2)]
    return _chart(name, halves, minor, 9 if minor else 0)


def read_lead_sheet(item: dict[str, Any]) -> Chart | None:
    """Return a lead sheet with its melody; None unless it is in 4/4 or 2/2 and long enough."""
    if item["metre"] not in ("4/4", "2/2", None) or len(item["bars"]) < LEAST_BARS:
        return None
    changes = [
        (4 * bar + beat, chord)
        for bar, content in enumerate(item["bars"])
        for beat, symbol in content["ch"]
        if beat < 4 and (chord := figure_chord(symbol))
    ]
    if len(changes) < 6:
        return None
    minor, shift = _estimate_key(item["bars"], [chord for _, chord in changes])
    halves: list[Chord | None] = []
    for half in range(2 * len(item["bars"])):
        sounding = [chord for beat, chord in changes if beat <= 2 * half + 0.6]
        halves.append(sounding[-1] if sounding else None)
    chart = _chart(f"openewld/{item['id']}", halves, minor, shift)
    return Chart(chart.name, minor, chart.bars, _melody(item["bars"], shift))


def _chart(name: str, halves: list[Chord | None], minor: bool, shift: int) -> Chart:
    moved = [_moved(chord, shift) for chord in halves]
    return Chart(name, minor, tuple(zip(moved[::2], moved[1::2], strict=True)))


def _estimate_key(bars: list[dict[str, Any]], chords: Iterable[Chord]) -> tuple[bool, int]:
    weights = np.zeros(12)
    for bar in bars:
        for _, beats, pitch in bar["mel"]:
            weights[pitch % 12] += beats
    for chord in chords:
        for step in CHORD_TONES[chord.quality][:3]:
            weights[(chord.root + step) % 12] += 1

    def fit(profile: np.ndarray, tonic: int) -> float:
        return float(np.corrcoef(np.roll(profile, tonic), weights)[0, 1])

    best = max((fit(_MAJOR_PROFILE, tonic), tonic, False) for tonic in range(12))
    relative = max((fit(_MINOR_PROFILE, tonic) - 0.02, tonic, True) for tonic in range(12))
    _, tonic, minor = max(best, relative)
    return minor, transposition(tonic, minor)


def _melody(bars: list[dict[str, Any]], shift: int) -> tuple[tuple[MelodyNote, ...], ...]:
    pitches = [pitch + shift for bar in bars for _, _, pitch in bar["mel"]]
    octave = 12 * round((73 - np.mean(pitches)) / 12) if pitches else 0
    return tuple(
        tuple(
            MelodyNote(
                round(beat * TICKS_PER_BEAT), round(min(beats, 4) * 0.95 * TICKS_PER_BEAT), pitch + shift + octave
            )
            for beat, beats, pitch in bar["mel"]
            if beat < 4 and beats > 0
        )
        for bar in bars
    )
