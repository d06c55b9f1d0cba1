"""Fills: single sounds on bar lines, where a piece or a section begins. Knows nothing about notes or moods."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from engine.errors import LoopError
from engine.filters import db_to_gain
from engine.loops import LoopLibrary
from engine.sequencer import LOOKAHEAD_FRAMES
from engine.types import Bar, FloatArray, Tree

PIECE_FILL, SECTION_FILL = "needle", "sweep"
_LEVELS_DB = {PIECE_FILL: -13.0, SECTION_FILL: -19.0}
"""Loudness relative to the mix."""


class Fills:
    """Plays the needle when a piece begins and a breath when a section does."""

    def __init__(self, library: LoopLibrary, mix_lufs: float) -> None:
        self._sounds = {name: _load(library, name, mix_lufs + level) for name, level in _LEVELS_DB.items()}
        self._place: tuple[int, str] | None = None
        self._playing: list[tuple[str, int]] = []

    def begin(self, bar: Bar) -> None:
        """Look at the bar that is about to sound."""
        place = (bar.piece.number, bar.section.value)
        if self._place is None or place[0] != self._place[0]:
            self._playing.append((PIECE_FILL, -LOOKAHEAD_FRAMES))
        elif place != self._place:
            self._playing.append((SECTION_FILL, -LOOKAHEAD_FRAMES))
        self._place = place

    def process(self, frames: int) -> FloatArray:
        """Return the next float32 [2, frames]."""
        out = np.zeros((2, frames), np.float32)
        still: list[tuple[str, int]] = []
        for name, at in self._playing:
            sound = self._sounds[name]
            wait = min(max(-at, 0), frames)
            piece = sound[:, max(at, 0) : max(at + frames, 0)]
            out[:, wait : wait + piece.shape[1]] += piece
            if at + frames < sound.shape[1]:
                still.append((name, at + frames))
        self._playing = still
        return out

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "place": list(self._place) if self._place else None,
            "playing": [[name, at] for name, at in self._playing],
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._place = tuple(state["place"]) if state["place"] else None
        self._playing = [(name, at) for name, at in state["playing"]]


def _load(library: LoopLibrary, name: str, level_lufs: float) -> FloatArray:
    """Read a fill at its level; a fill that is missing is silent, the station has told of it."""
    try:
        fill = library.get("fills", name)
    except LoopError:
        return np.zeros((2, 0), np.float32)
    return fill.samples * np.float32(db_to_gain(level_lufs - fill.loudness_lufs))
