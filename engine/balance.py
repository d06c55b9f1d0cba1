"""How loud an instrument is by nature: each plays its part's standard phrase once. Knows nothing about the mix.

Instruments of one bank differ by 20 dB at the same velocity, and banks differ from each other; measured, a mood's
0 dB is an even mix with any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

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


@dataclass(frozen=True, slots=True)
class _Touch:
    """An instrument and how hard it is played."""

    part: Part
    bank: int
    program: int
    force: float


class Balance:
    """Measures each instrument the first time it is asked for."""

    def __init__(self, make_synth: Callable[[], Synth]) -> None:
        self._make_synth = make_synth
        self._keeper: Synth | None = None
        self._kept: set[tuple[Part, int, int]] = set()
        self._keeping = Lock()
        self._known: dict[_Touch, float] = {}

    def prepare(self, mood: Mood) -> None:
        """Keep a mood's instruments decoded and measured, so that it can begin without a wait; any thread may call.

        The grand piano of the small bank takes 1.1 s to decode, anything else at most 0.1 s; ten moods take 100 MB.
        """
        for part in PARTS:
            self._keep(part, *program_of(mood, part))
        self.natures_lufs(mood)

    def close(self) -> None:
        """Let go of the instruments."""
        with self._keeping:
            if self._keeper is not None:
                self._keeper.close()
                self._keeper = None

    def natures_lufs(self, mood: Mood) -> dict[Part, float]:
        """Loudness of each part's standard phrase with the mood's instruments."""
        return {part: self._of(_Touch(part, *program_of(mood, part), _force(part, mood))) for part in PARTS}

    def _keep(self, part: Part, bank: int, program: int) -> None:
        """Load an instrument into a synthesiser that never plays; two threads in one FluidSynth would wreck it."""
        with self._keeping:
            if (part, bank, program) in self._kept:
                return
            if self._keeper is None:
                self._keeper = self._make_synth()
            frame = len(self._kept) * GRID_FRAMES
            self._keeper.render([SynthEvent(frame, "program", part, program, bank)], GRID_FRAMES)
            self._kept.add((part, bank, program))

    def _of(self, touch: _Touch) -> float:
        if touch not in self._known:
            self._known[touch] = self._measure(touch)
        return self._known[touch]

    def _measure(self, touch: _Touch) -> float:
        part = touch.part
        events = [SynthEvent(0, "program", part, touch.program, touch.bank)]
        strokes = _PHRASES[part]
        for beat, key, velocity in strokes:
            following = [at for at, other, _ in strokes if at > beat and (part is Part.DRUMS) == (other == key)]
            until = min(following, default=_PHRASE_BEATS)
            events.append(SynthEvent(_frame(beat), "on", part, key, round(velocity * touch.force)))
            events.append(SynthEvent(_frame(until) - GRID_FRAMES, "off", part, key, 0))
        events.sort(key=lambda e: e.frame)
        synth = self._make_synth()
        try:
            sound = synth.render(events, _frame(_PHRASE_BEATS))[PARTS.index(part)]
        finally:
            synth.close()
        loudness = integrated_lufs(sound.T)
        return loudness if loudness > SILENT_LUFS else ORDINARY_LUFS


def _force(part: Part, mood: Mood) -> float:
    """How hard the mood has a part played, 1 for the usual mood."""
    return mood.velocity_scale / Mood("usual").velocity_scale if part in (Part.KEYS, Part.SECOND) else 1.0


def _frame(beat: float) -> int:
    return round(beat * _BEAT_FRAMES) // GRID_FRAMES * GRID_FRAMES
