"""Plays bars of the journal again, each from the state in which the sound was then. Knows nothing about spans or files.

Where no state was kept the bar is played alike: the same notes with settled meters, and a word about it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from engine import (
    SETTLED_FRAMES,
    AudioBlock,
    Bar,
    FloatArray,
    Mood,
    MoodError,
    ReplayStation,
    SnapshotError,
    StationSetup,
    mood_from_tree,
    numbered,
)
from radio.errors import ReplayError
from radio.journal_bars import bar_of, unsigned
from radio.journal_reader import JournalReader
from radio.journal_rows import BarRow
from radio.moments import iso
from radio.sound_shelf import StateRow, states_before
from radio.version import software_version

LOOK_BACK_MS = 1_260_000
"""Two states are at most 600 s apart (`replay.state_every_s`); one may have been lost."""
LEAD_IN_BARS = 12
"""Played before a bar that can only be played alike: the levellers' memory is 25 s."""

_SOUNDS = ("bank ", "loop ")


class Engine(Protocol):
    """What plays; `engine.ReplayStation` is one."""

    @property
    def apart(self) -> Mapping[str, FloatArray]:
        """Parts of the bar played last."""

    def play(self, bar: Bar, mood: Mood) -> AudioBlock:
        """Play the next bar."""

    def resume(self, state: bytes) -> None:
        """Go back to a state."""

    def close(self) -> None:
        """Free everything."""


@dataclass(frozen=True, slots=True)
class Played:
    """A bar's sound."""

    samples: FloatArray
    apart: Mapping[str, FloatArray]
    exact: bool
    """Whether it is what went out; else it is alike."""


