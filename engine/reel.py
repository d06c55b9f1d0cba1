"""A recording, compressed until it is heard, then decoded piece by piece. Knows nothing about levels or moods.

All loops are 12 MB of FLAC and 68 MB of samples, of which a mood hears four. A recording takes 13 ms of a core to
decode: spread over its first round nothing waits for it, and what is in memory cannot fail when the disk does.
"""

from __future__ import annotations

import io
from typing import cast

import numpy as np
import numpy.typing as npt
import soundfile

Samples = npt.NDArray[np.int16]

PIECE_FRAMES = 1 << 15
"""So much is decoded at once, 0.7 s."""


def decode(data: bytes) -> Samples:
    """Return a whole recording, int16 [frames, channels]; raise SoundFileError when it is damaged."""
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        return cast(Samples, file.read(dtype="int16", always_2d=True))


class Reel:
    """One recording, read from any frame on."""

    def __init__(self, data: bytes) -> None:
        """Take a recording that `decode` has found whole."""
        self._file = soundfile.SoundFile(io.BytesIO(data))
        self._frames: int = self._file.frames
        self._samples: Samples = np.empty((self._file.channels, self._frames), np.int16)
        self._missing = set(range(0, self._frames, PIECE_FRAMES))

    def read(self, frame: int, frames: int) -> Samples:
        """Return int16 [channels, frames] from a frame on, round the end as often as needed."""
        first = frame % self._frames
        end = first + frames
        self._see_to(first, min(end, self._frames))
        if end <= self._frames:
            return self._samples[:, first:end]
        self._see_to(0, end - self._frames)
        return np.take(self._samples, np.arange(first, end), axis=1, mode="wrap")

    def _see_to(self, first: int, end: int) -> None:
        """Decode what is missing between two frames."""
        for start in range(first // PIECE_FRAMES * PIECE_FRAMES, min(end, self._frames), PIECE_FRAMES):
            if start in self._missing:
                if self._file.tell() != start:
                    self._file.seek(start)
                piece = self._file.read(PIECE_FRAMES, dtype="int16", always_2d=True)
                self._samples[:, start : start + len(piece)] = piece.T
                self._missing.remove(start)
