"""The mixing desk: four parts and the loops in, one stereo sound out. Knows nothing about notes' meaning or files.

Each part comes with the loudness its instrument has by nature (`balance.py`), so that 0 dB in a mood is an even mix
for any instrument of any sound bank. Numbers of a mood glide for a second when they change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from engine.bed import Bed
from engine.colour import Chorus, Crush
from engine.effects import Duck, Pan, Room, Wow, saturate
from engine.evener import Evener
from engine.filters import Filter, Glide, LowPass, db_to_gain
from engine.loops import LoopLibrary
from engine.master import TILT, TILT_LU
from engine.moods import Mood
from engine.sequencer import KICKS
from engine.strip import TONES, Setting, Strip
from engine.synth import PARTS
from engine.treble import Treble
from engine.types import FloatArray, Part, Section, SynthEvent, Tree

MIX_LUFS = -21.5
"""Loudness of the music before the master, kept by the evener; the loops' levels in a mood are relative to it."""

PHRASE_LUFS = {Part.KEYS: -20.0, Part.DRUMS: -20.0, Part.BASS: -23.5, Part.SECOND: -22.0}
"""Level at which each part's standard phrase enters its strip; the players' bars come out near the even mix."""

BASS_LOW_PASS_HZ = 1500.0
_NO_SOUND = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """What the mixer did with the last frames, for who wants the parts apart."""

    sounds: Mapping[Part, FloatArray]
    """float32 [2, frames] behind strip, colour and side-chain."""
    room_share: FloatArray | float
    bend: FloatArray
    """float32 [2, frames]: what the tape's saturation made of each sample, as a gain."""
    bed: FloatArray
    """Loops and hiss behind the side-chain."""


