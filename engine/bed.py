"""The bed under the music: vinyl and ambience, and more of them where the music stops. Knows nothing about parts."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from engine.filters import Glide, db_to_gain
from engine.loops import LoopLibrary, LoopPlayer
from engine.loudness import STEP_FRAMES
from engine.moods import Mood
from engine.types import FloatArray, Tree


class Bed:
    """Both loops at their levels; they take over from the music when it falls silent."""

    FLOOR_DB = -24.0
    """The sound never falls under about this level, relative to the mix's loudness: there is no dead air."""

    def __init__(self, mood: Mood, library: LoopLibrary, mix_lufs: float) -> None:
        self._mix_lufs = mix_lufs
        self._vinyl = LoopPlayer(library, "vinyl", mood.vinyl)
        self._ambience = LoopPlayer(library, "ambience", mood.ambience)
        self._vinyl_gain = Glide(db_to_gain(mood.vinyl_db))
        self._ambience_gain = Glide(db_to_gain(mood.ambience_db))
        self._lift = Lift(mix_lufs + self.FLOOR_DB)

    def apply(self, mood: Mood) -> None:
        """Glide to another mood."""
        self._vinyl_gain.aim(db_to_gain(mood.vinyl_db))
        self._ambience_gain.aim(db_to_gain(mood.ambience_db))
        self._vinyl.aim(mood.vinyl)
        self._ambience.aim(mood.ambience)

    def process(self, music: FloatArray) -> FloatArray:
        """Return the bed, float32 [2, frames], that goes with the music."""
        frames = music.shape[1]
        bed = self._vinyl.take(frames, self._mix_lufs) * self._vinyl_gain.take(frames)
        bed += self._ambience.take(frames, self._mix_lufs) * self._ambience_gain.take(frames)
        return self._lift.process(music, bed)

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "vinyl": self._vinyl.snapshot(),
            "ambience": self._ambience.snapshot(),
            "vinyl_gain": self._vinyl_gain.snapshot(),
            "ambience_gain": self._ambience_gain.snapshot(),
            "lift": self._lift.snapshot(),
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._vinyl.restore(state["vinyl"])
        self._ambience.restore(state["ambience"])
        self._vinyl_gain.restore(state["vinyl_gain"])
        self._ambience_gain.restore(state["ambience_gain"])
        self._lift.restore(state["lift"])


class Lift:
    """Brings the bed up where the music stops: there is never dead air.

    Works in steps of 100 ms at absolute frames; what one step holds decides the level at the end of the next.
    """

    _RISE, _FALL = 0.5, 0.15
    _MOST_DB = 30.0

    def __init__(self, floor_dbfs: float) -> None:
        self._floor = 10.0 ** (floor_dbfs / 10.0)
        self._from = self._to = 1.0
        self._music: FloatArray = np.zeros(0, np.float32)
        self._bed: FloatArray = np.zeros(0, np.float32)

    def process(self, music: FloatArray, bed: FloatArray) -> FloatArray:
        """Return the bed at the level the music asks for."""
        frames = bed.shape[1]
        gains = np.empty(frames, np.float32)
        done = 0
        while done < frames:
            at = len(self._bed)
            span = slice(done, done + min(STEP_FRAMES - at, frames - done))
            share = np.arange(at, at + span.stop - span.start) / STEP_FRAMES
            gains[span] = self._from + (self._to - self._from) * share
            self._music = np.concatenate([self._music, np.square(music[:, span]).mean(axis=0)])
            self._bed = np.concatenate([self._bed, np.square(bed[:, span]).mean(axis=0)])
            if len(self._bed) == STEP_FRAMES:
                self._move()
            done = span.stop
        return bed * gains

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"from": self._from, "to": self._to, "music": self._music.copy(), "bed": self._bed.copy()}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._from, self._to = state["from"], state["to"]
        self._music, self._bed = state["music"].copy(), state["bed"].copy()

    def _move(self) -> None:
        music, bed = float(self._music.mean()), float(self._bed.mean())
        missing = max(self._floor - music, 0.0)
        wanted = min(max(np.sqrt(missing / max(bed, 1e-12)), 1.0), db_to_gain(self._MOST_DB))
        speed = self._RISE if wanted > self._to else self._FALL
        self._from, self._to = self._to, self._to + (wanted - self._to) * speed
        self._music, self._bed = self._music[:0], self._bed[:0]
