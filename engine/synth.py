"""The synthesiser: events in, one stereo signal a part out. The one place that touches libfluidsynth.

Knows nothing about bars, moods or mixing. Four groups of one FluidSynth give the parts their own buses; reverb and
chorus are off (the mixer has its own). Instruments load when first used, 1-100 ms each, a sampled grand piano 1.3 s;
banks behind the first one when it lacks an instrument: the index of a General MIDI bank takes 13 MB and 21 ms.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from engine.banks import DRUM_BANK, REMEDY, choices
from engine.errors import SoundBankError
from engine.types import GRID_FRAMES, SAMPLE_RATE_HZ, FloatArray, Part, SynthEvent, Tree

logger = logging.getLogger(__name__)

PARTS = tuple(Part)
"""Order of the parts in every array that has one row a part."""

LIBRARY_REMEDY = "Install the Debian package libfluidsynth3."

REPLAY_FRAMES = 12 * SAMPLE_RATE_HZ
"""Voices cannot be saved: a restored synthesiser replays the events of the last 12 s, silently."""

_POLYPHONY = 96
_GAIN = 0.5
_DRUM_CHANNEL_TYPE = 1
_CHANNELS = 16
_SPARE_CHANNEL = 15
_WARM_UP_PROGRAM = (0, 39)
"""A bass has few samples: they load in a millisecond."""


class Synth(Protocol):
    """Plays events; the clock advances by what was rendered."""

    def render(self, events: Sequence[SynthEvent], frames: int) -> FloatArray:
        """Play the events of the next `frames` frames, all on the grid: float32 [parts, 2, frames], as PARTS go."""
        ...

    def snapshot(self) -> Tree:
        """Take the state."""
        ...

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        ...

    def close(self) -> None:
        """Free the synthesiser."""
        ...


class FluidSynth:
    """The real synthesiser; of several banks the first that has an instrument plays it."""

    def __init__(self, *banks: Path) -> None:
        self._banks = banks
        self._library = _load_library()
        self._frame = 0
        self._programs: dict[Part, tuple[int, int]] = {}
        self._history: list[SynthEvent] = []
        self._old_programs: dict[Part, tuple[int, int]] = {}
        self._open()

    def render(self, events: Sequence[SynthEvent], frames: int) -> FloatArray:
        """Play events of the next `frames` frames: float32 [parts, 2, frames]."""
        end = self._frame + frames
        out = np.zeros((len(PARTS), 2, frames), np.float32)
        start = self._frame
        for event in events:
            self._write(out, self._frame - start, min(event.frame, end) - self._frame)
            self._send(event)
        self._write(out, self._frame - start, end - self._frame)
        self._history += events
        self._forget()
        return out

    def snapshot(self) -> Tree:
        """Take the events of the last seconds and the instruments before them."""
        return {
            "frame": self._frame,
            "programs": [[part, *program] for part, program in self._old_programs.items()],
            "events": [[e.frame, e.kind, e.part, e.key, e.value] for e in self._history],
        }

    def restore(self, tree: Tree) -> None:
        """Start afresh and replay the stored events in silence."""
        state = cast(dict[str, Any], tree)
        events = [SynthEvent(frame, kind, Part(part), key, value) for frame, kind, part, key, value in state["events"]]
        old = self._synth
        self._open()  # before the old one goes, so that they share the samples and none is decoded again
        self._old_programs = {Part(part): (bank, program) for part, bank, program in state["programs"]}
        self._programs = {}
        self._frame = max(state["frame"] - REPLAY_FRAMES, 0)
        self._history = []
        for part, (bank, program) in self._old_programs.items():
            self._send(SynthEvent(self._frame, "program", part, program, bank))
        step = SAMPLE_RATE_HZ // GRID_FRAMES * GRID_FRAMES
        while self._frame < state["frame"]:
            end = min(self._frame + step, state["frame"])
            self.render([e for e in events if self._frame <= e.frame < end], end - self._frame)
        old.delete()

    def close(self) -> None:
        """Free the synthesiser."""
        self._delete()

    def _open(self) -> None:
        fluid: Any = self._library
        self._synth = fluid.Synth(
            gain=_GAIN,
            samplerate=float(SAMPLE_RATE_HZ),
            channels=_CHANNELS,
            **{
                "synth.reverb.active": 0,
                "synth.chorus.active": 0,
                "synth.audio-channels": len(PARTS),
                "synth.audio-groups": len(PARTS),
                "synth.polyphony": _POLYPHONY,
                "synth.dynamic-sample-loading": 1,
                "synth.threadsafe-api": 0,
            },
        )
        self._fonts: dict[int, int] = {}
        self._font(0)
        _foreign("fluid_synth_set_channel_type", ctypes.c_void_p, ctypes.c_int, ctypes.c_int)(
            self._synth.synth, PARTS.index(Part.DRUMS), _DRUM_CHANNEL_TYPE
        )
        self._nwrite = _foreign("fluid_synth_nwrite_float", ctypes.c_void_p, ctypes.c_int, *[ctypes.c_void_p] * 4)
        self._use_every_voice()

    def _font(self, place: int) -> int:
        """Return FluidSynth's number of a bank, below 0 where it cannot be read; opened when it is first asked for."""
        if place not in self._fonts:
            self._fonts[place] = self._synth.sfload(str(self._banks[place]))
            if self._fonts[place] < 0:
                trouble = f"{self._banks[place]}: not an SF2/SF3 sound bank, or damaged. {REMEDY}"
                if place == 0:
                    self._delete()
                    raise SoundBankError(trouble)
                logger.warning("%s Until then its instruments are replaced.", trouble)
        return self._fonts[place]

    def _use_every_voice(self) -> None:
        """Let each voice sound once, unheard: FluidSynth fades in the first note a voice ever plays, and no later one.

        Otherwise a restored synthesiser would fade in notes that the first one does not.
        """
        if not self._chosen(_SPARE_CHANNEL, *_WARM_UP_PROGRAM):
            return
        for key in range(_POLYPHONY):
            self._synth.noteon(_SPARE_CHANNEL, key + 16, 1)
        unheard = np.zeros((len(PARTS), 2, GRID_FRAMES), np.float32)
        for _ in range(2):
            self._write(unheard, 0, GRID_FRAMES)
            self._synth.all_sounds_off(_SPARE_CHANNEL)
        self._frame -= 2 * GRID_FRAMES

    def _delete(self) -> None:
        if self._synth is not None:
            self._synth.delete()
        self._synth = None

    def _write(self, out: FloatArray, at: int, frames: int) -> None:
        """Render the next frames into `out` from frame `at` on."""
        assert frames >= 0, f"events must be in order and inside the window, got one {-frames} frames early"
        assert frames % GRID_FRAMES == 0, f"expected a multiple of {GRID_FRAMES} frames, got {frames}"
        if frames == 0:
            return
        row_bytes = out.strides[1]
        first = out.ctypes.data + at * out.itemsize
        pointers = ctypes.c_void_p * len(PARTS)
        left = pointers(*[first + 2 * i * row_bytes for i in range(len(PARTS))])
        right = pointers(*[first + (2 * i + 1) * row_bytes for i in range(len(PARTS))])
        self._nwrite(self._synth.synth, frames, left, right, None, None)
        self._frame += frames

    def _send(self, event: SynthEvent) -> None:
        channel = PARTS.index(event.part)
        if event.kind == "on":
            self._synth.noteon(channel, event.key, event.value)
        elif event.kind == "off":
            self._synth.noteoff(channel, event.key)
        else:
            self._select(channel, event.value, event.key)
            self._programs[event.part] = (event.value, event.key)

    def _select(self, channel: int, bank: int, program: int) -> None:
        """Choose an instrument; one that no bank has becomes the nearest of its kind."""
        number = DRUM_BANK if channel == PARTS.index(Part.DRUMS) and bank < DRUM_BANK else bank
        if not self._chosen(channel, number, program):
            names = ", ".join(bank.name for bank in self._banks)
            raise SoundBankError(f"{names}: no instrument {bank}:{program} and none to replace it. {REMEDY}")

    def _chosen(self, channel: int, bank: int, program: int) -> bool:
        """Choose an instrument or the best there is in its place; tell whether there was one."""
        for place, *choice in choices(self._banks, bank, program):
            font = self._font(place)
            if font >= 0 and self._synth.sfpreset_name(font, *choice) is not None:
                self._synth.program_select(channel, font, *choice)
                # pinned: its samples stay while old notes ring out, and every synth of this process finds them decoded
                _foreign("fluid_synth_pin_preset", ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int)(
                    self._synth.synth, font, *choice
                )
                return True
        return False

    def _forget(self) -> None:
        """Drop the events that no restored synthesiser needs."""
        keep_from = self._frame - REPLAY_FRAMES
        kept = 0
        while kept < len(self._history) and self._history[kept].frame < keep_from:
            event = self._history[kept]
            if event.kind == "program":
                self._old_programs[event.part] = (event.value, event.key)
            kept += 1
        del self._history[:kept]


def _load_library() -> object:
    """Import the binding; it looks for the C library when imported, and where `CI` is set it prints what it found."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output may be a pipe that somebody parses
            import fluidsynth
    except (ImportError, OSError, AttributeError) as error:
        raise SoundBankError(f"FluidSynth cannot be loaded ({error}). {LIBRARY_REMEDY}") from error
    return fluidsynth


def _foreign(name: str, *arguments: Any) -> Any:  # noqa: ANN401 - ctypes prototypes
    """Make a function of the C library callable that the binding leaves out."""
    import fluidsynth

    return ctypes.CFUNCTYPE(ctypes.c_int, *arguments)((name, fluidsynth._fl))
