"""Renders one track to its files, as fast as the machine can. Knows nothing about broadcasting or terminals.

The sound is spooled first: its loudness is known when it ends, and files appear only when all of them are whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
import soundfile

from engine import SAMPLE_RATE_HZ, STEMS, Asset, BarStart, FloatArray, Gauge, Player, Track, write_midi
from radio.appearing import appearing
from radio.errors import RenderError
from radio.render_order import Order
from radio.sound_file import LOSSLESS, open_sound

CEILING_DBTP, LOSSY_CEILING_DBTP = -1.0, -2.3
"""No true peak above it; lossy formats overshoot by up to 1.2 dB when they are decoded."""
_GAIN_MAX_DB = 12.0
_COPY_FRAMES = SAMPLE_RATE_HZ
_FRAME_BYTES = 8

Progress = Callable[[int, int], None]
"""Is told frames done and frames in all."""


@dataclass(slots=True)
class Rendered:
    """What came out."""

    bars: list[BarStart] = field(default_factory=list)
    frames: int = 0
    lufs: float = 0.0
    true_peak_dbtp: float = 0.0

    @property
    def seconds(self) -> float:
        """Length of the track."""
        return self.frames / SAMPLE_RATE_HZ

    @property
    def pieces(self) -> list[str]:
        """Titles of the pieces in it, in order."""
        return list(dict.fromkeys(start.bar.piece.title for start in self.bars))


def render(
    order: Order, player: Player, assets: tuple[Asset, ...] = (), progress: Progress = lambda _done, _total: None
) -> Rendered:
    """Write the files of an order; they appear only when they are whole, the sound last. Returns what is in them."""
    sweep(order)
    try:
        with ExitStack() as stack:
            result = Rendered()
            names = ("mix", *(STEMS if order.stems is not None else ()))
            spools = {name: stack.enter_context(_spool(order.out, name)) for name in names}
            _play(order, player, spools, result, progress)
            _write(order, spools, result, assets)
    except (OSError, soundfile.SoundFileRuntimeError, av.FFmpegError) as problem:
        raise RenderError(
            f"{order.out}: cannot be written ({problem}). Check the folder and the free space."
        ) from problem
    return result


def sweep(order: Order) -> None:
    """Remove what a render that was killed left beside the files of an order."""
    stems = [order.stem_path(name) for name in STEMS] if order.stems is not None else []
    for path in filter(None, (order.out, order.midi, *stems)):
        for rest in path.parent.glob(f".{path.stem}*.part"):
            owner = rest.suffixes[-2].lstrip(".") if len(rest.suffixes) > 1 else ""
            if owner.isdigit() and not _lives(int(owner)):
                rest.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _play(
    order: Order, player: Player, spools: dict[str, BinaryIO], result: Rendered, progress: Progress
) -> None:  # fmt: skip
    gauge = Gauge()
    for block in Track(player, order.extent):
        sounds = {"mix": block.samples, **block.stems}
        for name, file in spools.items():
            file.write(np.ascontiguousarray(sounds[name], np.float32).tobytes())
        gauge.add(block.samples)
        result.bars += block.bars
        result.frames += len(block.samples)
        progress(min(result.frames, block.frames_total), block.frames_total)
    result.lufs, result.true_peak_dbtp = gauge.integrated_lufs, gauge.true_peak_dbtp


def _write(order: Order, spools: dict[str, BinaryIO], result: Rendered, assets: tuple[Asset, ...]) -> None:
    """Bring the spooled sound to its loudness, encode it, and let all files appear."""
    gain_db = _gain_db(order, result)
    gain = np.float32(10 ** (gain_db / 20))
    result.lufs, result.true_peak_dbtp = result.lufs + gain_db, result.true_peak_dbtp + gain_db
    tags = order.tags(result.pieces, assets)
    with appearing(order.out) as path, ExitStack() as stack:
        _encode(spools["mix"], path, order.out.suffix.lower(), (tags, gain))
        if order.stems is not None:
            order.stems.mkdir(parents=True, exist_ok=True)
            for name in STEMS:
                stem = order.stem_path(name)
                told = tags | {"title": f"{tags['title']} ({name})"}
                _encode(spools[name], stack.enter_context(appearing(stem)), stem.suffix, (told, gain))
        if order.midi is not None:
            mood = order.setup.mood
            bars = [start.bar for start in result.bars]
            write_midi(bars, {mood.name: mood}, stack.enter_context(appearing(order.midi)))


def _gain_db(order: Order, result: Rendered) -> float:
    """Return what is missing to the loudness asked for, as far as the peaks allow."""
    if order.lufs is None or result.lufs < -70:
        return 0.0
    ceiling_dbtp = CEILING_DBTP if order.out.suffix.lower() in LOSSLESS else LOSSY_CEILING_DBTP
    missing = min(order.lufs - result.lufs, ceiling_dbtp - result.true_peak_dbtp)
    return min(max(missing, -_GAIN_MAX_DB), _GAIN_MAX_DB)


def _encode(spool: BinaryIO, path: Path, suffix: str, dress: tuple[dict[str, str], np.float32]) -> None:
    tags, gain = dress
    spool.seek(0)
    with open_sound(path, suffix, tags) as writer:
        while data := spool.read(_COPY_FRAMES * _FRAME_BYTES):
            samples: FloatArray = np.frombuffer(data, np.float32).reshape(-1, 2) * gain
            writer.write(samples)


@contextmanager
def _spool(beside: Path, name: str) -> Iterator[BinaryIO]:
    """Open a file for raw sound that vanishes when it is closed, even with the process."""
    path = beside.with_name(f".{beside.stem}.{name}.{os.getpid()}.part")
    with path.open("w+b") as file:
        path.unlink()  # the name is not needed any more
        yield file
