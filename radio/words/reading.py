"""What was read of a text: exact wishes, and the rests of its clauses that may paint a picture.

Knows nothing about how a text is read (`reader.py`) or compared with scenes (`scenes.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from radio.words.spelling import Word
from radio.words.understanding import Wish


@dataclass(slots=True)
class Rest:
    """Words of a clause that may paint a picture."""

    words: list[Word] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    """Those whose musical sense was read already."""
    breaks: list[int] = field(default_factory=list)
    """Places of prepositions, where the picture may be cut."""

    def add(self, words: list[Word], *, cut: bool = False) -> None:
        """Add words whose musical sense is known, or that have none."""
        self.breaks += [len(self.words)] if cut else []
        self.words += words
        self.known |= {word.plain for word in words}


@dataclass(slots=True)
class Reading:
    """What was read of a text."""

    wishes: list[Wish] = field(default_factory=list)
    rests: list[Rest] = field(default_factory=lambda: [Rest()])
    refused: set[str] = field(default_factory=set)
    """Words of pictures that are not wanted (`no thunder`)."""
    notes: list[str] = field(default_factory=list)
    only: str = ""
    """The word that says that nothing else shall play."""
