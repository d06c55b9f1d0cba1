"""A channel strip: what one part goes through before the mix. Knows nothing about the other parts or the tape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from engine.effects import saturate
from engine.filters import Filter, Glide, LowPass, high_pass, shelf
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


TONES = {
    Part.KEYS: Tone(110.0, (300.0, -3.0), (900.0, 7.0), 0.8, 1.0),
    Part.DRUMS: Tone(42.0, (130.0, -4.0), (5000.0, 2.0), 0.3, 0.35),
    Part.BASS: Tone(38.0, (90.0, -2.0), (400.0, 4.0), 1.2, 0.0),
    Part.SECOND: Tone(160.0, (300.0, -2.0), (2000.0, 2.0), 0.3, 1.2),
}


class Strip:
    """Gain, tone, warmth and low-pass of one part."""

    def __init__(self, tone: Tone, gain: float, low_pass_hz: float) -> None:
        self._gain = Glide(gain)
        self._tone = Filter(
            high_pass(tone.high_pass_hz), shelf(*tone.low_shelf, high=False), shelf(*tone.high_shelf, high=True)
        )
        self._drive = tone.drive
        self._low_pass = LowPass(low_pass_hz)
        self.mended = 0
        """Blocks that were silenced because they held something that is no number."""

    def aim(self, gain: float, low_pass_hz: float) -> None:
        """Glide to another gain and cut-off."""
        self._gain.aim(gain)
        self._low_pass.aim(low_pass_hz)

    def process(self, sound: FloatArray) -> FloatArray:
        """Process float32 [2, frames]."""
        if not np.isfinite(sound.sum(dtype=np.float64)):
            sound = np.zeros_like(sound)
            self.mended += 1
        sound = self._tone.process(sound * self._gain.take(sound.shape[1]))
        return self._low_pass.process(saturate(sound, self._drive))

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "gain": self._gain.snapshot(),
            "tone": self._tone.snapshot(),
            "low_pass": self._low_pass.snapshot(),
            "mended": self.mended,
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._gain.restore(state["gain"])
        self._tone.restore(state["tone"])
        self._low_pass.restore(state["low_pass"])
        self.mended = state["mended"]
