"""Decodes sound that somebody brings, in any format that FFmpeg reads. Knows nothing about notes.

Files come from anywhere: whatever is wrong with one, a PromptError says so; nothing else gets out.
"""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler

from engine import PITCH_RATE_HZ, FloatArray, PromptError

SOUND_BYTES_MAX = 256 << 20
_SHORTEST_S = 0.5
_SAFE = {
    "format_whitelist": "wav,w64,flac,mp3,ogg,mov,mp4,aac,aiff,caf,au,matroska,webm,opus",
    "protocol_whitelist": "none",
}
"""Plain sound files only: a playlist would have FFmpeg open other files and servers."""
_BROKEN = (OSError, av.FFmpegError, ValueError, IndexError, TypeError, MemoryError, UnicodeError, OverflowError)
"""What PyAV raises for files that are damaged."""


def decode_sound(source: Path | bytes, name: str, seconds: float) -> FloatArray:
    """Return the first seconds of a recording, float32 [frames], mono, at the pitch model's rate.

    Raises:
        PromptError: there is none, it is damaged, silent or too short.
    """
    _check_size(source, name)
    # by a handle, never by name: FFmpeg would follow a playlist to other files and servers
    opened = io.BytesIO(source) if isinstance(source, bytes) else _open(source, name)
    with opened as file:
        try:
            sound = _decoded(file, round(seconds * PITCH_RATE_HZ), name)
        except _BROKEN as problem:
            said = " ".join(str(problem).split())[:120] or type(problem).__name__
            raise PromptError(f"{name}: no sound that can be read ({said}). WAV, FLAC, MP3, M4A and Opus can.") from (
                problem
            )
    if len(sound) < _SHORTEST_S * PITCH_RATE_HZ:
        raise PromptError(f"{name}: {len(sound) / PITCH_RATE_HZ:.2f} s of sound are too short to hear notes in.")
    if not np.isfinite(sound).all() or float(np.abs(sound).max()) < 1e-4:
        raise PromptError(f"{name}: silence, or numbers that are no sound.")
    return sound


def _check_size(source: Path | bytes, name: str) -> None:
    try:
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
    except OSError as problem:
        raise PromptError(f"{name}: cannot be read ({problem.strerror}). Name a sound file.") from problem
    if size > SOUND_BYTES_MAX:
        raise PromptError(f"{name}: more than {SOUND_BYTES_MAX >> 20} MiB. Cut a passage out of it.")


def _open(path: Path, name: str) -> io.BufferedReader:
    try:
        return path.open("rb")
    except OSError as problem:
        raise PromptError(f"{name}: cannot be read ({problem.strerror}). Name a sound file.") from problem


def _decoded(file: io.BufferedIOBase, frames: int, name: str) -> FloatArray:
    pieces: list[FloatArray] = []
    got = 0
    resampler = AudioResampler(format="flt", layout="mono", rate=PITCH_RATE_HZ)
    with av.open(file, mode="r", options=_SAFE) as container:
        if not container.streams.audio:
            raise PromptError(f"{name}: has no sound in it.")
        for frame in container.decode(container.streams.audio[0]):
            for part in resampler.resample(frame):
                pieces.append(np.asarray(part.to_ndarray(), np.float32).reshape(-1))
                got += len(pieces[-1])
            if got >= frames:
                break
    sound = np.concatenate(pieces)[:frames] if pieces else np.zeros(0, np.float32)
    return np.asarray(sound, np.float32)
