"""The player of keys: the piano model, forced chords and density, phrase memory and the choice among candidates.

Thinks in C major or A minor, sounds in the piece's key. Knows nothing about drums, sound or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from engine import tokens
from engine.chance import generator
from engine.expression import lean
from engine.grammar import HALF_BAR_TICKS, KeysGrammar, KeysRules, WrittenNote, sounding_over
from engine.moods import Mood, Sampling
from engine.plan import PROMPT_BAR, BarPlan, DrumRole
from engine.prompt import Prompt
from engine.ranking import score_keys, shape_of
from engine.recurrence import Recurrence
from engine.remembered import BarMemory
from engine.substitution import Loop
from engine.timecode import time_code
from engine.tuned_state import StateShelf
from engine.types import TICKS_PER_BAR, FloatArray, NoteEvent, Part, Tree
from engine.variation import varied
from engine.writer import Ending, Strike, Writer

_HOME = 0.4
"""Where in its register the keys feel at home, from the bottom: chords below, room for a tune above."""


_ENTER_BY_ALONE, _ENTER_BY = 24, 96
"""Ticks: an eighth where the keys are alone, half a bar where others play."""
_STYLE = "lead"
"""The style in which chord loops are weighed before the first piece."""
_HEARD_BEFORE = 6.0
"""What a bar costs that a piece of the last day had; 2 is what one of this piece costs."""
_TRIES = 2
"""Candidates are drawn once more where even the best was heard before."""


class ModelKeys:
    """Plays the keys with a recurrence."""

    def __init__(self, recurrence: Recurrence, seed: int) -> None:
        self._writer = Writer(recurrence, generator(seed, 2))
        self._blank = recurrence.initial_state()
        self._time = time_code(recurrence.vocabulary_size)
        self._song: tuple[int, str, bool] | None = None
        self._state_name: str | None = None
        self.states: StateShelf | None = None
        """Where tuned states are found; without it there are none."""
        self._memory: dict[int, list[WrittenNote]] = {}
        self._earlier = BarMemory()
        self._releases: dict[int, list[int]] = {}
        self._overrun_ticks = 0
        self._mean_pitch: float | None = None
        self._primer: Prompt | None = None

    def write(self, plan: BarPlan, mood: Mood) -> list[NoteEvent]:
        """Return the notes of a bar as they sound."""
        self._begin_song(plan, mood)
        if plan.piece_bar == 0 and self._primer is not None:
            self._listen(self._primer)
        rules = KeysRules(
            plan.chords,
            plan.keys_density,
            mood.register_low - plan.shift,
            mood.register_high - plan.shift,
            _ENTER_BY_ALONE if plan.drums is DrumRole.NONE else _ENTER_BY,
        )
        source = self._source(plan, rules)
        notes = self._compose(rules, mood.sampling) if source is None else self._repeat(rules, source)
        self._memory[plan.piece_bar] = notes
        self._earlier.add((note.tick, note.pitch) for note in notes)
        self._releases = sounding_over(notes, plan.next_chord)
        if notes:
            self._mean_pitch = sum(note.pitch for note in notes) / len(notes)
        return self._sounding(notes, plan, mood.velocity_scale)

    def prime(self, prompt: Prompt | None) -> None:
        """Know what the piece that begins goes on from."""
        self._primer = prompt

    def forget(self) -> None:
        """Drop the phrase memory: what comes shall be new."""
        self._memory.clear()

    def taste(self, minor: bool, loops: Sequence[Loop]) -> FloatArray:
        """Return the model's mean log-likelihood of the chords of each loop, as a song's first bars without notes."""
        if not self._time.has_headers:
            return np.zeros(len(loops), np.float32)
        style = _STYLE if self._song is None else self._song[1]
        prefix = [tokens.END, tokens.START, tokens.style(style), tokens.MINOR if minor else tokens.MAJOR]
        return self._writer.likelihoods(prefix, [_chords_alone(loop) for loop in loops], tokens.is_chord)

    def snapshot(self) -> Tree:
        """Return everything that the coming bars depend on."""
        return {
            "writer": self._writer.snapshot(),
            "song": None if self._song is None else list(self._song),
            "state_name": self._state_name,
            "memory": {
                str(bar): [[note.tick, note.end, note.pitch, note.velocity_bin] for note in notes]
                for bar, notes in self._memory.items()
            },
            "earlier": self._earlier.snapshot(),
            "releases": {str(tick): list(pitches) for tick, pitches in self._releases.items()},
            "overrun_ticks": self._overrun_ticks,
            "mean_pitch": self._mean_pitch,
        }

    def restore(self, tree: Tree) -> None:
        """Go on from a snapshot."""
        self._writer.restore(cast(Tree, tree["writer"]))
        song = cast(list[object] | None, tree["song"])
        self._song = None if song is None else (cast(int, song[0]), cast(str, song[1]), cast(bool, song[2]))
        self._state_name = cast(str | None, tree["state_name"])
        memory = cast(dict[str, list[list[int]]], tree["memory"])
        self._memory = {int(bar): [WrittenNote(*values) for values in notes] for bar, notes in memory.items()}
        self._earlier.restore(cast(Tree, tree["earlier"]))
        releases = cast(dict[str, list[int]], tree["releases"])
        self._releases = {int(tick): list(pitches) for tick, pitches in releases.items()}
        self._overrun_ticks = cast(int, tree["overrun_ticks"])
        self._mean_pitch = cast(float | None, tree["mean_pitch"])

    def _begin_song(self, plan: BarPlan, mood: Mood) -> None:
        """Tell the model of a new piece, style or mode; its state goes on, or begins anew where the mood names one."""
        if plan.piece_bar == 0:
            self._earlier.end_piece()
        song = (plan.piece.number, mood.piano_style, plan.piece.minor)
        other_state = mood.piano_state != self._state_name
        if song == self._song and not other_state:
            return
        begun = self._song is not None
        tuned = self.states.get(mood.piano_state) if self.states else None
        if tuned is not None or other_state:  # a tuned state is one before <start>: it belongs to a piece's beginning
            self._writer.begin(self._blank if tuned is None else tuned)
            begun = False
        elif begun and not self._time.has_headers:
            return
        self._state_name = mood.piano_state
        prefix = [tokens.END, tokens.START] if begun else [tokens.START]
        if self._time.has_headers:
            prefix += [tokens.style(mood.piano_style), tokens.MINOR if plan.piece.minor else tokens.MAJOR]
        self._writer.feed(prefix)
        self._song = song

    def _listen(self, prompt: Prompt) -> None:
        """Hear the bars of a prompt, each with its chords, as if they had been played; remember them."""
        following = [*(bar.chords[0] for bar in prompt.bars[1:]), None]
        for place, (bar, next_chord) in enumerate(zip(prompt.bars, following, strict=True)):
            notes = list(bar.notes)
            rules = KeysRules(bar.chords, 1, 0, tokens.PITCHES - 1)
            self._writer.feed(self._header(rules, tokens.density_bucket(len(notes), tokens.PIANO_DENSITY_LIMITS)))
            script = self._script(rules, notes)
            said = [i if isinstance(i, int) else tokens.note(i.pitch, i.velocity_bin) for i in script]
            self._writer.feed(said)
            self._overrun_ticks = 0
            self._releases = sounding_over(notes, next_chord)
            self._memory[PROMPT_BAR + place] = notes

    def _source(self, plan: BarPlan, rules: KeysRules) -> list[WrittenNote] | None:
        """Return the bar to play again, if this is to be a repetition."""
        for source in plan.keys_sources:
            notes = self._memory.get(source.piece_bar)
            if (
                notes
                and (notes[0].tick <= rules.enter_by or source.piece_bar < 0)
                and self._writer.rng.random() < source.chance
            ):
                return varied(notes, rules, self._writer.rng) if source.vary else notes
        return None

    def _header(self, rules: KeysRules, onsets_bucket: int) -> list[int]:
        if not self._time.has_headers:
            return []
        first, second = rules.chords
        chords = [tokens.chord(first)] + ([tokens.chord(second)] if second != first else [])
        return [tokens.BAR, *chords, tokens.density(onsets_bucket)]

    def _compose(self, rules: KeysRules, settings: Sampling) -> list[WrittenNote]:
        """Sample several bars and keep the best; more of them if a piece of the last day had it."""
        self._writer.feed(self._header(rules, rules.density))
        cursor = -1 if self._time.has_headers else self._overrun_ticks
        known = {shape_of(notes) for notes in self._memory.values()}
        home = rules.low + _HOME * (rules.high - rules.low)
        centre = home if self._mean_pitch is None else (home + self._mean_pitch) / 2
        found: list[tuple[float, KeysGrammar, Ending]] = []
        for _ in range(_TRIES):
            grammars = [
                KeysGrammar(rules, self._time, self._writer.size, self._releases, cursor)
                for _ in range(settings.candidates)
            ]
            endings = self._writer.sample(grammars, settings)
            for grammar, ending in zip(grammars, endings, strict=True):
                heard = self._earlier.knows(shape_of(grammar.notes))
                score = score_keys(grammar.notes, rules.chords, rules.density, known, centre) - _HEARD_BEFORE * heard
                found.append((score, grammar, ending))
            _, grammar, ending = max(found, key=lambda candidate: candidate[0])
            if not self._earlier.knows(shape_of(grammar.notes)):
                break
        self._writer.adopt(ending)
        self._overrun_ticks = grammar.overrun_ticks
        return grammar.notes

    def _repeat(self, rules: KeysRules, source: Sequence[WrittenNote]) -> list[WrittenNote]:
        """Play an earlier bar again through the recurrence, its velocities sampled anew."""
        # a note that still sounds and is struck again ends there: a bar that comes back misses none of its notes
        first = {note.pitch: note.tick for note in reversed(source)}
        releases: dict[int, list[int]] = {}
        for tick, pitches in self._releases.items():
            for pitch in pitches:
                releases.setdefault(min(tick, first.get(pitch, tick)), []).append(pitch)
        self._releases = releases
        notes = list(source)
        self._writer.feed(self._header(rules, tokens.density_bucket(len(notes), tokens.PIANO_DENSITY_LIMITS)))
        bins = self._writer.replay(self._script(rules, notes))
        self._overrun_ticks = 0
        return [
            WrittenNote(note.tick, note.end, note.pitch, velocity_bin)
            for note, velocity_bin in zip(notes, bins, strict=True)
        ]

    def _script(self, rules: KeysRules, notes: Sequence[WrittenNote]) -> list[int | Strike]:
        """Return a bar as tokens and strikes, in the grammar's order."""
        offs: dict[int, list[int]] = {tick: list(pitches) for tick, pitches in self._releases.items()}
        for note in notes:
            if note.end < TICKS_PER_BAR:
                offs.setdefault(note.end, []).append(note.pitch)
        chord_due = self._time.has_headers and rules.chords[0] != rules.chords[1]
        ticks = {*offs, *(note.tick for note in notes)} | ({HALF_BAR_TICKS} if chord_due else set())
        script: list[int | Strike] = []
        cursor = -1 if self._time.has_headers else self._overrun_ticks
        for tick in sorted(ticks):
            script += self._time.move(cursor, tick)
            cursor = max(cursor, tick)
            script += [tokens.note(pitch, 0) for pitch in sorted(offs.get(tick, []))]
            if chord_due and tick == HALF_BAR_TICKS:
                script.append(tokens.chord(rules.chords[1]))
            script += [Strike(note.pitch, note.velocity_bin) for note in notes if note.tick == tick]
        return [*script, *self._time.move(cursor, TICKS_PER_BAR)]

    def _sounding(self, notes: Sequence[WrittenNote], plan: BarPlan, scale: float) -> list[NoteEvent]:
        """Return the notes as they sound, each with its touch."""
        groups: dict[int, list[int]] = {}
        for note in notes:
            groups.setdefault(note.tick, []).append(note.pitch)
        events = []
        for note in notes:
            softest = tokens.bin_to_velocity(note.velocity_bin - 1) + 1
            loudest = tokens.bin_to_velocity(note.velocity_bin)
            group = sorted(groups[note.tick])
            touch = lean(note.tick, group.index(note.pitch), len(group), plan.section_bar)
            velocity = (float(self._writer.rng.uniform(softest, loudest)) + touch) * scale
            length = note.end - note.tick + note.overhang_ticks(plan.next_chord)
            played = int(np.clip(velocity, 1, 127))
            events.append(NoteEvent(note.tick, length, note.pitch + plan.shift, played, Part.KEYS))
        return events


def _chords_alone(loop: Loop) -> list[int]:
    """Return a loop as the headers of bars."""
    said: list[int] = []
    for first, second in loop:
        said += [tokens.BAR, tokens.chord(first), *([tokens.chord(second)] if second != first else [])]
    return said
