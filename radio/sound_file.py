"""Writes sound files: FLAC and WAV with 24 bits, MP3, Opus, AAC, each with its tags. Knows nothing about music."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, Self

import av
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from engine import SAMPLE_RATE_HZ, FloatArray

SUFFIXES = (".flac", ".wav", ".mp3", ".opus", ".m4a")
LOSSLESS = (".flac", ".wav")
_CODECS = {
    ".mp3": ("mp3", "libmp3lame", 192_000, "fltp"),
    ".opus": ("opus", "libopus", 128_000, "flt"),
    ".m4a": ("ipod", "aac", 192_000, "fltp"),
}
"""Container, codec, bits a second, sample format."""
_SOUNDFILE_TAGS = ("title", "artist", "comment", "copyright", "genre")


class SoundWriter(Protocol):
    """A file that takes sound."""

    def __enter__(self) -> Self: ...
    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None: ...
    def write(self, samples: FloatArray) -> None:
        """Take float32 [frames, 2] in [-1, 1]."""


def open_sound(path: Path, suffix: str, tags: Mapping[str, str]) -> SoundWriter:
    """Open a file of the kind that a suffix names, whatever the path's own."""
    return _Lossless(path, suffix, tags) if suffix in LOSSLESS else _Lossy(path, suffix, tags)


def read_comment(path: Path) -> str | None:
    """Return the comment of a sound file; None where there is none or it cannot be read."""
    try:
        with av.open(str(path)) as container:
            stream_tags = {key.lower(): value for s in container.streams.audio for key, value in s.metadata.items()}
            tags = {key.lower(): value for key, value in container.metadata.items()}
    except (OSError, av.FFmpegError):
        return None
    return tags.get("comment", stream_tags.get("comment"))


class _Lossless:
    """FLAC or WAV, 24 bit."""

    def __init__(self, path: Path, suffix: str, tags: Mapping[str, str]) -> None:
        kind = suffix[1:].upper()
        self._file = soundfile.SoundFile(path, "w", SAMPLE_RATE_HZ, 2, subtype="PCM_24", format=kind)
        for name in _SOUNDFILE_TAGS:
            if name in tags:
                setattr(self._file, name, tags[name])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        self._file.close()

    def write(self, samples: FloatArray) -> None:
        """Take float32 [frames, 2] in [-1, 1]."""
        self._file.write(samples)


class _Lossy:
    """A codec of FFmpeg's, with the header that players need to seek; the stream's encoders have neither."""

    def __init__(self, path: Path, suffix: str, tags: Mapping[str, str]) -> None:
        container, codec, bits, self._format = _CODECS[suffix]
        self._container = av.open(str(path), "w", format=container)
        self._container.metadata.update(tags)
        # without noise substitution: of a loud snare it made peaks of +2.9 dBTP
        options = {"aac_pns": "0"} if codec == "aac" else {}
        stream = self._container.add_stream(codec, rate=SAMPLE_RATE_HZ, layout="stereo", options=options)
        assert isinstance(stream, AudioStream)
        stream.bit_rate = bits
        self._stream = stream
        self._frames = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def write(self, samples: FloatArray) -> None:
        """Take float32 [frames, 2] in [-1, 1]."""
        interleaved = self._format == "flt"
        values = samples.reshape(1, -1) if interleaved else samples.T
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(values), format=self._format, layout="stereo")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts = self._frames
        self._frames += len(samples)
        self._container.mux(self._stream.encode(frame))
