"""Moods between moods: mixtures of several, the way from one to another, and what differs from piece to piece.

Pure arithmetic on moods. Knows nothing about time, files or sound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from engine.chance import generator
from engine.errors import MoodError
from engine.mood import RANGES, SAMPLING_RANGES, Mood

WANDER: dict[str, float] = {
    "keys_density": 0.5, "drums_density": 0.5, "swing": 0.02, "snare_late_ms": 4.0, "melody_share": 0.2,
    "velocity_scale": 0.06, "ghosts": 0.08,
}  # fmt: skip
"""How far a piece may be from its mood, up or down, when the mood's `wander` is 1."""
_UNITED = ("palette", "ambience")
_OF_NO_STEP = ("fill_bars", "drum_kit", "candidates", "top_k")
"""Whole numbers that name something or must stay what a mood says."""
_WHOLE = ("register_low", "register_high", "piece_bars_low", "piece_bars_high")


def mixed(parts: Sequence[tuple[Mood, float]], name: str | None = None) -> Mood:
    """Return the mood between several.

    Numbers are means by weight (corner frequencies on a logarithmic scale), ambience layers sound together, each as
    much softer as its mood weighs less, the palette holds the loops of all, the heaviest first, and every other choice
    (instruments, styles, keys, vinyl) is the heaviest mood's.

    Raises:
        MoodError: there is none, or a weight is not above 0.
    """
    if not parts or any(not weight > 0 or math.isinf(weight) for _, weight in parts):
        raise MoodError(f"a mixture needs moods with weights above 0, got {[(m.name, w) for m, w in parts]}.")
    ordered = sorted(parts, key=lambda part: -part[1])
    total = sum(weight for _, weight in ordered)
    shares = [(mood, weight / total) for mood, weight in ordered]
    heaviest = shares[0][0]
    changes: dict[str, Any] = {
        field.name: _mean(field.name, [(getattr(mood, field.name), share) for mood, share in shares])
        for field in fields(Mood)
        if field.name in RANGES and field.name not in _OF_NO_STEP
    }
    sampling: dict[str, Any] = {
        field: _mean(field, [(getattr(mood.sampling, field), share) for mood, share in shares])
        for field in SAMPLING_RANGES
        if field not in _OF_NO_STEP
    }
    changes["sampling"] = replace(heaviest.sampling, **sampling)
    changes["ambience"] = _layers(shares)
    changes["palette"] = tuple(dict.fromkeys(loop for mood, _ in shares for loop in mood.palette))
    return replace(heaviest, name=name or _name(shares), **changes)


def on_the_way(start: Mood, end: Mood, share: float, like: Mood) -> Mood:
    """Return the mood a share (0-1) of the way from one to another: numbers between, choices those of `like`.

    `like` is the start or the end: instruments and styles change at once, and when is the caller's to say.
    """
    if share >= 1 and like == end:
        return end
    weights = [(start, 1 - share), (end, share)]
    between = mixed([(mood, weight) for mood, weight in weights if weight > 0], name=end.name)
    chosen = {
        field.name: getattr(like, field.name)
        for field in fields(Mood)
        if field.name not in RANGES and field.name not in ("sampling", *_UNITED)
    }
    steady = {field: getattr(like, field) for field in _OF_NO_STEP if field in RANGES}
    return replace(between, **chosen | steady | {"name": end.name, "drift_minutes": end.drift_minutes})


def wandered(mood: Mood, piece_seed: int) -> Mood:
    """Return the mood as one piece of it is played: some numbers a little off, the same for the same piece."""
    if not mood.wander:
        return mood
    rng = generator(piece_seed, 37)
    changes: dict[str, Any] = {}
    for field, reach in WANDER.items():
        low, high = RANGES[field]
        value = getattr(mood, field) + float(rng.uniform(-reach, reach)) * mood.wander
        changes[field] = min(max(value, low), high)
    return replace(mood, **changes)


def _layers(shares: Sequence[tuple[Mood, float]]) -> tuple[tuple[str, float], ...]:
    """Return the ambience of all moods together, each layer as much softer as its mood weighs less."""
    gains: dict[str, float] = {}
    for mood, share in shares:
        for name, db in mood.ambience:
            gains[name] = gains.get(name, 0.0) + share * 10 ** (db / 20)
    return tuple((name, max(round(20 * math.log10(gain), 1), -90.0)) for name, gain in gains.items() if gain > 0)


def _mean(field: str, values: Iterable[tuple[float, float]]) -> float | int:
    pairs = list(values)
    if field.endswith("_hz"):
        return round(math.exp(sum(share * math.log(value) for value, share in pairs)), 3)
    mean = sum(share * value for value, share in pairs)
    low, high = {**RANGES, **SAMPLING_RANGES}[field]
    mean = min(max(mean, low), high)
    return round(mean) if field in _WHOLE else round(mean, 6)


def _name(shares: Sequence[tuple[Mood, float]]) -> str:
    """Return how a mixture is called: `study 70 % + rainy 30 %`."""
    return " + ".join(f"{mood.name} {share:.0%}".replace("%", " %") for mood, share in shares)
