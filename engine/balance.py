"""How loud an instrument is by nature: each plays its part's standard phrase once. Knows nothing about the mix.

Instruments of one bank differ by 20 dB at the same velocity, and banks differ from each other; measured, a mood's
0 dB is an even mix with any of them.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.loudness import SILENT_LUFS, integrated_lufs
from engine.moods import Mood
from engine.sequencer import program_of
from engine.synth import PARTS, Synth
from engine.types import GRID_FRAMES, SAMPLE_RATE_HZ, Part, SynthEvent

ORDINARY_LUFS = -24.0
"""Taken for an instrument that makes no sound in its phrase."""

_BEAT_FRAMES = SAMPLE_RATE_HZ // 2 // GRID_FRAMES * GRID_FRAMES
_PHRASES: dict[Part, tuple[tuple[float, int, int], ...]] = {
    Part.KEYS: tuple((beat, key, 62) for beat in (0, 2) for key in (55, 59, 64, 69)),
    Part.DRUMS: (
        (0, 36, 92), (0, 42, 60), (0.5, 42, 45), (1, 38, 86), (1, 42, 60), (1.5, 42, 45), (2, 42, 60),
        (2.5, 36, 80), (2.5, 42, 45), (3, 38, 86), (3, 42, 60), (3.5, 42, 45),
    ),
    Part.BASS: ((0, 36, 74), (1.5, 36, 66), (2, 41, 74), (3.5, 43, 66)),
    Part.SECOND: ((0, 72, 64), (1, 76, 64), (2, 79, 64), (3, 74, 64)),
}  # fmt: skip
_PHRASE_BEATS = 4


class Balance:
    """Measures each instrument the first time it is asked for."""

    def __init__(self, make_synth: Callable[[], Synth]) -> None:
        self._make_synth = make_synth
        self._known: dict[tuple[Part, int, int], float] = {}

    def natures_lufs(self, mood: Mood) -> dict[Part, float]:
        """Loudness of each part's standard phrase with the mood's instruments."""
        return {part: self._of(part, *program_of(mood, part)) for part in PARTS}

    def _of(self, part: Part, bank: int, program: int) -> float:
        wanted = (part, bank, program)
        if wanted not in self._known:
            self._known[wanted] = self._measure(part, bank, program)
        return self._known[wanted]

    def _measure(self, part: Part, bank: int, program: int) -> float:
        events = [SynthEvent(0, "program", part, program, bank)]
        strokes = _PHRASES[part]
        for beat, key, velocity in strokes:
            following = [at for at, other, _ in strokes if at > beat and (part is Part.DRUMS) == (other == key)]
            until = min(following, default=_PHRASE_BEATS)
            events.append(SynthEvent(_frame(beat), "on", part, key, velocity))
            events.append(SynthEvent(_frame(until) - GRID_FRAMES, "off", part, key, 0))
        events.sort(key=lambda e: e.frame)
        synth = self._make_synth()
        try:
            sound = synth.render(events, _frame(_PHRASE_BEATS))[PARTS.index(part)]
        finally:
            synth.close()
        loudness = integrated_lufs(sound.T)
        return loudness if loudness > SILENT_LUFS else ORDINARY_LUFS


def _frame(beat: float) -> int:
    return round(beat * _BEAT_FRAMES) // GRID_FRAMES * GRID_FRAMES
