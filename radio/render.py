"""Renders a stretch of the programme to a file, as fast as the machine can.

Knows nothing about broadcasting or terminals.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import av
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from engine import SAMPLE_RATE_HZ, BarStart, FloatArray, Mood, RenderedBar, write_midi
from radio.errors import RenderError

FORMATS = (".flac", ".wav", ".mp3")
MAX_SECONDS = 4 * 3600
FADE_IN_FRAMES = SAMPLE_RATE_HZ // 100
FADE_OUT_S = 6.0
_MP3_BITRATE = 192_000


class Player(Protocol):
    """What renders; `engine.Station` is one."""

    def render_bar(self) -> RenderedBar:
        """Return the next bar."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to render, and where to."""

    mood: Mood
    seconds: float
    seed: int
    out: Path
    midi: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done before any work begins."""
        if not 1 <= self.seconds <= MAX_SECONDS:
            raise RenderError(f"--seconds {self.seconds:g}: must be 1 to {MAX_SECONDS}.")
        if not 0 <= self.seed < 1 << 63:
            raise RenderError(f"--seed {self.seed}: must be 0 to {(1 << 63) - 1}.")
        if self.out.suffix.lower() not in FORMATS:
            raise RenderError(
                f"{self.out}: cannot write {self.out.suffix or 'a file without an ending'}. Use {_either()}."
            )
        if self.midi is not None and self.midi.suffix.lower() not in (".mid", ".midi"):
            raise RenderError(f"{self.midi}: a MIDI file ends in .mid.")
        for path in filter(None, (self.out, self.midi)):
            if path.is_dir():
                raise RenderError(f"{path}: this is a folder. Name a file in it.")
            if not path.absolute().parent.is_dir():
                raise RenderError(f"{path}: there is no folder {path.parent}. Make it first.")

    @property
    def frames(self) -> int:
        """Length in frames."""
        return round(self.seconds * SAMPLE_RATE_HZ)

    @property
    def title(self) -> str:
        """How files name themselves."""
        return f"lofi-radio: {self.mood.name}, seed {self.seed}"


def render(order: Order, player: Player, progress: Callable[[int], None] = lambda _frames: None) -> list[BarStart]:
    """Write the files of an order; they appear only when they are whole. Returns the bars that sound in them.

    `progress` is told how many frames are done.
    """
    bars: list[BarStart] = []
    try:
        with _appearing(order.out) as path, _writer(path, order) as writer:
            done = 0
            while done < order.frames:
                block = player.render_bar().block
                bars += [start for start in block.bars if start.frame < order.frames]
                samples = block.samples[: order.frames - done]
                writer.write(samples * envelope(done, len(samples), order.frames)[:, None])
                done += len(samples)
                progress(done)
        if order.midi is not None:
            with _appearing(order.midi) as path:
                write_midi([start.bar for start in bars], {order.mood.name: order.mood}, path)
    except (OSError, soundfile.SoundFileRuntimeError, av.FFmpegError) as problem:
        raise RenderError(
            f"{order.out}: cannot be written ({problem}). Check the folder and the free space."
        ) from problem
    return bars


def envelope(start: int, frames: int, total: int) -> FloatArray:
    """Gain of a stretch: 10 ms up at the beginning, a long cosine down at the end."""
    positions = np.arange(start, start + frames)
    fade_out = min(round(FADE_OUT_S * SAMPLE_RATE_HZ), total // 3)
    up = np.clip(positions / FADE_IN_FRAMES, 0, 1)
    down = np.clip((total - 1 - positions) / fade_out, 0, 1)
    gain: FloatArray = (np.sin(up * np.pi / 2) * np.sin(down * np.pi / 2) ** 2).astype(np.float32)
    return gain


class _Writer(Protocol):
    def __enter__(self) -> Self: ...
    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None: ...
    def write(self, samples: FloatArray) -> None: ...


class _LosslessWriter:
    """FLAC or WAV, 24 bit."""

    def __init__(self, path: Path, order: Order) -> None:
        kind = order.out.suffix[1:].upper()
        self._file = soundfile.SoundFile(path, "w", SAMPLE_RATE_HZ, 2, subtype="PCM_24", format=kind)
        self._file.title = order.title

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        self._file.close()

    def write(self, samples: FloatArray) -> None:
        self._file.write(samples)


class _Mp3Writer:
    """MP3 with a title and the header that players need to seek; the stream's encoder has neither."""

    def __init__(self, path: Path, order: Order) -> None:
        self._container = av.open(str(path), "w", format="mp3")
        self._container.metadata["title"] = order.title
        stream = self._container.add_stream("libmp3lame", rate=SAMPLE_RATE_HZ, layout="stereo")
        assert isinstance(stream, AudioStream)
        stream.bit_rate = _MP3_BITRATE
        self._stream = stream
        self._frames = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def write(self, samples: FloatArray) -> None:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout="stereo")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts = self._frames
        self._frames += len(samples)
        self._container.mux(self._stream.encode(frame))


def _writer(path: Path, order: Order) -> _Writer:
    return _Mp3Writer(path, order) if order.out.suffix.lower() == ".mp3" else _LosslessWriter(path, order)


@contextmanager
def _appearing(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; it takes its place when all went well, else it vanishes."""
    hidden = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield hidden
        hidden.replace(path)
    finally:
        hidden.unlink(missing_ok=True)


def _either() -> str:
    return f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
