"""From bars in ticks to synthesiser events in frames. Knows nothing about sound, files or the time of day.

All arithmetic on time is integer. A bar begins on the 64-frame grid at the frame nearest to its exact place, counted
from where its tempo began, so an error of half a grid step (0.67 ms) never grows. Swing is one warp of time shared by
all parts, so parts that were together stay together.

Drums may be up to 6 ticks early. So that an early down-beat needs no knowledge of the next bar, everything sounds
`LOOKAHEAD_FRAMES` later than the bar's first frame: a constant, like the delay of any effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, cast

import numpy as np

from engine.moods import Mood
from engine.snapshot import generator_from_tree, generator_to_tree
from engine.types import (
    BEATS_PER_BAR,
    GRID_FRAMES,
    SAMPLE_RATE_HZ,
    TICKS_PER_BAR,
    TICKS_PER_BEAT,
    Bar,
    BarStart,
    NoteEvent,
    Part,
    SynthEvent,
    Tree,
)

LOOKAHEAD_FRAMES = 9600
"""Constant delay of all notes, 200 ms: 6 ticks at 50 bpm are 150 ms, the rest is for human timing."""

SNARES = frozenset((37, 38, 39, 40))
KICKS = frozenset((35, 36))
_EIGHTH_TICKS = TICKS_PER_BEAT // 2
_SHORTEST_NOTE_FRAMES = 30 * 64
_DRUM_HOLD_FRAMES = 375 * 64
"""Drums ring for at least 0.5 s; their recordings end by themselves."""


@dataclass(frozen=True, slots=True)
class _Stroke:
    """A note with its place in frames and the instrument it asked for."""

    frame: int
    part: Part
    key: int
    velocity: int
    off_frame: int
    bank: int
    program: int


@dataclass(slots=True)
class _Tempo:
    """A run of bars of one tempo."""

    millibpm: int = 0
    origin_frame: int = 0
    bars: int = 0

    def start_of(self, bars: int) -> int:
        """Grid frame of the bar that comes `bars` bars after the origin."""
        numerator = bars * BEATS_PER_BAR * 60 * SAMPLE_RATE_HZ * 1000
        step = GRID_FRAMES * self.millibpm
        return self.origin_frame + (2 * numerator + step) // (2 * step) * GRID_FRAMES


def warp_millis(tick: int, swing: float) -> int:
    """Place of a tick in thousandths of a tick once the off-beat sixteenths are swung; 0.5 leaves all as it is."""
    eighth, inside = divmod(tick, _EIGHTH_TICKS)
    share = round(swing * 1000)
    half = _EIGHTH_TICKS // 2
    late = max(inside - half, 0)
    warped = (inside - late) * 2 * share + late * 2 * (1000 - share)
    return eighth * _EIGHTH_TICKS * 1000 + warped


class Sequencer:
    """Places bars one after the other and their notes in frames."""

    def __init__(self, seed: int) -> None:
        self._rngs = {part: np.random.default_rng([seed, 7, i]) for i, part in enumerate(Part)}
        self._frame = 0
        self._tempo = _Tempo()
        self._waiting: list[_Stroke] = []
        self._offs: dict[tuple[Part, int], int] = {}
        self._programs: dict[Part, tuple[int, int]] = {}

    @property
    def frame(self) -> int:
        """First frame of the next bar."""
        return self._frame

    def sequence(self, bar: Bar, mood: Mood) -> tuple[BarStart, tuple[SynthEvent, ...]]:
        """Place the next bar; return where it lies and every event inside its window, in order."""
        start = BarStart(self._frame, self._advance(bar), bar)
        self._frame = start.frame + start.frames
        played = {part: list(self._play(start, [e for e in bar.events if e.part == part], mood)) for part in Part}
        start = replace(start, played=_places(start, played))
        strokes = self._waiting + [stroke for part in Part for stroke in played[part]]
        strokes.sort(key=lambda s: (s.frame, s.part, s.key))
        self._waiting = [s for s in strokes if s.frame >= self._frame]
        events = list(self._strike([s for s in strokes if s.frame < self._frame]))
        rank = {"program": 0, "off": 1, "on": 2}
        events.sort(key=lambda e: (e.frame, e.part, rank[e.kind], e.key))
        return start, tuple(events)

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "frame": self._frame,
            "tempo": [self._tempo.millibpm, self._tempo.origin_frame, self._tempo.bars],
            "waiting": [list(astuple(stroke)) for stroke in self._waiting],
            "offs": [[part, key, frame] for (part, key), frame in self._offs.items()],
            "programs": [[part, *program] for part, program in self._programs.items()],
            "rngs": {part.value: generator_to_tree(rng) for part, rng in self._rngs.items()},
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._frame = state["frame"]
        self._tempo = _Tempo(*state["tempo"])
        self._waiting = [_Stroke(frame, Part(part), *rest) for frame, part, *rest in state["waiting"]]
        self._offs = {(Part(part), key): frame for part, key, frame in state["offs"]}
        self._programs = {Part(part): (bank, program) for part, bank, program in state["programs"]}
        for part, rng in self._rngs.items():
            generator_from_tree(rng, state["rngs"][part.value])

    def _advance(self, bar: Bar) -> int:
        """Length of the bar in frames, a multiple of the grid."""
        millibpm = round(bar.bpm * 1000)
        if millibpm != self._tempo.millibpm:
            self._tempo = _Tempo(millibpm, self._frame)
        self._tempo.bars += 1
        return self._tempo.start_of(self._tempo.bars) - self._frame

    def _play(self, start: BarStart, notes: list[NoteEvent], mood: Mood) -> Iterator[_Stroke]:
        """Give one part's notes their frames."""
        previous_tick, voice, sway_ms = None, 0, 0.0
        for note in notes:
            if note.tick != previous_tick:
                previous_tick, voice = note.tick, 0
                sway_ms = self._sway_ms(note, mood)
            late_ms = sway_ms
            if note.part is Part.KEYS:
                late_ms += min(voice * 0.5 * mood.human_ms, 18.0)  # the hand rolls the chord a little
                voice += 1
            elif note.part is Part.DRUMS and note.pitch in SNARES:
                late_ms += mood.snare_late_ms
            on = self._place(start, note.tick, mood.swing, late_ms)
            off = self._place(start, note.tick + note.length_ticks, mood.swing, late_ms)
            shortest = _DRUM_HOLD_FRAMES if note.part is Part.DRUMS else _SHORTEST_NOTE_FRAMES
            yield _Stroke(
                on, note.part, note.pitch, note.velocity, max(off, on + shortest), *program_of(mood, note.part)
            )

    def _sway_ms(self, note: NoteEvent, mood: Mood) -> float:
        """Human timing of one onset, clipped at two standard deviations."""
        spread = {Part.KEYS: 1.0, Part.SECOND: 1.0, Part.BASS: 0.5, Part.DRUMS: 0.2}[note.part]
        noise = float(np.clip(self._rngs[note.part].standard_normal(), -2.0, 2.0))
        lag = 0.0 if note.part is Part.DRUMS else 0.5  # keys and bass lean back on the drums
        return mood.human_ms * spread * (noise + lag)

    @staticmethod
    def _place(start: BarStart, tick: int, swing: float, late_ms: float) -> int:
        exact = warp_millis(tick, swing) * start.frames // (TICKS_PER_BAR * 1000)
        late = round(late_ms * SAMPLE_RATE_HZ / 1000)
        inside = max(LOOKAHEAD_FRAMES + exact + late, 0)
        return start.frame + inside // GRID_FRAMES * GRID_FRAMES

    def _strike(self, strokes: list[_Stroke]) -> Iterator[SynthEvent]:
        """Turn strokes in order into events; a key struck again is released first."""
        struck: dict[tuple[Part, int], int] = {}
        for stroke in strokes:
            held = (stroke.part, stroke.key)
            if struck.get(held) == stroke.frame:
                continue
            struck[held] = stroke.frame
            program = (stroke.bank, stroke.program)
            if self._programs.get(stroke.part) != program:
                self._programs[stroke.part] = program
                yield SynthEvent(stroke.frame, "program", stroke.part, stroke.program, stroke.bank)
            if held in self._offs:
                yield SynthEvent(min(self._offs.pop(held), stroke.frame), "off", *held, 0)
            yield SynthEvent(stroke.frame, "on", *held, stroke.velocity)
            self._offs[held] = stroke.off_frame
        for held in [held for held, frame in self._offs.items() if frame < self._frame]:
            yield SynthEvent(self._offs.pop(held), "off", *held, 0)


def _places(start: BarStart, played: Mapping[Part, Sequence[_Stroke]]) -> tuple[tuple[int, int], ...]:
    """Where each event of the bar is struck and released, frames from the down-beat."""
    downbeat = start.frame + LOOKAHEAD_FRAMES
    turns = {part: iter(strokes) for part, strokes in played.items()}
    strokes = [next(turns[event.part]) for event in start.bar.events]
    return tuple((stroke.frame - downbeat, stroke.off_frame - downbeat) for stroke in strokes)


def program_of(mood: Mood, part: Part) -> tuple[int, int]:
    """Bank and program the mood gives to a part."""
    if part is Part.KEYS:
        return mood.keys_program
    if part is Part.BASS:
        return mood.bass_program
    return mood.second_program if part is Part.SECOND else (128, mood.drum_kit)
