"""What a musical adjective does to a mood's numbers: `slower`, `drums softer`. Knows nothing about language.

A turn is a list of numbers that move together. An amount of 1 is plainly heard, 0.5 is a bit, 2 is as far as it goes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine import RANGES, Mood

Steps = Mapping[str, float]
MOST = 2.2
"""Amounts beyond this are taken for it."""

_MELODY: Steps = {"melody_share": 0.3, "second_db": 2.5}
TURNS: dict[str, Steps] = {
    "tempo": {"bpm_low": 1.15, "bpm_high": 1.15},
    "density": {"keys_density": 0.9, "melody_share": 0.1},
    "beat": {"drums_density": 1.2, "dropouts": -0.05, "ghosts": 0.05},
    "brightness": {
        "brightness_db": 2.5, "keys_lowpass_hz": 1.45, "drums_lowpass_hz": 1.3, "tape_lowpass_hz": 1.2,
    },
    "mode": {"minor_share": -0.7},
    "register": {"register_low": 6, "register_high": 6},
    "touch": {"velocity_scale": 0.16, "drums_db": 1.0},
    "swing": {"swing": 0.05},
    "loose": {"human_ms": 5, "snare_late_ms": 8, "ghosts": 0.05},
    "room": {"room": 0.16},
    "tape": {
        "wow_cents": 3.5, "flutter_cents": 0.8, "saturation": 0.14, "hiss_db": 6, "vinyl_db": 3, "drums_bits": -2,
        "drums_rate_hz": 0.8, "tape_lowpass_hz": 0.85,
    },
    "wobble": {"wow_cents": 5, "flutter_cents": 1.2},
    "warm": {"saturation": 0.12, "keys_lowpass_hz": 0.85, "brightness_db": -1.2},
    "grit": {"saturation": 0.2, "drums_bits": -2, "drums_rate_hz": 0.75},
    "hiss": {"hiss_db": 8},
    "vinyl": {"vinyl_db": 6},
    "pump": {"sidechain_db": 3},
    "chorus": {"chorus": 0.3},
    "tremolo": {"tremolo": 0.3},
    "jazz": {"secondary_dominants": 0.2, "tritone_subs": 0.12, "borrowed_chords": 0.08},
    "variety": {"wander": 0.4, "dropouts": 0.08, "secondary_dominants": 0.05},
    "length": {"piece_bars_low": 16, "piece_bars_high": 16},
    "drums_db": {"drums_db": 4},
    "drums_bright": {"drums_lowpass_hz": 1.4},
    "bass_db": {"bass_db": 4},
    "second_db": _MELODY,
    "second_density": _MELODY,
    "keys_db": {"keys_db": 4},
    "keys_bright": {"keys_lowpass_hz": 1.45, "brightness_db": 1.0},
    "effects": {"fills_db": 5},
}  # fmt: skip
"""Turn → number → how far it goes for an amount of 1; a factor where a number is counted in ratios (`_RATIOS`)."""
TURNS["drums_density"] = TURNS["beat"]
TURNS["keys_density"] = TURNS["density"]
_RATIOS = ("bpm_low", "bpm_high", "keys_lowpass_hz", "drums_lowpass_hz", "tape_lowpass_hz", "drums_rate_hz")
_WHOLE = ("register_low", "register_high", "piece_bars_low", "piece_bars_high")
_HEARD_FROM: dict[str, float] = {"vinyl_db": -44.0, "hiss_db": -60.0}
"""Below this a loop cannot be heard: `more` starts here."""
REGISTER_SPAN, _HIGHEST_LOW = 21, 66
MAJOR_LOOPS, MINOR_LOOPS = ("ii-V-I-vi", "IV-iii-ii-I", "I-vi-ii-V"), ("iv-v-i-bIII", "dusk", "i-iv-bVII-bIII")
_DRUM_BRIGHTNESS_DB = 3.0
"""Without drums this much less of the sound lies above 2 kHz; the hand on the treble must not fill it with hiss."""


def turned(mood: Mood, turn: str, amount: float, neutral: Mood | None = None) -> Mood:
    """Return the mood with a turn made; away from `neutral` it then lies at least that far on the wanted side."""
    amount = min(max(amount, -MOST), MOST)
    changes: dict[str, Any] = {}
    for field, step in TURNS[turn].items():
        now = (
            max(float(getattr(mood, field)), _HEARD_FROM.get(field, -math.inf)) if amount > 0 else getattr(mood, field)
        )
        moved = _stepped(field, now, step, amount)
        if neutral is not None:
            from_neutral = _stepped(field, float(getattr(neutral, field)), step, amount)
            moved = max(moved, from_neutral) if moved > now else min(moved, from_neutral)
        low, high = RANGES[field]
        moved = min(max(moved, low), high)
        changes[field] = round(moved) if field in _WHOLE else round(moved, 3)
    return _playable(mood, changes)


def with_mode(mood: Mood, minor_share: float) -> Mood:
    """Return the mood with that share of minor pieces, and chord loops for the modes that can come."""
    return _playable(mood, {"minor_share": minor_share})


def with_bpm(mood: Mood, low: float, high: float) -> Mood:
    """Return the mood at a tempo."""
    floor, ceiling = RANGES["bpm_low"]
    return replace(mood, bpm_low=min(max(low, floor), ceiling), bpm_high=min(max(high, floor), ceiling))


def silenced(mood: Mood, part: str) -> Mood:
    """Return the mood without a part."""
    if part in mood.silent:
        return mood
    darker: dict[str, Any] = {}
    if part == "drums":
        darker["brightness_db"] = max(mood.brightness_db - _DRUM_BRIGHTNESS_DB, RANGES["brightness_db"][0])
    return replace(mood, silent=(*mood.silent, part), **darker)


def with_layer(mood: Mood, name: str, db: float | None) -> Mood:
    """Return the mood with an ambience at a loudness, or without it."""
    layers = {layer: level for layer, level in mood.ambience if layer != name}
    if db is not None:
        layers[name] = round(min(max(db, -60.0), -14.0), 1)
    return replace(mood, ambience=tuple(layers.items()))


def _stepped(field: str, value: float, step: float, amount: float) -> float:
    return value * step**amount if field in _RATIOS else value + step * amount


def _playable(mood: Mood, changes: dict[str, Any]) -> Mood:
    """Make the changes with what they need: room for the hands, loops for the modes, lengths in order."""
    if "register_low" in changes:
        low = min(changes["register_low"], _HIGHEST_LOW)
        changes |= {"register_low": low, "register_high": max(changes["register_high"], low + REGISTER_SPAN)}
    share = changes.get("minor_share")
    if share is not None and share != mood.minor_share:
        share = changes["minor_share"] = 0.0 if share < 0.08 else 1.0 if share > 0.92 else share
        more = (MINOR_LOOPS if share > mood.minor_share else ()) + (MAJOR_LOOPS if share < mood.minor_share else ())
        changes["palette"] = tuple(dict.fromkeys((*mood.palette, *more)))
    return replace(mood, **changes)
