"""Text into words: lower case, umlauts written either way, numbers in words, near misses. Knows nothing about music."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

LONGEST_TEXT = 500
"""Characters; more is no wish but an essay."""
_WORD = re.compile(
    r"[a-zäöüßéèàáíóúñç&]+(?:[-'’/][a-zäöüßéèàáíóúñç&]+)*|\d+(?:[.,]\d+)?(?:-(?:bit|\d+))?(?:/\d+)?|[,;:.!?\n()–—+&]"
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "à": "a", "’": "'"})
_SHORT, _LONG = 5, 8
"""A word of five letters may have one wrong, one of eight two."""
_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_GERMAN_UNITS = {
    "null": 0, "ein": 1, "eins": 1, "zwei": 2, "drei": 3, "vier": 4, "fuenf": 5, "sechs": 6, "sieben": 7, "acht": 8,
    "neun": 9, "zehn": 10,
}  # fmt: skip
_GERMAN_TENS = {
    "zwanzig": 20, "dreissig": 30, "vierzig": 40, "fuenfzig": 50, "sechzig": 60, "siebzig": 70, "achtzig": 80,
    "neunzig": 90,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, or a mark between words."""

    text: str
    """As it was written, in lower case."""
    plain: str
    """Umlauts in two letters."""

    @property
    def is_mark(self) -> bool:
        """Whether this is punctuation."""
        return not self.text[0].isalnum() and self.text != "&"


def plain(text: str) -> str:
    """Return lower case without umlauts and accents."""
    return text.lower().translate(_UMLAUTS)


def split(text: str) -> list[Word]:
    """Return the words and marks of a text."""
    return [Word(found, plain(found)) for found in _WORD.findall(text.lower().replace("'", "’").replace("’", "'"))]


def number_at(words: list[Word], place: int) -> tuple[float, int] | None:
    """Return the number that begins at a place, in digits or in words, and how many words it takes."""
    if place >= len(words):
        return None
    first = words[place].plain
    if re.fullmatch(r"\d+(?:[.,]\d+)?", first):
        return float(first.replace(",", ".")), 1
    tens, _, unit = first.partition("-")
    if tens in _TENS:
        if unit in _UNITS:
            return _TENS[tens] + _UNITS.index(unit), 1
        after = words[place + 1].plain if place + 1 < len(words) else ""
        return (_TENS[tens] + _UNITS.index(after), 2) if after in _UNITS[1:10] else (_TENS[tens], 1)
    if first in ("hundred", "hundert"):
        return 100, 1
    if first in ("one", "a") and place + 1 < len(words) and words[place + 1].plain == "hundred":
        rest = number_at(words, place + 3 if place + 2 < len(words) and words[place + 2].plain == "and" else place + 2)
        return (100 + rest[0], 2 + rest[1]) if rest and rest[0] < 100 else (100, 2)
    if first in _UNITS:
        return _UNITS.index(first), 1
    value = _german(first)
    return None if value is None else (value, 1)


def _german(word: str) -> float | None:
    if word.startswith("hundert"):
        return 100 + (_german(word[7:]) or 0)
    if word in _GERMAN_TENS:
        return _GERMAN_TENS[word]
    unit, _, tens = word.partition("und")
    if tens in _GERMAN_TENS and unit in _GERMAN_UNITS:
        return _GERMAN_TENS[tens] + _GERMAN_UNITS[unit]
    return _GERMAN_UNITS.get(word) if word not in ("ein", "null") else None


def near_miss(word: str, known: Collection[str]) -> str | None:
    """Return the one known word that a misspelt one was meant to be, or nothing where that is not plain."""
    if len(word) < _SHORT or not word.isalpha():
        return None
    allowed = 2 if len(word) >= _LONG else 1
    best: list[tuple[int, str]] = []
    for other in known:
        if abs(len(other) - len(word)) <= allowed and len(other) >= _SHORT - 1 and other[0] == word[0]:
            slips = _slips(word, other, allowed)
            if slips <= allowed:
                best.append((slips, other))
    return min(best)[1] if best else None


def _slips(one: str, other: str, most: int) -> int:
    """Count letters wrong, missing, too many or swapped with their neighbour (at most `most` + 1)."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[-1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
        if min(row) > most:
            return most + 1
    return last[-1]
