"""What the drum model may say next: the rules of a bar of drums. Knows nothing about models or chances.

Positions are 6 ticks later than they sound (`tokens.DRUM_WINDOW_TICKS`), so sixteenth k stands at 12 k + 6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine import tokens
from engine.sampling import BoolArray
from engine.types import TICKS_PER_BAR, FloatArray

KICK, RIM, SNARE = 36, 37, 38
TOMS = (43, 47, 50)
HATS = (42, 44, 46)
OPEN_HAT = 46
CRASH, RIDE = 49, 51
BACKBEAT_STEPS = (4, 12)
"""Sixteenths of beats 2 and 4."""
STEP_TICKS = 12
_SLACK_TICKS = 3
"""How far a hit may stand from its sixteenth: wider, and timing blurs (spread 1.7 ticks against 1.0)."""
ACCENT_BIN = 8
"""A stroke of this bin or more is heard as a beat (at least velocity 44); below it, as a ghost."""
GHOST_STEPS = (3, 6, 7, 9, 10, 14, 15)
"""Sixteenths where ghost notes lead to or away from the backbeat."""
_GHOST_LEAN, _STEP_LEAN = 6.0, 1.6
"""Nats: the model plays 1-2 % of its snare strokes as ghosts, people 18-35 %."""
_DISTANCE = np.abs(np.arange(TICKS_PER_BAR) % STEP_TICKS - tokens.DRUM_WINDOW_TICKS)
_NEAR_GRID: BoolArray = _DISTANCE <= _SLACK_TICKS
_NEAR_GRID.setflags(write=False)
_GHOST_TICKS: BoolArray = _NEAR_GRID & np.isin(np.arange(TICKS_PER_BAR) // STEP_TICKS, GHOST_STEPS)
_GHOST_TICKS.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Hit:
    """One stroke; `tick` is the position as written, 6 ticks after it sounds."""

    tick: int
    pitch: int
    velocity_bin: int

    @property
    def step(self) -> int:
        """The nearest sixteenth, 0-15."""
        return min(round((self.tick - tokens.DRUM_WINDOW_TICKS) / STEP_TICKS), 15)


@dataclass(frozen=True, slots=True)
class BeatRules:
    """What is settled about a bar of drums before its first token."""

    density: int
    backbeat: int = SNARE
    """The drum of beats 2 and 4, snare or rim; the other one rests, but ghost notes are the snare's."""
    resting: frozenset[int] = frozenset()
    """Drums that may not be struck."""
    fill: bool = False
    """Whether the backbeat's drum may be loud anywhere; in a beat it only whispers between 2 and 4."""
    ghosts: int = 0
    """How many ghost notes the bar leans towards."""

    @property
    def most_hits(self) -> int:
        """The cap of the density bucket; ghost notes come on top."""
        return tokens.DRUM_DENSITY_LIMITS[min(self.density, 6)] + 1 + self.ghosts

    @property
    def fewest_hits(self) -> int:
        """How many hits the bar needs before it may end."""
        return max(4, tokens.DRUM_DENSITY_LIMITS[self.density - 1] * 3 // 4)

    @property
    def kit(self) -> tuple[int, ...]:
        """Drums that may be struck."""
        resting = ({RIM, SNARE} - {self.backbeat, SNARE if self.ghosts else self.backbeat}) | self.resting
        return tuple(pitch for pitch in tokens.DRUM_PITCHES if pitch not in resting)


class BeatGrammar:
    """Follows one bar of drums, token by token; the kick is always on 1, the backbeat on 2 and 4."""

    def __init__(self, rules: BeatRules, size: int) -> None:
        self.done = False
        self.hits: list[Hit] = []
        self._rules, self._size = rules, size
        self._cursor = -1
        self._last_pitch = -1
        self._ghosts = 0
        self._due = [(0, KICK), *((step, rules.backbeat) for step in BACKBEAT_STEPS)]
        self._kit = np.zeros(tokens.PITCHES, np.bool_)
        self._kit[list(rules.kit)] = True

    def forced(self) -> int | None:
        """Return the token that must come now: none ever."""
        return None

    def allowed(self) -> BoolArray:
        """Return which tokens may come next, bool [vocabulary]."""
        allowed = np.zeros(self._size, np.bool_)
        due_tick, due_pitch = self._next_due()
        due_now = self._cursor >= 0 and abs(self._cursor - due_tick) <= _SLACK_TICKS
        if self._cursor >= 0 and (due_now or self._has_room()):
            pitches = self._kit & self._has_room()
            pitches[: self._last_pitch + 1] = False
            if not self._has_room(self._missing_ghosts):  # the rest is kept for ghost notes
                pitches &= np.arange(tokens.PITCHES) == (SNARE if self._on_ghost_step else -1)
            if due_now:  # nothing above the drum that is due before it is struck
                pitches[due_pitch:] = False
            notes = allowed[tokens.NOTE_BASE : tokens.MIDICOMPACT_SIZE].reshape(tokens.PITCHES, -1)
            notes[:, 1:] = pitches[:, np.newaxis]
            if not self._rules.fill:
                notes[[RIM, SNARE], ACCENT_BIN:] = False
            if due_now:
                notes[due_pitch, ACCENT_BIN:] = True
        if self._last_pitch >= 0 or self._cursor < 0:
            self._allow_time(allowed, due_tick, due_now)
        return allowed

    def adjusted(self, logits: FloatArray) -> FloatArray:
        """Return the logits leaning towards ghost notes while the bar wants some, and away from them afterwards."""
        if self._rules.fill:
            return logits
        wanting = self._missing_ghosts > 0
        step = max(self._cursor, 0) // STEP_TICKS
        adjusted = logits.copy()
        notes = adjusted[tokens.NOTE_BASE : tokens.MIDICOMPACT_SIZE].reshape(tokens.PITCHES, -1)
        if not wanting or self._on_ghost_step:
            notes[SNARE, 1:ACCENT_BIN] += _GHOST_LEAN if wanting else -_GHOST_LEAN
        if wanting:
            for later in (s for s in GHOST_STEPS if s > step):
                first = tokens.POSITION_BASE + later * STEP_TICKS
                adjusted[first : first + STEP_TICKS] += _STEP_LEAN
        return adjusted

    @property
    def _missing_ghosts(self) -> int:
        """Ghost notes that are wanted still."""
        return max(self._rules.ghosts - self._ghosts, 0)

    @property
    def _on_ghost_step(self) -> bool:
        return self._cursor >= 0 and bool(_GHOST_TICKS[self._cursor])

    def accept(self, token: int) -> None:
        """Follow one token."""
        if token == tokens.BAR:
            self.done = True
        elif tokens.is_position(token):
            self._cursor, self._last_pitch = tokens.position_tick(token), -1
        else:
            pitch, velocity_bin = tokens.note_parts(token)
            hit = Hit(self._cursor, pitch, velocity_bin)
            self.hits.append(hit)
            self._ghosts += pitch == SNARE and velocity_bin < ACCENT_BIN
            self._last_pitch = pitch
            if (hit.step, pitch) in self._due:
                self._due.remove((hit.step, pitch))

    def safe(self) -> int:
        """Return the token that is said when no other may be: the bar's end."""
        return tokens.BAR

    def _has_room(self, reserved: int = 0) -> bool:
        """Tell whether more may be struck than what is due and what is kept for later."""
        return len(self.hits) + len(self._due) + reserved < self._rules.most_hits

    def _next_due(self) -> tuple[int, int]:
        """Return the position and the drum of the stroke that the bar may not pass by; beyond the bar if none."""
        if not self._due:
            return TICKS_PER_BAR + _SLACK_TICKS, 0
        step, pitch = self._due[0]
        return STEP_TICKS * step + tokens.DRUM_WINDOW_TICKS, pitch

    def _allow_time(self, allowed: BoolArray, due_tick: int, due_now: bool) -> None:
        if due_now:
            return
        first = self._cursor + 1
        ticks = _NEAR_GRID[first:].copy()
        # one hit of a drum per sixteenth: the rest of this step's window is over
        if self._cursor >= 0:
            step_end = (self._cursor // STEP_TICKS + 1) * STEP_TICKS
            ticks[: max(0, step_end - first)] = False
        if not self._has_room(self._missing_ghosts):
            kept = max(0, due_tick - _SLACK_TICKS - first)
            ticks[:kept] &= _GHOST_TICKS[first : first + kept] & self._has_room()
        ticks[max(0, due_tick + _SLACK_TICKS + 1 - first) :] = False
        allowed[tokens.POSITION_BASE + first : tokens.POSITION_BASE + TICKS_PER_BAR] = ticks
        enough = len(self.hits) >= self._rules.fewest_hits or not ticks.any()
        allowed[tokens.BAR] = not self._due and enough
