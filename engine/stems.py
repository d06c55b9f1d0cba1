"""The parts apart, as they are in the mix: stems that add up to it. Knows nothing about notes, moods' meaning or files.

Everything behind the strips is either the same for each part (room, tape, filters) or a gain that depends on the whole
mix (saturation, treble, evener, loudness rider, limiter). Each stem goes through its own copy of the former and is
given the gains of the latter, sample by sample, so the stems add up to the mix within what 32-bit filters round.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from engine.dynamics import Limiter
from engine.effects import Room, Wow
from engine.filters import LowPass
from engine.master import Master
from engine.mixer import Mixer, room_send
from engine.moods import Mood
from engine.types import FloatArray, Part, Tree

LOOPS = "loops"
STEMS = (*(part.value for part in Part), LOOPS)
"""Names of the stems: the four parts, and loops, hiss and fills together."""


class Stems:
    """Takes the mix of a station apart, bar after bar."""

    def __init__(self, mood: Mood) -> None:
        self._tapes = {part: _Tape(mood) for part in Part}
        self._ends = {name: _End() for name in STEMS}

    def apply(self, mood: Mood) -> None:
        """Follow the mixer to another mood."""
        for tape in self._tapes.values():
            tape.aim(mood)

    def restore(self, mixer: Tree, master: Tree) -> None:
        """Go on where mixer and master go on.

        What rings in them cannot be taken apart any more: all of it goes to the keys, so that the sum is right at once
        and each stem as soon as that has died away (0.5 s).
        """
        for part, tape in self._tapes.items():
            tape.restore(mixer if part is Part.KEYS else _silenced(mixer))
        for name, end in self._ends.items():
            end.restore(master if name == Part.KEYS.value else _silenced(master))

    def process(self, mixer: Mixer, master: Master, fills: FloatArray) -> Mapping[str, FloatArray]:
        """Return each stem, float32 [frames, 2], of the frames that mixer and master have just made."""
        desk = mixer.desk
        assert desk is not None, "expected a mixer that keeps its desk"
        stems: dict[str, FloatArray] = {}
        for part, tape in self._tapes.items():
            bent = tape.process(part, desk.sounds[part], desk.room_share, desk.bend)
            bright = tape.shelf.process(bent) - bent
            stems[part.value] = (bent + bright * mixer.treble.amounts) * mixer.evener.gains
        stems[LOOPS] = desk.bed + fills
        return {name: np.ascontiguousarray(self._ends[name].process(sound, master).T) for name, sound in stems.items()}


class _Tape:
    """A part's own room and tape."""

    def __init__(self, mood: Mood) -> None:
        self._room = Room()
        self._wow = Wow(mood.wow_cents, mood.flutter_cents)
        self._low_pass = LowPass(mood.tape_lowpass_hz)
        self.shelf = Mixer.new_shelf()

    def aim(self, mood: Mood) -> None:
        self._wow.aim(mood.wow_cents, mood.flutter_cents)
        self._low_pass.aim(mood.tape_lowpass_hz)

    def restore(self, mixer: Tree) -> None:
        state = cast(dict[str, Any], mixer)
        self._room.restore(state["room"])
        self._wow.restore(state["wow"])
        self._low_pass.restore(state["tape"])
        self.shelf.restore(state["treble"]["shelf"])

    def process(
        self, part: Part, sound: FloatArray, room_share: FloatArray | float, bend: FloatArray
    ) -> FloatArray:  # fmt: skip
        wet = sound + self._room.process(room_send(part, sound)) * room_share
        return self._low_pass.process(self._wow.process(wet.astype(np.float32)) * bend)


class _End:
    """The master's way of one stem."""

    def __init__(self) -> None:
        self._band = Master.new_band()
        self._past = np.zeros((2, Limiter.DELAY_FRAMES), np.float32)

    def process(self, sound: FloatArray, master: Master) -> FloatArray:
        line = np.concatenate([self._past, self._band.process(sound) * master.ride], axis=1)
        self._past = line[:, sound.shape[1] :].copy()
        return line[:, : sound.shape[1]] * master.fall

    def restore(self, master: Tree) -> None:
        state = cast(dict[str, Any], master)
        self._band.restore(state["band"])
        self._past = state["limiter"]["past"].copy()


def _silenced(tree: Tree) -> Tree:
    """The same state without the sound in it."""
    return {key: _silence(value) for key, value in tree.items()}


def _silence(value: object) -> object:
    if isinstance(value, dict):
        return _silenced(value)
    return np.zeros_like(value) if isinstance(value, np.ndarray) else value
