"""Loops: vinyl, ambience and fills from files, played without a seam. Knows nothing about moods or mixing.

A folder `loops/` holds `vinyl/`, `ambience/` and `fills/`, each file 48 kHz stereo. A file's level does not matter: the
library measures it and plays it at the loudness that is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import soundfile

from engine.errors import LoopError
from engine.loudness import SILENT_LUFS, integrated_lufs
from engine.types import SAMPLE_RATE_HZ, FloatArray, Tree

CROSS_FRAMES = 3 * SAMPLE_RATE_HZ
GAUGE_FRAMES = SAMPLE_RATE_HZ * 2 // 5
"""Shortest recording that has a loudness."""
_REMEDY = "Run `python -m loops.make` to make the loops again."


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """One recording."""

    name: str
    samples: FloatArray
    """float32 [2, frames], read-only."""
    loudness_lufs: float
    path: Path | None = None


class LoopLibrary:
    """All loops of a folder, by kind (`vinyl`, `ambience`, `fills`) and name."""

    NOTHING = "none"
    """Name of the loop that is silence."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loops: dict[tuple[str, str], Loop] = {}

    def names(self, kind: str) -> tuple[str, ...]:
        """Names of one kind that there are."""
        return tuple(sorted(path.stem for path in (self._folder / kind).glob("*.flac")))

    def paths(self) -> tuple[Path, ...]:
        """Every loop file."""
        return tuple(sorted(self._folder.glob("*/*.flac")))

    def get(self, kind: str, name: str) -> Loop:
        """Read a loop, once; raise LoopError when it is missing or of another format."""
        if (kind, name) not in self._loops:
            self._loops[kind, name] = self._silence() if name == self.NOTHING else self._read(kind, name)
        return self._loops[kind, name]

    @staticmethod
    def _silence() -> Loop:
        return Loop(LoopLibrary.NOTHING, np.zeros((2, SAMPLE_RATE_HZ), np.float32), SILENT_LUFS)

    def _read(self, kind: str, name: str) -> Loop:
        path = self._folder / kind / f"{name}.flac"
        if not path.is_file():
            known = ", ".join(self.names(kind)) or "no loop at all"
            raise LoopError(f"{path}: no such loop; the folder has {known}. {_REMEDY}")
        try:
            samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, OSError) as error:
            raise LoopError(f"{path}: cannot be read ({error}). {_REMEDY}") from error
        if rate_hz != SAMPLE_RATE_HZ or samples.shape[1] != 2 or len(samples) < GAUGE_FRAMES:
            raise LoopError(
                f"{path}: expected 48 kHz stereo of 0.4 s or more, "
                f"got {rate_hz} Hz, {samples.shape[1]} channels, {len(samples)} frames. {_REMEDY}"
            )
        planar = np.ascontiguousarray(samples.T)
        planar.setflags(write=False)
        return Loop(name, planar, integrated_lufs(samples), path)


class LoopPlayer:
    """Plays one loop round and round; another one takes over by an equal-power crossfade."""

    def __init__(self, library: LoopLibrary, kind: str, name: str) -> None:
        self._library, self._kind = library, kind
        self._loop = library.get(kind, name)
        self._wanted = self._loop
        self._next: Loop | None = None
        self._frame = 0
        self._at = 0

    def aim(self, name: str) -> None:
        """Cross over to another loop; a change during a crossing waits for its end."""
        self._wanted = self._library.get(self._kind, name)

    def take(self, frames: int, level_lufs: float) -> FloatArray:
        """Return the next float32 [2, frames] at a loudness."""
        pieces: list[FloatArray] = []
        left = frames
        while left:
            if self._next is None and self._wanted.name != self._loop.name:
                self._next, self._at = self._wanted, 0
            span = left if self._next is None else min(left, CROSS_FRAMES - self._at)
            pieces.append(self._take(span, level_lufs))
            left -= span
        return np.concatenate(pieces, axis=1) if pieces else np.zeros((2, 0), np.float32)

    def snapshot(self) -> Tree:
        """Take the state."""
        return {
            "loop": self._loop.name,
            "next": self._next.name if self._next else None,
            "wanted": self._wanted.name,
            "frame": self._frame,
            "at": self._at,
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._loop = self._library.get(self._kind, state["loop"])
        self._next = self._library.get(self._kind, state["next"]) if state["next"] else None
        self._wanted = self._library.get(self._kind, state["wanted"])
        self._frame, self._at = state["frame"], state["at"]

    def _take(self, frames: int, level_lufs: float) -> FloatArray:
        """Read a stretch that lies inside or outside a crossing."""
        out = self._read(self._loop, frames, level_lufs)
        if self._next is not None:
            angle = np.arange(self._at, self._at + frames) / CROSS_FRAMES * (np.pi / 2)
            out *= np.cos(angle).astype(np.float32)
            out += self._read(self._next, frames, level_lufs) * np.sin(angle).astype(np.float32)
            self._at += frames
            if self._at == CROSS_FRAMES:
                self._loop, self._next = self._next, None
        self._frame += frames
        return out

    def _read(self, loop: Loop, frames: int, level_lufs: float) -> FloatArray:
        """Read from the absolute frame on, round the end."""
        if loop.loudness_lufs <= SILENT_LUFS:
            return np.zeros((2, frames), np.float32)
        length = loop.samples.shape[1]
        pieces = []
        first, left = self._frame % length, frames
        while left:
            piece = loop.samples[:, first : first + left]
            pieces.append(piece)
            left -= piece.shape[1]
            first = 0
        gain = np.float32(10.0 ** ((level_lufs - loop.loudness_lufs) / 20.0))
        joined = np.concatenate(pieces, axis=1) if pieces else np.zeros((2, 0), np.float32)
        return joined * gain
