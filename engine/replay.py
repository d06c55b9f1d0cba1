"""Plays bars that were written down again, from the state in which the sound was then.

Knows nothing about where bars and states are kept. Notes come from the caller; of a snapshot only what the sound
depends on is needed, 16 kB instead of 1 MB: everything but the composer, and for those who can play one bar more before
what they want to hear, without the tail of the room.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self, cast

import numpy as np

from engine.assets import bank_asset, loop_assets
from engine.banks import find_banks
from engine.errors import SnapshotError
from engine.mood import Mood
from engine.snapshot import pack, unpack
from engine.station import Station
from engine.station_setup import StationSetup
from engine.synth import FluidSynth
from engine.turn import End
from engine.types import AudioBlock, Bar, FloatArray, Tree

SETTLED_FRAMES = 14_400
"""So long after a state without the room's tail the sound is what it was."""

_METERED = ("held", "music", "bed")
"""What meters keep of a step that is not whole yet: squares, of which they take the mean."""


class ReplayStation(Station):
    """A station whose bars are given to it one by one."""

    @classmethod
    def build(cls, setup: StationSetup) -> Self:
        """Make one with the setup's sound bank and loops; its models are not needed."""
        banks = find_banks(setup.soundfont)
        station = cls(setup, Script(), lambda: FluidSynth(*banks))
        station.assets = (*map(bank_asset, banks), *loop_assets(station._studio.loop_paths()))
        return station

    def play(self, bar: Bar, mood: Mood) -> AudioBlock:
        """Return the sound of the next bar, played with a mood's numbers; the block's frames count as the state's."""
        cast(Script, self._composer).bar = bar
        if mood != self._studio.mood:
            self._studio.play_by(mood)
        self._render_next()
        assert self._start is not None
        self._taken = len(self._sound)
        self._sound.setflags(write=False)
        return AudioBlock(self._start.frame, self._sound, (self._start,))

    @property
    def apart(self) -> Mapping[str, FloatArray]:
        """The parts of the bar played last, float32 [frames, 2] each, where the setup asks for stems."""
        return self._studio.apart

    def resume(self, state: bytes) -> None:
        """Go back to a state that `sound_state` made; raise SnapshotError when it cannot be read."""
        try:
            data = zlib.decompress(state)
        except zlib.error as problem:
            raise SnapshotError(f"The state is damaged ({problem}; {len(state)} bytes).") from problem
        self.restore(data)

    def _take_mood(self) -> None:
        """Leave it to who gives the bars."""


class Script:
    """A composer that writes what it is told."""

    piece_begins = False

    def __init__(self) -> None:
        self.bar: Bar | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Bar:
        """Return the bar that was given."""
        if self.bar is None:
            raise StopIteration
        bar, self.bar = self.bar, None
        return bar

    def apply(self, mood: Mood) -> None:
        """Need nothing."""

    def follow(self, mood: Mood) -> None:
        """Need nothing."""

    def end_piece(self, how: End) -> None:
        """Leave it to who gives the bars."""

    def snapshot(self) -> Tree:
        """Remember nothing."""
        return {}

    def restore(self, tree: Tree) -> None:
        """Need nothing."""


def sound_state(snapshot: bytes, *, whole: bool) -> bytes:
    """Take out of a station's snapshot what its sound depends on, compressed.

    Args:
        snapshot: a station's, taken at a bar line.
        whole: keep the room's tail (115 kB) too, for sound that must be right from the first frame on.

    Raises:
        SnapshotError: it cannot be read, or was taken inside a bar.
    """
    tree = cast(dict[str, Any], unpack(snapshot))
    if tree.get("taken") or not isinstance(tree.get("bar"), dict):
        raise SnapshotError("The snapshot was taken inside a bar; the sound can be taken up at bar lines alone.")
    bar = _evened(tree["bar"] | {"composer": {}})
    if not whole:
        room = {"rest": np.zeros_like(bar["mixer"]["room"]["rest"])}
        bar["mixer"] = bar["mixer"] | {"room": room}
    return zlib.compress(pack({"bar": bar, "taken": 0, "next_mood": None}), 6)


def _evened(tree: dict[str, Any]) -> dict[str, Any]:
    """Fill what the meters hold of an unfinished step of 100 ms with its mean: only the mean is ever used.

    Up to 0.2 MB of noise that does not compress becomes nothing, and the sound stays within its rounding (-220 dB).
    """
    return {key: _evened(value) if isinstance(value, dict) else _even(key, value) for key, value in tree.items()}


def _even(key: str, value: object) -> object:
    if key not in _METERED or not isinstance(value, np.ndarray) or value.size == 0:
        return value
    return np.broadcast_to(value.mean(axis=-1, keepdims=True, dtype=np.float64), value.shape).astype(value.dtype)


def numbered(bar: Bar, piece: int) -> Bar:
    """The bar with its piece counted as the engine that played it did: sounds that mark a new piece look at it."""
    return replace(bar, piece=replace(bar.piece, number=piece))
