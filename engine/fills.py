"""Fills: single sounds where a piece or a section begins, on bar lines or ending on them. Knows nothing about mixing.

What a fill is stands in its file's comment: `place=on` sounds on the down-beat, `place=before` ends on it;
`at=section` (or `piece`, or `end`) says of what; `bpm` and `onsets` (beats, separated by slashes) make it a drum fill:
it is cut at its onsets, and every stroke is put where the piece's tempo and swing want it, so that no pitch changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import numpy as np

from engine.errors import LoopError
from engine.filters import db_to_gain
from engine.loops import Loop, LoopLibrary
from engine.moods import Mood
from engine.sequencer import LOOKAHEAD_FRAMES, warp_millis
from engine.types import SAMPLE_RATE_HZ, TICKS_PER_BEAT, BarStart, FloatArray, Part, Section, Tree

NEEDLE = "needle"
"""Sounds where a piece begins, unless the mood has no vinyl."""
_NEEDLE_DB = 4.0
"""How much louder than the mood's fills."""
_END_SHARE = 0.4
"""Share of pieces whose end a fill marks."""
_FADE_FRAMES = 480
_KEPT_MAX = 8


class Fills:
    """Plays the needle when a piece begins, and leads over when a section does."""

    def __init__(self, mood: Mood, library: LoopLibrary, mix_lufs: float) -> None:
        self._library, self._mix_lufs = library, mix_lufs
        self._mood = mood
        self._piece: int | None = None
        self._playing: list[_Sounding] = []
        self._fitted: dict[tuple[str, int, float], FloatArray] = {}

    def apply(self, mood: Mood) -> None:
        """Take another mood's fills from the next bar on."""
        self._mood = mood

    def begin(self, start: BarStart) -> None:
        """Look at the bar that is about to sound."""
        bar, mood = start.bar, self._mood
        if bar.piece.number != self._piece:
            self._piece = bar.piece.number
            if mood.vinyl != self._library.NOTHING:
                self._add(NEEDLE, LOOKAHEAD_FRAMES, _NEEDLE_DB, start)
        if bar.next_section is bar.section:
            return
        rng = np.random.default_rng([bar.piece.seed, bar.piece_bar])
        ends = bar.next_section is None
        if ends and rng.random() >= _END_SHARE:
            return
        choice = self._choice("end" if ends else "section", start, rng)
        if choice:
            self._add(choice, start.frames + LOOKAHEAD_FRAMES, 0.0, start)

    def process(self, frames: int) -> FloatArray:
        """Return the next float32 [2, frames]."""
        out = np.zeros((2, frames), np.float32)
        still: list[_Sounding] = []
        for sounding in self._playing:
            name, millibpm, swing, at, gain = sounding
            sound = self._sound(name, millibpm, swing)
            wait = min(max(-at, 0), frames)
            piece = sound[:, max(at, 0) : max(at + frames, 0)]
            out[:, wait : wait + piece.shape[1]] += piece * np.float32(gain)
            if at + frames < sound.shape[1]:
                still.append((name, millibpm, swing, at + frames, gain))
        self._playing = still
        return out

    def snapshot(self) -> Tree:
        """Take the state."""
        return {"piece": self._piece, "playing": [list(sounding) for sounding in self._playing]}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._piece = state["piece"]
        self._playing = [(name, bpm, swing, at, gain) for name, bpm, swing, at, gain in state["playing"]]

    def _choice(self, at: str, start: BarStart, rng: np.random.Generator) -> str | None:
        """Choose one of the mood's fills that fits here."""
        drums = any(event.part is Part.DRUMS for event in start.bar.events)
        into_drums = start.bar.next_section not in (Section.BREAKDOWN, None)
        fit = []
        for loop in self._known(self._mood.fills):
            if loop.tags.get("at", "section") == at and ("onsets" not in loop.tags or (drums and into_drums)):
                fit.append(loop.name)
        return fit[int(rng.integers(len(fit)))] if fit else None

    def _known(self, names: Iterable[str]) -> Iterable[Loop]:
        """Fills that can be read; the station has told of the others."""
        for name in names:
            try:
                yield self._library.get("fills", name)
            except LoopError:
                continue

    def _add(self, name: str, line_frames: int, db: float, start: BarStart) -> None:
        """Have a fill sound on, or end on, the down-beat that is so many frames away."""
        for loop in self._known((name,)):
            millibpm = round(start.bar.bpm * 1000) if "onsets" in loop.tags else 0
            swing = self._mood.swing if millibpm else 0.5
            frames = 0
            if loop.tags.get("place") == "before":
                beats = loop.tags.get("beats")
                frames = round(float(beats) * 60_000 * SAMPLE_RATE_HZ / millibpm) if beats and millibpm else loop.frames
            gain = db_to_gain(self._mix_lufs + self._mood.fills_db + db - loop.loudness_lufs)
            self._playing.append((name, millibpm, swing, frames - line_frames, gain))

    def _sound(self, name: str, millibpm: int, swing: float) -> FloatArray:
        """Return a fill at a tempo; those of late are kept."""
        asked = (name, millibpm, swing)
        if asked not in self._fitted:
            for loop in self._known((name,)):
                if len(self._fitted) >= _KEPT_MAX:
                    del self._fitted[next(iter(self._fitted))]
                self._fitted[asked] = fit_to_tempo(loop, millibpm / 1000, swing) if millibpm else loop.sound
        return self._fitted.get(asked, np.zeros((2, 0), np.float32))


_Sounding = tuple[str, int, float, int, float]
"""Name, thousandths of a beat a minute (0: as it is), swing, frame of the sound that comes next, gain."""


def fit_to_tempo(loop: Loop, bpm: float, swing: float) -> FloatArray:
    """Put each stroke of a drum fill where a tempo and a swing want it; float32 [2, frames].

    A stroke that is longer than its new place rings on under the next one; one that is shorter ends with its own decay.
    """
    beats = [float(onset) for onset in loop.tags["onsets"].split("/")]
    cuts = [round(beat * 60 / float(loop.tags["bpm"]) * SAMPLE_RATE_HZ) for beat in beats]
    ends = [*cuts[1:], loop.frames]
    places = [_place(beat, bpm, swing) for beat in beats]
    sound = loop.sound
    out = np.zeros((2, max(place + end - cut for place, cut, end in zip(places, cuts, ends, strict=True))), np.float32)
    for place, cut, end in zip(places, cuts, ends, strict=True):
        stroke = sound[:, cut:end].copy()
        fade = min(_FADE_FRAMES, stroke.shape[1])
        stroke[:, stroke.shape[1] - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        out[:, place : place + stroke.shape[1]] += stroke
    return out


def _place(beat: float, bpm: float, swing: float) -> int:
    """Frame of a beat once its sixteenths are swung."""
    ticks = warp_millis(round(beat * TICKS_PER_BEAT), swing) / 1000
    return round(ticks / TICKS_PER_BEAT * 60 / bpm * SAMPLE_RATE_HZ)
