"""The bed under the music: vinyl, ambience, tape hiss; more where the music stops. Knows nothing about parts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import numpy as np

from engine.filters import Glide, db_to_gain
from engine.loops import OFF_DB, Layers, LoopLibrary
from engine.loudness import STEP_FRAMES, integrated_lufs
from engine.moods import Mood
from engine.types import SAMPLE_RATE_HZ, FloatArray, Section, Tree


class Bed:
    """Loops at their levels; they come forward in thin sections and take over when the music falls silent."""

    FLOOR_DB = -24.0
    """The sound never falls under about this level, relative to the mix's loudness: there is no dead air."""
    FORWARD_DB: Mapping[Section, float] = MappingProxyType(
        {Section.INTRO: 4.0, Section.B: -1.0, Section.BREAKDOWN: 4.0, Section.OUTRO: 3.0}
    )
    """How much the loops come forward in a section."""

    def __init__(self, mood: Mood, library: LoopLibrary, mix_lufs: float) -> None:
        self._mix_lufs = mix_lufs
        self._levels_db, self._forward_db = _levels(mood), 0.0
        self._vinyl = Layers(library, "vinyl", {mood.vinyl: mood.vinyl_db})
        self._ambience = Layers(library, "ambience", dict(mood.ambience))
        self._hiss = Hiss()
        self._hiss_gain = Glide(db_to_gain(mood.hiss_db))
        self._lift = Lift(mix_lufs + self.FLOOR_DB)

    def apply(self, mood: Mood) -> None:
        """Cross over to another mood."""
        self._levels_db = _levels(mood)
        self._hiss_gain.aim(db_to_gain(mood.hiss_db))
        self._aim()

    def begin(self, section: Section) -> None:
        """Come forward or step back for a section."""
        self._forward_db = self.FORWARD_DB.get(section, 0.0)
        self._aim()

    def process(self, music: FloatArray) -> FloatArray:
        """Return the bed, float32 [2, frames], that goes with the music."""
        frames = music.shape[1]
        bed = self._vinyl.take(frames, self._mix_lufs)
        bed += self._ambience.take(frames, self._mix_lufs)
        bed += self._hiss.take(frames, self._mix_lufs) * self._hiss_gain.take(frames)
        return self._lift.process(music, bed)

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "vinyl": self._vinyl.snapshot(),
            "ambience": self._ambience.snapshot(),
            "hiss": self._hiss.snapshot(),
            "hiss_gain": self._hiss_gain.snapshot(),
            "levels_db": [list(level) for level in self._levels_db],
            "forward_db": self._forward_db,
            "lift": self._lift.snapshot(),
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._vinyl.restore(state["vinyl"])
        self._ambience.restore(state["ambience"])
        self._hiss.restore(state["hiss"])
        self._hiss_gain.restore(state["hiss_gain"])
        self._levels_db = [(kind, name, db) for kind, name, db in state["levels_db"]]
        self._forward_db = state["forward_db"]
        self._lift.restore(state["lift"])

    def _aim(self) -> None:
        for kind, layers, share in (("vinyl", self._vinyl, 0.5), ("ambience", self._ambience, 1.0)):
            levels_db = {name: db for of, name, db in self._levels_db if of == kind}
            by_db = share * self._forward_db
            layers.aim({name: db if db <= OFF_DB else db + by_db for name, db in levels_db.items()})


def _levels(mood: Mood) -> list[tuple[str, str, float]]:
    """Kind, name and level of every loop of a mood."""
    return [("vinyl", mood.vinyl, mood.vinyl_db), *(("ambience", name, db) for name, db in mood.ambience)]


class Hiss:
    """The noise of a tape: a circle of noise, rising towards the treble, read at the absolute frame."""

    _FRAMES = 2**19
    _SEED = 4

    def __init__(self) -> None:
        rng = np.random.default_rng(self._SEED)
        hz = np.fft.rfftfreq(self._FRAMES, 1 / SAMPLE_RATE_HZ)
        shape = (hz > 40) * (0.15 + hz / (hz + 2500)) / (1 + (hz / 9000) ** 4)
        turns = rng.random((2, len(hz)))
        noise = np.fft.irfft(shape * np.exp(2j * np.pi * turns), self._FRAMES, axis=1).astype(np.float32)
        self._noise = noise * np.float32(db_to_gain(-integrated_lufs(noise.T)))
        self._frame = 0

    def take(self, frames: int, level_lufs: float) -> FloatArray:
        """Return the next float32 [2, frames] at a loudness."""
        places = np.arange(self._frame, self._frame + frames) % self._FRAMES
        self._frame += frames
        return cast(FloatArray, np.take(self._noise, places, axis=1) * np.float32(db_to_gain(level_lufs)))

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"frame": self._frame}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        self._frame = cast(int, tree["frame"])


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
