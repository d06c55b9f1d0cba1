"""Hears the notes of a recording with Basic Pitch's own network, run by onnxruntime. Knows nothing about files.

The network (Bittner et al., ICASSP 2022; Apache-2.0, package `basic-pitch`) says for each 11.6 ms how likely each of 88
keys sounds and how likely it is struck. What becomes a note of that is decided here, by rules of our own.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import PromptError
from engine.midi_in import TimedNote
from engine.types import FloatArray

PITCH_RATE_HZ = 22_050
_HOP = 256
_WINDOW = 2 * PITCH_RATE_HZ - _HOP
"""Samples that the network sees at once."""
_EDGE_FRAMES = 16
"""Frames at each end of a window that know too little of what is around them."""
_FRAMES = 172
_STRIDE = (_FRAMES - 2 * _EDGE_FRAMES) * _HOP
_LOWEST_KEY = 21
_ONSET, _SOUNDS = 0.5, 0.3
"""How sure the network must be that a key is struck, and that it sounds on."""
_STRUCK_AGAIN, _FULL = 0.86, 0.45
"""The same of a key that sounds already, and of the first 0.1 s of any note."""
_UNSTRUCK = 0.55
"""A note that is not struck must sound as surely as this, where nothing struck explains it."""
_GAP_FRAMES = 5
_SHORTEST_FRAMES = 6
_OVERTONES = (12, 19, 24, 28, 31)
_OVERTONE_SHARE = 0.72
"""A key on an overtone of one struck with it is one of its own only if it is struck nearly as surely."""
_MODEL = Path("saved_models/icassp_2022/nmp.onnx")
_REMEDY = "Run deploy/setup.sh radio, or: pip install --no-deps basic-pitch==0.4.0"

Posterior = npt.NDArray[np.float32]
"""float32 [frames, 88]"""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the network says."""

    sounds: Posterior
    onsets: Posterior


def transcribe(sound: FloatArray) -> list[TimedNote]:
    """Return the notes in float32 [frames], mono, at 22,050 Hz, in order of time.

    Raises:
        PromptError: the network is not installed.
    """
    return notes_in(hear(sound))


def hear(sound: FloatArray) -> Heard:
    """Run the network over a recording."""
    session = _session()
    lead = _EDGE_FRAMES * _HOP
    peak = float(np.abs(sound).max(initial=0.0))
    line = np.concatenate([np.zeros(lead, np.float32), sound / max(peak, 1e-6), np.zeros(_WINDOW, np.float32)])
    sounds, onsets = [], []
    for start in range(0, len(sound), _STRIDE):
        window = line[start : start + _WINDOW].astype(np.float32).reshape(1, -1, 1)
        inner = slice(_EDGE_FRAMES, _FRAMES - _EDGE_FRAMES)
        note, onset = _answers(session, window)
        sounds.append(note[inner])
        onsets.append(onset[inner])
    count = len(sound) // _HOP + 1
    return Heard(np.concatenate(sounds)[:count], np.concatenate(onsets)[:count])


def notes_in(heard: Heard) -> list[TimedNote]:
    """Turn what the network says into notes."""
    sounds, struck = heard.sounds, heard.onsets
    notes: list[TimedNote] = []
    taken = np.zeros(sounds.shape, np.bool_)
    for frame, key in _strikes(struck):
        if _is_overtone(struck, sounds, frame, key) or _is_echo(struck, sounds, frame, key):
            continue
        end = _end_of(sounds, struck, frame, key)
        if end - frame >= _SHORTEST_FRAMES:
            taken[max(frame - 2, 0) : end, key] = True
            notes.append(_note(frame, end, key, float(struck[frame, key])))
    free = np.where(taken, 0.0, sounds)
    for key in range(sounds.shape[1]):
        notes += _held_notes(free, taken, key)
    return sorted(notes)


