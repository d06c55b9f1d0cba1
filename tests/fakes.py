"""Fakes that stand in for the world: they do the real thing's job in a simple way and remember what they were asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from engine.synth import PARTS
from engine.types import FloatArray, SynthEvent, Tree


class RecordingSynth:
    """A synthesiser that plays each stroke as 10 ms of a square wave and remembers every event."""

    RING_FRAMES = 512

    def __init__(self) -> None:
        self.events: list[SynthEvent] = []
        self.closed = False
        self._frame = 0
        self._rest = np.zeros((len(PARTS), 2, self.RING_FRAMES), np.float32)

    def render(self, events: Sequence[SynthEvent], frames: int) -> FloatArray:
        """Play the events of the next frames."""
        sound = np.zeros((len(PARTS), 2, frames + self.RING_FRAMES), np.float32)
        sound[:, :, : self.RING_FRAMES] = self._rest
        for event in events:
            assert self._frame <= event.frame < self._frame + frames, f"event outside the window: {event}"
            if event.kind == "on":
                at = event.frame - self._frame
                half = 8 + event.key
                wave = np.where(np.arange(self.RING_FRAMES) // half % 2, -1.0, 1.0) * event.value / 512.0
                sound[PARTS.index(event.part), :, at : at + self.RING_FRAMES] += wave.astype(np.float32)
        self.events += events
        self._rest = sound[:, :, frames:].copy()
        self._frame += frames
        return sound[:, :, :frames]

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"frame": self._frame, "rest": self._rest.copy()}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._frame, self._rest = state["frame"], state["rest"].copy()

    def close(self) -> None:
        """Remember that it was freed."""
        self.closed = True


class StillHand:
    """Stands in for a hand on a fader (leveller, evener) and never moves it."""

    gain_db = 0.0
    loudness_lufs = -23.0

    def process(self, bar):
        return bar

    def snapshot(self):
        return {}

    def restore(self, tree):
        assert tree == {}
