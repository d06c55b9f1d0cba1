"""Hears a player: a MIDI keyboard or a microphone, for as long as they play. Knows nothing about prompts.

Whoever has none gets a sentence. Nothing is kept of what is heard but its notes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import mido
import numpy as np

from engine import PITCH_RATE_HZ, FloatArray, TimedNote, transcribe
from radio.errors import RenderError

LIVE = {"midi": "the keyboard", "mic": "the microphone"}
LISTEN_S = 60.0
PAUSE_S = 4.0
"""So long a silence ends the playing."""
_POLL_S = 0.005
_MIC_S = 15.0
_QUIET = 1e-3

Say = Callable[[str], None]


def listen(way: str, say: Say = lambda _line: None) -> list[TimedNote]:
    """Return what a player plays on a way of `LIVE`.

    Raises:
        RenderError: there is no such way or no such device.
    """
    if way not in LIVE:
        raise RenderError(f"--prompt-live {way}: is neither midi nor mic.")
    return hear_keyboard(say) if way == "midi" else hear_microphone(say)


def hear_keyboard(say: Say, backend: Any = mido, now_s: Callable[[], float] = time.monotonic) -> list[TimedNote]:  # noqa: ANN401 - mido has no types
    """Return what is played on the first MIDI keyboard until a pause."""
    try:
        names = list(backend.get_input_names())
    except (ImportError, OSError, RuntimeError) as problem:
        raise RenderError(
            f"MIDI keyboards cannot be reached ({problem}). pip install python-rtmidi, or use --prompt-midi FILE."
        ) from problem
    keyboards = [name for name in names if "through" not in name.lower()]
    if not keyboards:
        raise RenderError("there is no MIDI keyboard here. Plug one in, or use --prompt-midi FILE.")
    say(f"Play on {keyboards[0]}; a pause of {PAUSE_S:g} s ends it.")
    with backend.open_input(keyboards[0]) as port:
        return notes_played(port.iter_pending, now_s)


def notes_played(pending: Callable[[], Iterable[Any]], now_s: Callable[[], float]) -> list[TimedNote]:
    """Collect notes from a port until a pause after the first one, or until a minute is over."""
    began = last = now_s()
    held: dict[int, tuple[float, int]] = {}
    notes: list[TimedNote] = []
    while (now := now_s()) - began < LISTEN_S and (not notes or held or now - last < PAUSE_S):
        for message in pending():
            if message.type not in ("note_on", "note_off"):
                continue
            last = now
            if message.note in held:
                start, velocity = held.pop(message.note)
                notes.append(TimedNote(start - began, now - began, message.note, velocity))
            if message.type == "note_on" and message.velocity:
                held[message.note] = (now, message.velocity)
        time.sleep(_POLL_S)
    end = now_s()
    notes += [TimedNote(start - began, end - began, pitch, velocity) for pitch, (start, velocity) in held.items()]
    return sorted(notes)


def hear_microphone(say: Say, record: Callable[[float], FloatArray] | None = None) -> list[TimedNote]:
    """Return the notes that the microphone hears in a quarter of a minute."""
    say(f"Play or sing for {_MIC_S:g} s.")
    sound = (record or _record)(_MIC_S)
    if float(np.abs(sound).max(initial=0.0)) < _QUIET:
        raise RenderError("the microphone hears nothing. Turn it up, or use --prompt-audio FILE.")
    return transcribe(sound)


def _record(seconds: float) -> FloatArray:
    try:
        import sounddevice  # needs PortAudio, which a radio does not

        frames = round(seconds * PITCH_RATE_HZ)
        sound: FloatArray = sounddevice.rec(frames, PITCH_RATE_HZ, 1, dtype="float32", blocking=True)
    except OSError as problem:  # no PortAudio
        raise RenderError(f"the microphone cannot be reached ({problem}). apt-get install libportaudio2.") from problem
    except Exception as problem:
        if type(problem).__name__ != "PortAudioError":  # its class cannot be named where PortAudio is missing
            raise
        raise RenderError(f"there is no microphone here ({problem}). Use --prompt-audio FILE.") from problem
    return sound.reshape(-1)
