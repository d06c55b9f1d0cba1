"""A form that somebody asks for, such as `intro A:16 B A' outro`. Knows nothing about chords, moods' sound or notes."""

from __future__ import annotations

import re

import numpy as np

from engine.errors import OrderError
from engine.mood import Mood
from engine.types import Section

Layout = tuple[tuple[Section, int], ...]
"""Sections in order, each with its bars; 0 leaves the length to the composer."""

SHORTEST = {
    Section.INTRO: 4, Section.A: 8, Section.B: 8, Section.BREAKDOWN: 4, Section.A_RETURN: 8, Section.OUTRO: 4,
}  # fmt: skip
# an intro of four bars: with the end of the piece before, no more than eight bars pass without drums
LONGEST = {
    Section.INTRO: 4, Section.A: 24, Section.B: 24, Section.BREAKDOWN: 8, Section.A_RETURN: 24, Section.OUTRO: 8,
}  # fmt: skip
MOST_SECTIONS = 32
MOST_BARS = 64
"""Of one section."""
_STEP_BARS = 4
_WORDS = {
    "intro": Section.INTRO, "a": Section.A, "b": Section.B, "breakdown": Section.BREAKDOWN, "break": Section.BREAKDOWN,
    "a'": Section.A_RETURN, "a2": Section.A_RETURN, "a_return": Section.A_RETURN, "outro": Section.OUTRO,
}  # fmt: skip


def parse_layout(text: str) -> Layout:
    """Read sections separated by blanks or commas, each with its bars if wanted: `intro:4 A:16 B A' outro`.

    An A after the first one is its return. One section has one length, however often it comes.

    Raises:
        OrderError: a word is no section, a length is out of range, or there is nothing.
    """
    sections: list[Section] = []
    bars: dict[Section, int] = {}
    for word in text.replace(",", " ").replace("’", "'").split():
        section, length = _read(word)
        if section is Section.A and Section.A in sections:
            section = Section.A_RETURN
        if length and bars.get(section, 0) not in (0, length):
            raise OrderError(
                f"form {text!r}: {section.value} has {bars[section]} and {length} bars. Choose one length."
            )
        bars[section] = length or bars.get(section, 0)
        sections.append(section)
    if not 1 <= len(sections) <= MOST_SECTIONS:
        raise OrderError(f"form {text!r}: has {len(sections)} sections, must be 1 to {MOST_SECTIONS}.")
    return tuple((section, bars[section]) for section in sections)


def _read(word: str) -> tuple[Section, int]:
    match = re.fullmatch(r"([a-z][a-z_]*[2']?)(?::(\d{1,4}))?", word.lower())
    if match is None or match[1] not in _WORDS:
        raise OrderError(f"form: {word!r} is no section. Use intro, A, B, breakdown, A', outro; A:16 has 16 bars.")
    length = int(match[2] or 0)
    if match[2] is not None and not 1 <= length <= MOST_BARS:
        raise OrderError(f"form: {word!r} has {length} bars, must be 1 to {MOST_BARS}.")
    return _WORDS[match[1]], length


def drawn_lengths(layout: Layout, mood: Mood, rng: np.random.Generator) -> tuple[int, ...]:
    """Return the bars of each section: those asked for, the others grown until the piece has a length of the mood."""
    free = [section for section in dict.fromkeys(section for section, _ in layout) if not dict(layout)[section]]
    bars = {section: length or SHORTEST[section] for section, length in layout}
    times = {section: sum(one is section for one, _ in layout) for section in bars}
    target = int(rng.integers(mood.piece_bars_low, mood.piece_bars_high + 1))
    while True:
        left = target - sum(bars[section] for section, _ in layout)
        open_to_more = [
            section
            for section in free
            if bars[section] + _STEP_BARS <= LONGEST[section] and times[section] * _STEP_BARS <= left
        ]
        if not open_to_more:
            return tuple(bars[section] for section, _ in layout)
        bars[open_to_more[int(rng.integers(len(open_to_more)))]] += _STEP_BARS
