"""The studio: plays and mixes the bars it is given, by a mood. Knows nothing about composing or what comes next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.balance import Balance
from engine.drift import wandered
from engine.errors import LoopError
from engine.fills import NEEDLE, Fills
from engine.levels import Levels, silence_at_end_s
from engine.loops import LoopLibrary
from engine.master import Master
from engine.mixer import MIX_LUFS, Mixer, kicks_in
from engine.mood import RANGES, Mood, mood_from_tree, mood_to_tree
from engine.sequencer import LOOKAHEAD_FRAMES, Sequencer
from engine.station_setup import StationSetup
from engine.stems import LOOPS, Stems
from engine.synth import Synth
from engine.types import Bar, BarStart, FloatArray, Part, Tree

DOWNBEAT_FRAMES = LOOKAHEAD_FRAMES + Mixer.LATENCY_FRAMES + Master.LATENCY_FRAMES
"""A bar's down-beat sounds this constant time after the bar's first frame (210 ms)."""


class Studio:
    """Instruments, loops, mixer and master with their meters."""

    def __init__(self, setup: StationSetup, make_synth: Callable[[], Synth], tell: Callable[[str], None]) -> None:
        """Open a studio; `tell` hears of each loop that cannot be played."""
        self.mood = setup.mood
        """What it plays by."""
        self.levels: Levels | None = None
        """What the meters showed at the end of the last bar."""
        self.apart: Mapping[str, FloatArray] = {}
        """The last bar's parts, float32 [frames, 2] each, where the setup asks for them."""
        self._tell = tell
        self._balance = Balance(make_synth)
        self._parts = frozenset(setup.parts)
        self._sequencer = Sequencer(setup.seed)
        self._synth = make_synth()
        self._library = LoopLibrary(setup.loops)
        mood = self._playable(setup.mood)
        self._balance.prepare(mood)
        self._mixer = Mixer(mood, self._library, self._balance.natures_lufs(mood))
        self._loop("fills", NEEDLE)
        self._fills = Fills(mood, self._library, MIX_LUFS)
        self._master = Master(setup.target_lufs, MIX_LUFS)
        self._stems = Stems(mood) if setup.stems else None
        self._mixer.keeps_desk = setup.stems

    @property
    def frame(self) -> int:
        """Frame of the broadcast at which the next bar begins."""
        return self._sequencer.frame

    def play(self, bar: Bar, begins: bool = True) -> tuple[BarStart, FloatArray]:
        """Play and mix one bar; return how it was played and its sound, float32 [frames, 2].

        Args:
            bar: what to play.
            begins: False for a bar in which what was struck before rings on: no fill answers it.
        """
        if not self._parts.issuperset(Part):
            bar = replace(bar, events=tuple(event for event in bar.events if event.part in self._parts))
        start, events = self._sequencer.sequence(bar, wandered(self.mood, bar.piece.seed))
        start = replace(start, mood=self.mood)
        parts = self._synth.render(events, start.frames)
        if begins:
            self._fills.begin(start)
        self._mixer.begin(start.bar.section)
        fills = self._fills.process(start.frames)
        mix = self._mixer.process(parts, kicks_in(events, start.frame)) + fills
        sound = np.ascontiguousarray(self._master.process(mix).T)
        if self._stems is not None:
            self.apart = self._stems.process(self._mixer, self._master, fills)
        self.levels = self._read_levels(sound)
        return start, sound

    def play_by(self, mood: Mood) -> None:
        """Follow a mood from here on."""
        self.mood = mood
        mood = self._playable(mood)
        self._balance.prepare(mood)
        self._mixer.apply(mood, self._balance.natures_lufs(mood))
        self._fills.apply(mood)
        if self._stems is not None:
            self._stems.apply(mood)

    def prepare(self, mood: Mood) -> None:
        """Get a mood's instruments and loops ready while there is time."""
        self._balance.prepare(mood)
        for kind, names in (("vinyl", [mood.vinyl]), ("ambience", [name for name, _ in mood.ambience])):
            for name in names:
                if name in self._library.names(kind):
                    self._library.get(kind, name)

    def loop_paths(self) -> tuple[Path, ...]:
        """Every loop file there is."""
        return self._library.paths()

    def snapshot(self) -> dict[str, Tree]:
        """Return its state between two bars."""
        return {
            "mood": mood_to_tree(self.mood),
            "sequencer": self._sequencer.snapshot(),
            "synth": self._synth.snapshot(),
            "mixer": self._mixer.snapshot(),
            "fills": self._fills.snapshot(),
            "master": self._master.snapshot(),
        }

    def restore(self, tree: Any) -> None:  # noqa: ANN401 - a tree read from bytes
        """Go back to a state; a tree of another shape raises KeyError, TypeError or ValueError."""
        self.mood = mood_from_tree(tree["mood"])
        mood = self._playable(self.mood)
        self._fills.apply(mood)
        if self._stems is not None:
            self._stems.apply(mood)
            self._stems.restore(tree["mixer"], tree["master"])
        self._sequencer.restore(tree["sequencer"])
        self._synth.restore(tree["synth"])
        self._mixer.restore(tree["mixer"])
        self._fills.restore(tree["fills"])
        self._master.restore(tree["master"])

    def close(self) -> None:
        """Free the synthesisers."""
        self._balance.close()
        self._synth.close()

    def _read_levels(self, sound: FloatArray) -> Levels:
        """Read the meters after a bar."""
        before_s = self.levels.silence_s if self.levels else 0.0
        return Levels(
            loudness_lufs=self._master.loudness_lufs,
            true_peak_dbtp=self._master.take_peak_dbtp(),
            silence_s=silence_at_end_s(sound, before_s),
            brightness_db=self._mixer.brightness_db,
            rider_db=self._master.gain_db,
            treble_db=self._mixer.treble_db,
            parts_lufs=self._mixer.parts_lufs,
        )

    def _playable(self, mood: Mood) -> Mood:
        """Leave out loops that cannot be read: the programme goes on without them."""
        if LOOPS not in self._parts:
            mood = replace(mood, vinyl=self._library.NOTHING, ambience=(), fills=(), hiss_db=RANGES["hiss_db"][0])
        layers = {self._loop("ambience", name): db for name, db in mood.ambience}
        fills = {self._loop("fills", name): None for name in mood.fills}
        return replace(mood, vinyl=self._loop("vinyl", mood.vinyl), ambience=tuple(layers.items()), fills=tuple(fills))

    def _loop(self, kind: str, name: str) -> str:
        """Name of the loop, or of silence when it cannot be read."""
        try:
            self._library.get(kind, name)
        except LoopError as error:
            self._tell(f"{error} The station plays without it.")
            return self._library.NOTHING
        return name