class Mixer:
    """All strips and what they share."""

    LATENCY_FRAMES = Wow.CENTRE_FRAMES

    def __init__(self, mood: Mood, library: LoopLibrary, natures_lufs: Mapping[Part, float]) -> None:
        self._strips = {part: Strip(TONES[part], _setting(part, mood, natures_lufs)) for part in PARTS}
        self._chorus, self._pan = Chorus(mood.chorus), Pan(0.23, mood.tremolo)
        self._crush = Crush(mood.drums_bits, mood.drums_rate_hz)
        self._duck, self._duck_depth = Duck(), Glide(1.0 - db_to_gain(-mood.sidechain_db))
        self._room, self._room_share = Room(), Glide(mood.room)
        self._wow, self._drive = Wow(mood.wow_cents, mood.flutter_cents), Glide(mood.saturation)
        self._tape, self._treble = LowPass(mood.tape_lowpass_hz), Treble(mood.brightness_db)
        self._evener = Evener(MIX_LUFS + TILT_LU, TILT)
        self._bed = Bed(mood, library, MIX_LUFS)
        self.keeps_desk = False
        self.desk: Desk | None = None
        """The last frames apart, when somebody asked to keep them."""

    @property
    def evener(self) -> Evener:
        """The hand that brings bars near one loudness."""
        return self._evener

    @property
    def treble(self) -> Treble:
        """The hand on the treble."""
        return self._treble

    @property
    def mended(self) -> int:
        """Blocks of a part that were silenced because the synthesiser gave something that is no number."""
        return sum(strip.mended for strip in self._strips.values())

    @property
    def parts_lufs(self) -> dict[Part, float]:
        """Loudness of each part behind its strip, the last 3 s counting most."""
        return {part: strip.loudness_lufs for part, strip in self._strips.items()}

    @property
    def brightness_db(self) -> float:
        """Share of the music's energy above 2 kHz over the last half minute."""
        return self._treble.share_db

    @property
    def treble_db(self) -> float:
        """Where the hand on the treble is going."""
        return self._treble.gain_db

    @staticmethod
    def new_shelf() -> Filter:
        """Return a shelf like that of the hand on the treble."""
        return Treble.new_shelf()

    def apply(self, mood: Mood, natures_lufs: Mapping[Part, float]) -> None:
        """Glide to another mood."""
        for part, strip in self._strips.items():
            strip.aim(_setting(part, mood, natures_lufs))
        self._duck_depth.aim(1.0 - db_to_gain(-mood.sidechain_db))
        self._room_share.aim(mood.room)
        self._chorus.aim(mood.chorus)
        self._pan.aim(mood.tremolo)
        self._crush.aim(mood.drums_bits, mood.drums_rate_hz)
        self._wow.aim(mood.wow_cents, mood.flutter_cents)
        self._drive.aim(mood.saturation)
        self._tape.aim(mood.tape_lowpass_hz)
        self._treble.aim(mood.brightness_db)
        self._bed.apply(mood)

    def begin(self, section: Section) -> None:
        """Take note of the section that sounds from here on."""
        self._bed.begin(section)

    def process(self, parts: FloatArray, kicks: Iterable[tuple[int, int]]) -> FloatArray:
        """Mix a whole bar, float32 [parts, 2, frames], with kicks as (frame, velocity), to float32 [2, frames]."""
        frames = parts.shape[2]
        push = 1.0 - self._duck_depth.take(frames) * self._duck.process(kicks, frames)
        music = np.zeros((2, frames), np.float32)
        send = np.zeros(frames, np.float32)
        sounds: dict[Part, FloatArray] = {}
        for row, (part, strip) in enumerate(self._strips.items()):
            sound = strip.process(parts[row])
            if part is Part.KEYS:
                sound = self._pan.process(self._chorus.process(sound))
            elif part is Part.DRUMS:
                sound = self._crush.process(sound)
            if part is not Part.DRUMS:
                sound *= push
            music += sound
            sounds[part] = sound
            if TONES[part].room:
                send += room_send(part, sound)
        room_share = self._room_share.take(frames)
        music += self._room.process(send) * room_share
        straight = self._wow.process(music)
        bent = saturate(straight, self._drive.take(frames))
        music = self._evener.process(self._treble.process(self._tape.process(bent)))
        bed = self._bed.process(music) * push
        if self.keeps_desk:
            quiet = np.abs(straight) < _NO_SOUND
            bend = np.where(quiet, np.float32(1.0), bent / np.where(quiet, np.float32(1.0), straight))
            self.desk = Desk(sounds, room_share, bend, bed)
        return music + bed

    def snapshot(self) -> Tree:
        """Take the state."""
        return {name: member.snapshot() for name, member in self._members().items()}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        for name, member in self._members().items():
            member.restore(state[name])

    def _members(self) -> dict[str, Any]:
        """Everything that has a state, by name."""
        shared = {
            "pan": self._pan, "duck": self._duck, "duck_depth": self._duck_depth, "room": self._room,
            "room_share": self._room_share, "wow": self._wow, "drive": self._drive, "bed": self._bed,
            "chorus": self._chorus, "crush": self._crush, "tape": self._tape, "treble": self._treble,
            "evener": self._evener,
        }  # fmt: skip
        return shared | {part.value: strip for part, strip in self._strips.items()}


def room_send(part: Part, sound: FloatArray) -> FloatArray:
    """What a part sends to the room, float32 [frames]."""
    return cast(FloatArray, sound.sum(axis=0) * np.float32(0.5 * TONES[part].room))


def kicks_in(events: Iterable[SynthEvent], start_frame: int) -> list[tuple[int, int]]:
    """Kick drums among the events, as (frame in the block, velocity)."""
    return [
        (e.frame - start_frame, e.value) for e in events if e.kind == "on" and e.part is Part.DRUMS and e.key in KICKS
    ]


def _setting(part: Part, mood: Mood, natures_lufs: Mapping[Part, float]) -> Setting:
    """What a mood asks of a part's strip."""
    level_db, low_pass_hz = {
        Part.KEYS: (mood.keys_db, mood.keys_lowpass_hz),
        Part.DRUMS: (mood.drums_db, mood.drums_lowpass_hz),
        Part.BASS: (mood.bass_db, BASS_LOW_PASS_HZ),
        Part.SECOND: (mood.second_db, mood.keys_lowpass_hz),
    }[part]
    return Setting(db_to_gain(PHRASE_LUFS[part] - natures_lufs[part]), db_to_gain(level_db), low_pass_hz)