def _strikes(struck: Posterior) -> list[tuple[int, int]]:
    """Return (frame, key) of every peak of the onsets, in order of time."""
    padded = np.pad(struck, ((1, 1), (0, 0)))
    peak = (struck >= _ONSET) & (struck >= padded[:-2]) & (struck > padded[2:])
    frames, keys = np.nonzero(peak)
    return list(zip(frames.tolist(), keys.tolist(), strict=True))


def _is_overtone(struck: Posterior, sounds: Posterior, frame: int, key: int) -> bool:
    around = slice(max(frame - 3, 0), frame + 4)
    own = struck[around, key].max() * sounds[frame : frame + 8, key].mean()
    for step in _OVERTONES:
        if key >= step:
            base = struck[around, key - step].max()
            if base >= _ONSET and own < _OVERTONE_SHARE * base * sounds[frame : frame + 8, key - step].mean() * 0.75:
                return True
    return False


def _is_echo(struck: Posterior, sounds: Posterior, frame: int, key: int) -> bool:
    """Tell whether a strike is none: a key that sounds on while another is struck, or one that hardly sounds."""
    before = sounds[max(frame - 4, 0) : frame, key]
    sounds_on = len(before) == 4 and float(before.min()) > _SOUNDS
    return (sounds_on and float(struck[frame, key]) < _STRUCK_AGAIN) or float(
        sounds[frame : frame + 8, key].mean()
    ) < _FULL


def _end_of(sounds: Posterior, struck: Posterior, frame: int, key: int) -> int:
    """Return the frame at which a note has ended: it is silent for a while, or struck again."""
    quiet, now = 0, frame + 1
    while now < len(sounds) and quiet < _GAP_FRAMES:
        if now > frame + 3 and struck[now, key] >= _STRUCK_AGAIN and struck[now, key] > struck[now - 1, key]:
            return now
        quiet = quiet + 1 if sounds[now, key] < _SOUNDS else 0
        now += 1
    return now - quiet


def _held_notes(free: npt.NDArray[Any], taken: npt.NDArray[np.bool_], key: int) -> list[TimedNote]:
    """Return notes of a key that sound surely for long without having been struck."""
    sure = free[:, key] >= _UNSTRUCK
    edges = np.flatnonzero(np.diff(np.concatenate([[False], sure, [False]]).astype(np.int8)))
    notes = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        neighbours = [other for other in (key - 1, key + 1, *(key - step for step in _OVERTONES)) if 0 <= other < 88]
        explained = any(taken[start:end, other].mean() > 0.5 for other in neighbours)
        if end - start >= 3 * _SHORTEST_FRAMES and not explained and not taken[max(start - 10, 0) : start, key].any():
            notes.append(_note(start, end, key, float(free[start:end, key].mean())))
    return notes


def _note(frame: int, end: int, key: int, sureness: float) -> TimedNote:
    velocity = round(30 + 70 * min(max(sureness, 0.0), 1.0))
    return TimedNote(frame * _HOP / PITCH_RATE_HZ, end * _HOP / PITCH_RATE_HZ, key + _LOWEST_KEY, velocity)


@cache
def _session() -> Any:  # noqa: ANN401 - onnxruntime has no types
    found = find_spec("basic_pitch")
    folder = Path(found.submodule_search_locations[0]) if found and found.submodule_search_locations else None
    if folder is None or not (folder / _MODEL).is_file():
        raise PromptError(f"recordings need the network of the package basic-pitch, which is not here. {_REMEDY}")
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # as in recurrence.py: nobody is told of our work
    import onnxruntime  # 17 MB that a station without recordings does not need

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(folder / _MODEL), options, providers=["CPUExecutionProvider"])


def _answers(session: Any, window: Posterior) -> tuple[Posterior, Posterior]:  # noqa: ANN401 - onnxruntime has no types
    """Return how likely keys sound and are struck in a window, float32 [172, 88] each."""
    note, onset = session.run(["StatefulPartitionedCall:1", "StatefulPartitionedCall:2"], {_input(session): window})
    return note[0], onset[0]


def _input(session: Any) -> str:  # noqa: ANN401 - onnxruntime has no types
    return str(session.get_inputs()[0].name)
