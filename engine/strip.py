"""A channel strip: what one part goes through before the mix. Knows nothing about the other parts or the tape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from engine.effects import saturate
from engine.filters import Filter, Glide, LowPass, high_pass, shelf
from engine.leveller import Leveller
from engine.types import FloatArray, Part, Tree


@dataclass(frozen=True, slots=True)
class Tone:
    """What a part is by itself, whatever the mood. Set by the spectra of solo renders with MuseScore General."""

    high_pass_hz: float
    low_shelf: tuple[float, float]
    """Frequency in Hz and dB."""
    high_shelf: tuple[float, float]
    drive: float
    """Warmth: harmonics for instruments whose recordings have few."""
    room: float
    """How much goes to the room."""
    even_lufs: float
    """Loudness in the even mix."""
    memory_s: float = 25.0
    """Memory of the leveller, seconds of the part's own sound."""


TONES = {
    Part.KEYS: Tone(110.0, (300.0, -3.0), (900.0, 7.0), drive=0.8, room=1.0, even_lufs=-23.0),
    Part.DRUMS: Tone(42.0, (130.0, -4.0), (6000.0, -1.5), drive=0.6, room=0.35, even_lufs=-22.5),
    Part.BASS: Tone(38.0, (90.0, -2.0), (400.0, 4.0), drive=1.2, room=0.0, even_lufs=-26.5),
    Part.SECOND: Tone(160.0, (300.0, -2.0), (2000.0, 2.0), drive=0.3, room=1.2, even_lufs=-24.0, memory_s=3.0),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a mood asks of a strip."""

    trim: float
    """Brings the instrument to the ordinary level."""
    level: float
    """The part's place in the mix; 1 is even."""
    low_pass_hz: float


class Strip:
    """Trim, tone, warmth, low-pass, slow levelling and level of one part.

    The levelling makes up for players who hit softer or fill less in one mood than in another: without it a part
    stands up to 10 LU away from its place (measured with the models over ten moods).
    """

    def __init__(self, tone: Tone, setting: Setting) -> None:
        self._trim, self._level = Glide(setting.trim), Glide(setting.level)
        self._tone = Filter(
            high_pass(tone.high_pass_hz), shelf(*tone.low_shelf, high=False), shelf(*tone.high_shelf, high=True)
        )
        self._drive = tone.drive
        self._low_pass = LowPass(setting.low_pass_hz)
        self._leveller = Leveller(tone.even_lufs, tone.memory_s)
        self.mended = 0
        """Blocks that were silenced because they held something that is no number."""

    @property
    def loudness_lufs(self) -> float:
        """Loudness of what came out, the last 3 s counting most."""
        return self._leveller.loudness_lufs + 20.0 * float(np.log10(max(self._level.goal, 1e-6)))

    def aim(self, setting: Setting) -> None:
        """Glide to another setting."""
        self._trim.aim(setting.trim)
        self._level.aim(setting.level)
        self._low_pass.aim(setting.low_pass_hz)

    def process(self, sound: FloatArray) -> FloatArray:
        """Process a bar, float32 [2, frames]."""
        if not np.isfinite(sound.sum(dtype=np.float64)):
            sound = np.zeros_like(sound)
            self.mended += 1
        frames = sound.shape[1]
        sound = self._tone.process(sound * self._trim.take(frames))
        sound = self._low_pass.process(saturate(sound, self._drive))
        return self._leveller.process(sound) * self._level.take(frames)

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "trim": self._trim.snapshot(),
            "level": self._level.snapshot(),
            "leveller": self._leveller.snapshot(),
            "tone": self._tone.snapshot(),
            "low_pass": self._low_pass.snapshot(),
            "mended": self.mended,
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._trim.restore(state["trim"])
        self._level.restore(state["level"])
        self._leveller.restore(state["leveller"])
        self._tone.restore(state["tone"])
        self._low_pass.restore(state["low_pass"])
        self.mended = state["mended"]
