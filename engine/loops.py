"""Loops: vinyl, ambience and fills from files, played without a seam. Knows nothing about moods or mixing.

A folder `loops/` holds `vinyl/`, `ambience/` and `fills/`, each file 48 kHz stereo. A file's level does not matter: the
library measures it and plays it at the loudness that is asked for. What does not sound stays compressed (`reel.py`).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import soundfile

from engine.errors import LoopError
from engine.filters import db_to_gain
from engine.loudness import SILENT_LUFS, integrated_lufs
from engine.reel import Reel, decode
from engine.types import SAMPLE_RATE_HZ, FloatArray, Tree

OFF_DB = -90.0
"""A loop so soft is off."""
GAUGE_FRAMES = SAMPLE_RATE_HZ * 2 // 5
"""Shortest recording that has a loudness."""
_FULL_SCALE = 32_768.0
_REMEDY = "Run `python -m loops.make` to make the loops again."


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """One recording."""

    name: str
    data: bytes
    """As it was compressed; nothing, of silence."""
    frames: int
    loudness_lufs: float
    path: Path | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    """Words of the form key=value in the file's comment."""

    @property
    def sound(self) -> FloatArray:
        """The whole recording, float32 [2, frames] in [-1, 1]."""
        if not self.data:
            return np.zeros((2, self.frames), np.float32)
        return cast(FloatArray, decode(self.data).T.astype(np.float32, order="C") / np.float32(_FULL_SCALE))


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
        return Loop(LoopLibrary.NOTHING, b"", SAMPLE_RATE_HZ, SILENT_LUFS)

    def _read(self, kind: str, name: str) -> Loop:
        path = self._folder / kind / f"{name}.flac"
        if not path.is_file():
            known = ", ".join(self.names(kind)) or "no loop at all"
            raise LoopError(f"{path}: no such loop; the folder has {known}. {_REMEDY}")
        try:
            data = path.read_bytes()
            with soundfile.SoundFile(io.BytesIO(data)) as file:
                rate_hz, tags = file.samplerate, _tags(file.comment)
            samples = decode(data)
        except (soundfile.SoundFileError, OSError) as error:
            raise LoopError(f"{path}: cannot be read ({error}). {_REMEDY}") from error
        if rate_hz != SAMPLE_RATE_HZ or samples.shape[1] != 2 or len(samples) < GAUGE_FRAMES:
            raise LoopError(
                f"{path}: expected 48 kHz stereo of 0.4 s or more, "
                f"got {rate_hz} Hz, {samples.shape[1]} channels, {len(samples)} frames. {_REMEDY}"
            )
        loudness_lufs = integrated_lufs(samples.astype(np.float32) / np.float32(_FULL_SCALE))
        return Loop(name, data, len(samples), loudness_lufs, path, tags)


class Layers:
    """Loops of one kind that sound together; any of them comes, goes or changes its level at equal power.

    Powers move along half a cosine and sum up to what was asked for at every moment of a crossfade.
    """

    CROSS_FRAMES = 3 * SAMPLE_RATE_HZ

    def __init__(self, library: LoopLibrary, kind: str, levels_db: Mapping[str, float]) -> None:
        self._library, self._kind = library, kind
        self._fades = {name: _Fade.standing(_power(db)) for name, db in levels_db.items()}
        for name in self._fades:
            library.get(kind, name)
        self._reels: dict[str, Reel] = {}
        """Of those that sound."""
        self._frame = 0

    def aim(self, levels_db: Mapping[str, float]) -> None:
        """Cross over to other loops or levels, dB over the loudness that `take` is asked for."""
        for name in levels_db:
            self._library.get(self._kind, name)
        for name in self._fades.keys() | levels_db.keys():
            power = _power(levels_db[name]) if name in levels_db else 0.0
            fade = self._fades.get(name, _Fade.standing(0.0))
            if fade.to_power != power:
                self._fades[name] = _Fade(fade.now(self.CROSS_FRAMES), power, 0)

    def take(self, frames: int, level_lufs: float) -> FloatArray:
        """Return the next float32 [2, frames]; 0 dB is `level_lufs`."""
        out = np.zeros((2, frames), np.float32)
        for name in sorted(self._fades):
            fade = self._fades[name]
            loop = self._library.get(self._kind, name)
            if loop.loudness_lufs > SILENT_LUFS:
                gain = np.float32(db_to_gain(level_lufs - loop.loudness_lufs) / _FULL_SCALE)
                out += self._reel(loop).read(self._frame, frames) * (fade.take(frames, self.CROSS_FRAMES) * gain)
            else:
                fade.take(frames, self.CROSS_FRAMES)
        self._fades = {name: fade for name, fade in self._fades.items() if fade.to_power or fade.at < self.CROSS_FRAMES}
        self._reels = {name: reel for name, reel in self._reels.items() if name in self._fades}
        self._frame += frames
        return out

    def snapshot(self) -> Tree:
        """Take the state."""
        fades = {name: [fade.from_power, fade.to_power, fade.at] for name, fade in self._fades.items()}
        return {"fades": fades, "frame": self._frame}

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        state = cast(dict[str, Any], tree)
        self._fades = {name: _Fade(*fade) for name, fade in state["fades"].items()}
        self._frame = state["frame"]

    def _reel(self, loop: Loop) -> Reel:
        if loop.name not in self._reels:
            self._reels[loop.name] = Reel(loop.data)
        return self._reels[loop.name]


@dataclass(slots=True)
class _Fade:
    """A power on its way."""

    from_power: float
    to_power: float
    at: int

    @classmethod
    def standing(cls, power: float) -> Self:
        return cls(power, power, Layers.CROSS_FRAMES)

    def now(self, length: int) -> float:
        share = 0.5 - 0.5 * float(np.cos(np.pi * self.at / length))
        return self.from_power + (self.to_power - self.from_power) * share

    def take(self, frames: int, length: int) -> FloatArray | np.float32:
        """Advance; return the gains of the next frames (one number while it stands still)."""
        if self.at >= length:
            return np.float32(np.sqrt(self.to_power))
        steps = np.minimum(np.arange(self.at + 1, self.at + frames + 1), length)
        self.at = min(self.at + frames, length)
        share = 0.5 - 0.5 * np.cos(steps * (np.pi / length))
        return cast(FloatArray, np.sqrt(self.from_power + (self.to_power - self.from_power) * share).astype(np.float32))


def _power(db: float) -> float:
    return 0.0 if db <= OFF_DB else db_to_gain(db) ** 2


def _tags(comment: str) -> dict[str, str]:
    """Read `bpm=60 place=before` from a file's comment."""
    return dict(word.split("=", 1) for word in comment.split() if "=" in word)
