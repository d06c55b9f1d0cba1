"""Titles of pieces: two quiet words. Knows nothing about music."""

from __future__ import annotations

import numpy as np

_FIRST = (
    "amber", "apricot", "attic", "autumn", "balcony", "borrowed", "cassette", "cedar", "charcoal", "chestnut",
    "cinder", "cotton", "distant", "drowsy", "dusty", "early", "empty", "faded", "february", "gentle",
    "harbour", "hazel", "hollow", "honey", "idle", "indigo", "ivory", "juniper", "kitchen", "lantern",
    "late", "linen", "little", "lowland", "maple", "midnight", "misty", "mossy", "november", "olive",
    "paper", "patient", "pebble", "plum", "quiet", "rainy", "rooftop", "rusty", "saffron", "second",
    "sleepy", "slow", "soft", "sunday", "velvet", "violet", "walnut", "window", "winter", "wooden",
)  # fmt: skip
_SECOND = (
    "afternoon", "avenue", "bicycle", "blanket", "bookshop", "bridge", "candle", "ceiling", "chapter", "clouds",
    "coat", "coffee", "corridor", "curtain", "diary", "distance", "drizzle", "embers", "envelope", "feathers",
    "ferry", "garden", "gloves", "headlights", "hours", "kettle", "laundry", "letters", "library", "lullaby",
    "magnolia", "meadow", "memory", "morning", "notebook", "orchard", "pages", "pillow", "platform", "polaroid",
    "postcard", "puddle", "radio", "river", "shadow", "shoreline", "skyline", "snowfall", "staircase", "streetlight",
    "sweater", "tea", "terrace", "ticket", "tides", "tram", "umbrella", "valley", "weather", "windmill",
)  # fmt: skip
COMBINATIONS = len(_FIRST) * len(_SECOND)


def title(rng: np.random.Generator) -> str:
    """Return a title of two words, for example `velvet staircase`."""
    return f"{_FIRST[int(rng.integers(len(_FIRST)))]} {_SECOND[int(rng.integers(len(_SECOND)))]}"


def number_of(title: str) -> int:
    """Return the title's number among the combinations; -1 for one that is not of these words."""
    first, _, second = title.partition(" ")
    if first not in _FIRST or second not in _SECOND:
        return -1
    return _FIRST.index(first) * len(_SECOND) + _SECOND.index(second)
