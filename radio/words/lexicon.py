"""The words that are read exactly, from lexicon.yaml and small_words.yaml. Knows nothing about sentences or moods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from radio.words.spelling import Word, plain, split

FOLDER = Path(__file__).parent
LONGEST_PHRASE = 5
"""Words in the longest entry."""


@dataclass(frozen=True, slots=True)
class Term:
    """What an entry of the lexicon means."""

    turns: Mapping[str, float] = field(default_factory=dict)
    does: tuple[str, Any] | None = None
    """What else it asks for: (`layer`, `rain`), (`part`, `drums`), (`chords`, (0, 4)) …"""
    kinds: Mapping[str, float] = field(default_factory=dict)
    """What it says of a part beside it: loud, busy, bright."""
    relative: bool = False
    noun: bool = False
    """Whether it names a scale (`tempo`) and not a place on it (`slow`)."""
    scene: bool = False
    """Whether it paints a picture, too."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All entries by their words, umlauts in two letters."""

    terms: Mapping[str, Term]
    small: Mapping[str, Mapping[str, float]]
    """Kind of small word → words → its number (1 where it has none)."""

    def find(self, words: list[Word], place: int) -> tuple[str, str, int] | None:
        """Return kind, phrase and length of the longest entry that begins at a place."""
        for length in range(min(LONGEST_PHRASE, len(words) - place), 0, -1):
            some = words[place : place + length]
            if any(word.is_mark for word in some):
                continue
            phrase = " ".join(word.plain for word in some)
            kind = self.kind_of(phrase)
            if kind is not None:
                return kind, phrase, length
        return None

    def kind_of(self, phrase: str) -> str | None:
        """Return `term` or the kind of small word that a phrase is; None for no entry."""
        if phrase in self.terms:
            return "term"
        return next((kind for kind, words in self.small.items() if phrase in words), None)

    def telling_words(self) -> set[str]:
        """Return every word of a term: what a misspelt word may have been meant to be."""
        return {word for phrase in self.terms for word in phrase.split()}

    def small_words(self) -> set[str]:
        """Return every word that steers others or says nothing."""
        return {word for words in self.small.values() for phrase in words for word in phrase.split()}


@cache
def lexicon() -> Lexicon:
    """Read the lexicon, once."""
    terms: dict[str, Term] = {}
    for entry in read("lexicon.yaml"):
        term = _term(entry)
        for words in entry["words"]:
            terms.setdefault(key_of(words), term)
    small: dict[str, dict[str, float]] = {}
    for kind, words in read("small_words.yaml").items():
        pairs = words.items() if isinstance(words, Mapping) else ((word, 1.0) for word in words)
        small[kind] = {key_of(word): float(number) for word, number in pairs}
    return Lexicon(terms, small)


def read(name: str) -> Any:  # noqa: ANN401 - a tree of strings
    """Read one of our tables; every leaf is text, so that `no` and `on` stay words."""
    return yaml.load((FOLDER / name).read_text(encoding="utf-8"), yaml.BaseLoader)


def key_of(phrase: str) -> str:
    """Return a phrase as the reader sees it."""
    return " ".join(word.plain for word in split(phrase)) or plain(phrase)


def numbers(tree: Mapping[str, str] | None) -> dict[str, float]:
    """Return a table's numbers."""
    return {name: float(number) for name, number in (tree or {}).items()}


_PROGRAMS = ("chords", "tune", "low")


def _term(entry: Mapping[str, Any]) -> Term:
    does: tuple[str, Any] | None = None
    for kind in ("part", "silent", "layer", "mode", "style", "kit", "cannot", "fine", *_PROGRAMS):
        if kind in entry:
            value = entry[kind]
            does = (kind, tuple(map(int, value)) if kind in _PROGRAMS else int(value) if kind == "kit" else value)
    turns = numbers(entry.get("turns")) | ({"vinyl": 1.0} if "vinyl" in entry else {})
    marks = {name: entry.get(name) == "true" for name in ("relative", "noun", "scene")}
    if "vinyl" in entry:
        does, marks["noun"] = ("vinyl", None), True
    return Term(turns, does, numbers(entry.get("kind")), **marks)
