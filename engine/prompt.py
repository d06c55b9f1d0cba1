"""A prompt: music to go on from, as the recurrences write it. Knows nothing about where it came from.

Notes are in C major or A minor on the grid of 48 ticks a beat, bars have four beats, every half bar has its chord.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from engine.grammar import WrittenNote
from engine.mood import RANGES, Mood
from engine.substitution import Loop
from engine.tailoring import Key
from engine.tokens import DRUM_DENSITY_LIMITS, PIANO_DENSITY_LIMITS
from engine.types import Chord, Tree

BARS_MAX = 32
"""More is not read: 32 bars are 1,200 tokens, half a second of a model's time."""
QUOTED_BARS = 4
_BUSIEST_KEYS, _BUSIEST_DRUMS = 4.5, 6.0
_REGISTER_SPAN = 20


@dataclass(frozen=True, slots=True)
class PromptBar:
    """One bar of a prompt."""

    chords: tuple[Chord, Chord]
    notes: tuple[WrittenNote, ...] = ()
    hits: tuple[tuple[int, int, int], ...] = ()
    """Drums: (tick in the drums' window, pitch, velocity bin)."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a piece goes on from."""

    name: str
    """What people call it: a file's name."""
    key: Key
    bpm: float
    bars: tuple[PromptBar, ...]
    loop: Loop
    """Its chords as a loop for the piece's themes."""
    keys_density: float | None = None
    """As a mood's; None: too few notes to tell."""
    drums_density: float | None = None
    register: tuple[int, int] | None = None
    """Lowest and highest pitch as it sounds."""
    quoted_bars: int = QUOTED_BARS
    """So many of its bars open the piece."""
    notices: tuple[str, ...] = ()
    """What was found and what was changed, for people."""

    def coloured(self, mood: Mood) -> Mood:
        """Return the mood with the prompt's density and register."""
        changes: dict[str, Any] = {}
        if self.keys_density is not None:
            changes["keys_density"] = self.keys_density
        if self.drums_density is not None:
            changes["drums_density"] = self.drums_density
        if self.register is not None:
            changes["register_low"], changes["register_high"] = self.register
        return replace(mood, **changes)

    @property
    def begins_with(self) -> int:
        """How many bars of it open the piece."""
        return min(self.quoted_bars, len(self.bars))


def density_of(onsets_a_bar: float, drums: bool) -> float:
    """Return a mood's density for so many onsets a bar."""
    limits = DRUM_DENSITY_LIMITS if drums else PIANO_DENSITY_LIMITS
    value = float(np.interp(onsets_a_bar, limits, np.arange(len(limits))))
    return round(min(max(value, 1.0), _BUSIEST_DRUMS if drums else _BUSIEST_KEYS), 2)


def register_of(low: float, high: float) -> tuple[int, int]:
    """Return a register around pitches, wide enough to play in."""
    low, high = low - 1, high + 1
    if high - low < _REGISTER_SPAN:
        middle = (low + high) / 2
        low, high = middle - _REGISTER_SPAN / 2, middle + _REGISTER_SPAN / 2
    (lowest, highest_low), (lowest_high, highest) = RANGES["register_low"], RANGES["register_high"]
    bottom = int(min(max(low, lowest), highest_low))
    top = int(min(max(np.ceil(high), lowest_high, bottom + _REGISTER_SPAN), highest))
    return min(bottom, top - _REGISTER_SPAN), top


def prompt_to_tree(prompt: Prompt) -> Tree:
    """Return the prompt as a tree of JSON values."""
    return {
        "name": prompt.name,
        "key": [prompt.key.tonic, prompt.key.minor],
        "bpm": prompt.bpm,
        "bars": [
            [
                [[chord.root, chord.quality] for chord in bar.chords],
                [[note.tick, note.end, note.pitch, note.velocity_bin] for note in bar.notes],
                [list(hit) for hit in bar.hits],
            ]
            for bar in prompt.bars
        ],
        "loop": [[[chord.root, chord.quality] for chord in pair] for pair in prompt.loop],
        "keys_density": prompt.keys_density,
        "drums_density": prompt.drums_density,
        "register": None if prompt.register is None else list(prompt.register),
        "quoted_bars": prompt.quoted_bars,
        "notices": list(prompt.notices),
    }


def prompt_from_tree(tree: Tree) -> Prompt:
    """Return the prompt that a tree holds."""
    told = cast(dict[str, Any], tree)
    return Prompt(
        name=told["name"],
        key=Key(*told["key"]),
        bpm=told["bpm"],
        bars=tuple(
            PromptBar(_pair(chords), tuple(WrittenNote(*note) for note in notes), tuple(map(_hit, hits)))
            for chords, notes, hits in told["bars"]
        ),
        loop=tuple(_pair(chords) for chords in told["loop"]),
        keys_density=told["keys_density"],
        drums_density=told["drums_density"],
        register=None if told["register"] is None else (told["register"][0], told["register"][1]),
        quoted_bars=told["quoted_bars"],
        notices=tuple(told["notices"]),
    )


def _pair(chords: Any) -> tuple[Chord, Chord]:  # noqa: ANN401 - a tree read from bytes
    first, second = chords
    return Chord(*first), Chord(*second)


def _hit(values: Any) -> tuple[int, int, int]:  # noqa: ANN401 - a tree read from bytes
    tick, pitch, velocity_bin = values
    return tick, pitch, velocity_bin
