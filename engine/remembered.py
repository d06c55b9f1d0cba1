"""What was played within the last day, so that it is not played again. Knows nothing about how music comes about.

Bounded: 1,500 pieces are a day even of the shortest and fastest ones, 16,384 bars a day of ordinary ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast
from zlib import crc32

import numpy as np

from engine import titles
from engine.harmony import PROGRESSIONS
from engine.types import Tree

PIECES = 1500
BARS = 16_384
_LOOPS = {name: number for number, name in enumerate(sorted(PROGRESSIONS))}
_UNKNOWN_LOOP = 255


@dataclass(frozen=True, slots=True)
class PieceMark:
    """What tells one piece from another at once."""

    title: str
    key: int
    """Pitch class of the tonic, C = 0."""
    minor: bool
    bpm: float
    loop: str = ""
    """Name of the chord loop of its first theme; empty where nobody wrote it down."""


class PieceMemory:
    """The pieces of the last day: titles, and combinations of key, mode, tempo and chord loop."""

    def __init__(self, heard: Iterable[PieceMark] = ()) -> None:
        self._titles: deque[int] = deque(maxlen=PIECES)
        self._kinds: deque[int] = deque(maxlen=PIECES)
        for mark in heard:
            self.add(mark)

    def __len__(self) -> int:
        return len(self._titles)

    def add(self, mark: PieceMark) -> None:
        """Remember a piece that begins."""
        self._titles.append(titles.number_of(mark.title))
        self._kinds.append(_kind(mark))

    def knows_title(self, title: str) -> bool:
        """Tell whether a piece of the last day had this title."""
        return titles.number_of(title) in self._titles

    def age_of(self, mark: PieceMark) -> int:
        """Return how many pieces ago key, mode, tempo and loop were these; beyond the memory if never."""
        kind = _kind(mark)
        for age, known in enumerate(reversed(self._kinds), start=1):
            if known == kind:
                return age
        return PIECES + 1

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"titles": np.array(self._titles, np.int32), "kinds": np.array(self._kinds, np.int32)}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._titles = deque(map(int, state["titles"]), maxlen=PIECES)
        self._kinds = deque(map(int, state["kinds"]), maxlen=PIECES)


class BarMemory:
    """Bars of earlier pieces by a fingerprint of their onsets, as written: another key does not hide a copy.

    A bar has at most 10 onsets, so a run of 24 notes or more contains a whole bar: it cannot come back while none does.
    """

    def __init__(self) -> None:
        self._ring = np.zeros(BARS, np.uint32)
        self._next = 0
        self._known: dict[int, int] = {}
        self._piece: set[int] = set()

    def knows(self, onsets: Iterable[tuple[int, int]]) -> bool:
        """Tell whether an earlier piece had a bar with just these onsets (tick, pitch as written)."""
        return _fingerprint(onsets) in self._known

    def add(self, onsets: Iterable[tuple[int, int]]) -> None:
        """Remember a bar of the piece now playing; it counts as known once the piece is over."""
        self._piece.add(_fingerprint(onsets))

    def end_piece(self) -> None:
        """Take the bars of the piece into memory."""
        for mark in sorted(self._piece):
            place = self._next % BARS
            old = int(self._ring[place])
            if self._next >= BARS:
                self._known[old] -= 1
                if not self._known[old]:
                    del self._known[old]
            self._ring[place] = mark
            self._known[mark] = self._known.get(mark, 0) + 1
            self._next += 1
        self._piece.clear()

    def snapshot(self) -> Tree:
        """Take the state."""
        kept = min(self._next, BARS)
        return {"ring": self._ring[:kept].copy(), "next": self._next, "piece": sorted(self._piece)}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        kept = np.asarray(state["ring"], np.uint32)
        self._ring = np.zeros(BARS, np.uint32)
        self._ring[: len(kept)] = kept
        self._next = int(state["next"])
        self._known = {}
        for mark in kept:
            self._known[int(mark)] = self._known.get(int(mark), 0) + 1
        self._piece = set(map(int, state["piece"]))


def _kind(mark: PieceMark) -> int:
    loop = _LOOPS.get(mark.loop, _UNKNOWN_LOOP)
    return ((mark.key * 2 + mark.minor) * 256 + round(mark.bpm)) * 256 + loop


def _fingerprint(onsets: Iterable[tuple[int, int]]) -> int:
    return crc32(np.array(sorted(onsets), np.int16).tobytes())