class Replay:
    """Plays one station's bars, in any order; cheap where they follow each other."""

    def __init__(self, reader: JournalReader, states: Path, setup: StationSetup, settle_frames: int = 0) -> None:
        self.warnings: list[str] = []
        """Sentences on what cannot be as it was."""
        self._reader, self._states, self._setup = reader, states, setup
        self._settle_frames = max(SETTLED_FRAMES, settle_frames)
        self._engine: ReplayStation | None = None
        self._target_lufs = setup.target_lufs
        self._last: BarRow | None = None
        self._exact = False
        self._moods: dict[str, Mood] = {}
        self._checked: set[tuple[str, str]] = set()
        self._same = True
        """False once software, sound files or numbers are not those of then."""

    def play(self, row: BarRow, from_frame: int = 0) -> Played:
        """Play a bar; what lies before `from_frame` of it is not needed."""
        follows = self._last is not None and _follows(row, self._last)
        if not follows or (not self._exact and any(self._ways_to(row, from_frame))):
            self._lead_in(row, from_frame)
        return self._play(row)

    def close(self) -> None:
        """Free the engine."""
        if self._engine is not None:
            self._engine.close()

    def mood_of(self, row: BarRow) -> Mood:
        """The numbers that a bar was played with; those of an untouched mood where nobody knows."""
        if row.mood_hash not in self._moods:
            found = self._reader.mood(row.mood_hash) if row.mood_hash else None
            try:
                mood = None if found is None else mood_from_tree(json.loads(found.tree))
            except (MoodError, TypeError, KeyError, ValueError):
                mood = None
            if mood is None:
                self._warn(f"The numbers of mood {row.mood} at {iso(row.wall_ms)} are not known: it sounds as shipped.")
                mood = replace(self._setup.mood, name=row.mood)
                self._same = False
            self._moods[row.mood_hash] = mood
        return self._moods[row.mood_hash]

    def _play(self, row: BarRow) -> Played:
        assert self._engine is not None, "an engine was made by the lead-in"
        self._check(row, self._engine)
        bar = bar_of(row)
        block = self._engine.play(bar if row.engine_piece < 0 else numbered(bar, row.engine_piece), self.mood_of(row))
        if block.frames != row.frames:
            self._warn(f"The bar at {iso(row.wall_ms)} comes out {block.frames - row.frames:+d} frames long.")
            self._exact = False
        self._last = row
        return Played(block.samples, self._engine.apart, self._exact and self._same)

    def _lead_in(self, row: BarRow, from_frame: int) -> None:
        """Bring the engine to a bar."""
        for state, bars in self._ways_to(row, from_frame):
            engine = self._engine_for(state.target_lufs)
            try:
                engine.resume(state.state)
            except SnapshotError as problem:
                self._warn(f"The state of the sound at {iso(state.wall_ms)} cannot be used: {problem}")
                continue
            self._exact = True
            for one in bars[:-1]:
                self._play(one)
            return
        self._warn(
            f"No state of the sound was kept for {iso(row.wall_ms)}: the same notes, but the sound is only alike."
        )
        self._begin_alike(row)

    def _ways_to(self, row: BarRow, from_frame: int) -> Iterable[tuple[StateRow, list[BarRow]]]:
        """States from which a bar can be reached, the nearest first, each with the bars from there to it."""
        if row.engine_frame < 0:
            return
        from_ms = row.wall_ms - LOOK_BACK_MS
        chain = _chain(self._reader.bars(row.station, from_ms, row.wall_ms + 1), row)
        starts = {(one.wall_ms, one.engine_frame): place for place, one in enumerate(chain)}
        for state in self._states_before(row, from_ms):
            place = starts.get((state.wall_ms, state.engine_frame))
            settled = row.engine_frame + from_frame - state.engine_frame >= self._settle_frames
            if place is not None and (settled or state.whole):
                yield state, chain[place:]

    def _states_before(self, row: BarRow, from_ms: int) -> list[StateRow]:
        """States kept before a bar; a file that cannot be read costs exactness, not the minute."""
        try:
            return states_before(self._states, row.station, from_ms, row.wall_ms)
        except ReplayError as problem:
            self._warn(str(problem))
            return []

    def _begin_alike(self, row: BarRow) -> None:
        """Make a fresh engine and let it play some bars before the one that is wanted."""
        earlier = [one for one in self._reader.bars(row.station, row.wall_ms - 90_000, row.wall_ms) if not one.repeated]
        lead_in = earlier[-LEAD_IN_BARS:]
        self._exact = False
        self._target_lufs = self._setup.target_lufs
        self._replace_engine((lead_in or [row])[0])
        for one in lead_in:
            self._play(one)

    def _engine_for(self, target_lufs: float) -> ReplayStation:
        if self._engine is None or target_lufs != self._target_lufs:
            self._target_lufs = target_lufs
            self._replace_engine(None)
        assert self._engine is not None
        return self._engine

    def _replace_engine(self, row: BarRow | None) -> None:
        self.close()
        setup = replace(self._setup, target_lufs=self._target_lufs)
        if row is not None:
            setup = replace(setup, mood=self.mood_of(row), seed=unsigned(row.seed))
        self._engine, self._last = ReplayStation.build(setup), None

    def _check(self, row: BarRow, engine: ReplayStation) -> None:
        """Say, once, when software or sound files are not those of that time."""
        if (row.assets, row.version) in self._checked:
            return
        self._checked.add((row.assets, row.version))
        if row.version != software_version():
            self._same = False
            self._warn(
                f"Played by lofi-radio {row.version} then, by {software_version()} now: it sounds the same only if "
                "nothing that makes sound has changed."
            )
        now = {asset.name: asset.sha256 for asset in engine.assets}
        then = {
            one.name: one.sha256 for one in self._reader.assets(row.assets) if one.name.startswith(("bank ", "loop "))
        }
        other = sorted(name for name, sha256 in then.items() if now.get(name) != sha256)
        if other:
            self._same = False
            self._warn(f"Sound files are not those of that time: {', '.join(other[:6])}{' …' * (len(other) > 6)}.")

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)


def _follows(row: BarRow, before: BarRow) -> bool:
    """Whether the engine played a bar right after another."""
    if row.engine_frame < 0:  # format 1 of the journal
        joined = row.frame == before.frame + before.frames
    else:
        joined = row.engine_frame == before.engine_frame + before.frames
    return joined and row.bar == before.bar + 1


def _chain(rows: list[BarRow], row: BarRow) -> list[BarRow]:
    """The bars that the engine played one after the other, up to a bar and with it."""
    fresh = [one for one in rows if not one.repeated]
    if row not in fresh:
        return []
    chain = [row]
    for one in reversed(fresh[: fresh.index(row)]):
        if not _follows(chain[-1], one):
            break
        chain.append(one)
    return chain[::-1]
