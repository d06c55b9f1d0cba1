"""Turns sound into the bytes that listeners get. Knows nothing about who listens or what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from engine import SAMPLE_RATE_HZ, AudioBlock
from radio.errors import EncoderError

MP3_FRAMES = 1152
"""Frames of sound in one MP3 frame (MPEG 1, layer III)."""
MP3_DELAY_FRAMES = 1105
"""LAME's encoder delay as FFmpeg counts it: so much of the first MP3 frame lies before our first frame."""


@dataclass(frozen=True, slots=True)
class EncodedChunk:
    """A stretch of the broadcast as bytes: whole codec frames, so that a listener may start with any chunk."""

    start_frame: int
    """Position of its first frame in the broadcast; the very first lies before 0 by the encoder's delay."""
    frames: int
    data: bytes


class Encoder(Protocol):
    """A codec that runs for as long as the station."""

    content_type: str
    bitrate_kbps: int

    def encode(self, block: AudioBlock) -> EncodedChunk | None:
        """Take the block that follows the last one; None while the codec still waits for more."""

    def flush(self) -> EncodedChunk | None:
        """End the stream: what was still inside the codec. Nothing may be encoded afterwards."""


class Mp3Encoder:
    """MP3 at a constant bit rate, 48 kHz stereo, every MP3 frame decodable by itself."""

    content_type = "audio/mpeg"

    def __init__(self, bitrate_kbps: int = 128) -> None:
        self.bitrate_kbps = bitrate_kbps
        try:
            context = av.CodecContext.create("libmp3lame", "w")
        except (av.FFmpegError, ValueError) as problem:
            raise EncoderError(
                f"MP3: PyAV {av.__version__} cannot make the encoder libmp3lame ({problem}). "
                "Install PyAV from its wheel: it brings LAME along."
            ) from problem
        assert isinstance(context, AudioCodecContext)
        context.sample_rate = SAMPLE_RATE_HZ
        context.layout = "stereo"
        context.format = "fltp"
        context.bit_rate = bitrate_kbps * 1000
        # no bit reservoir: who joins anywhere decodes from the first frame, and a dropped chunk harms no other
        context.options = {"reservoir": "0"}
        context.open()
        self._context = context
        self._rest = np.zeros((0, 2), np.float32)
        self._frames_in = 0
        self._next_frame: int | None = None

    def encode(self, block: AudioBlock) -> EncodedChunk | None:
        """Encode the block; what does not fill an MP3 frame waits for the next one."""
        if self._next_frame is None:
            self._next_frame = block.start_frame - MP3_DELAY_FRAMES
        samples = np.concatenate((self._rest, block.samples)) if len(self._rest) else block.samples
        whole = len(samples) // MP3_FRAMES * MP3_FRAMES
        data = b"".join(self._encode_frame(samples[at : at + MP3_FRAMES]) for at in range(0, whole, MP3_FRAMES))
        self._rest = samples[whole:].copy()
        return self._chunk(data)

    def flush(self) -> EncodedChunk | None:
        """Fill up the last MP3 frame with silence and empty the codec."""
        data = b""
        if len(self._rest):
            last = np.zeros((MP3_FRAMES, 2), np.float32)
            last[: len(self._rest)] = self._rest
            self._rest = self._rest[:0]
            data = self._encode_frame(last)
        return self._chunk(data + b"".join(bytes(packet) for packet in self._context.encode(None)))

    def _encode_frame(self, samples: np.ndarray) -> bytes:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout="stereo")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts = self._frames_in  # 64 bit: wraps after six million years
        self._frames_in += MP3_FRAMES
        return b"".join(bytes(packet) for packet in self._context.encode(frame))

    def _chunk(self, data: bytes) -> EncodedChunk | None:
        if not data:
            return None
        assert self._next_frame is not None, "expected a block before the first bytes"
        # constant bit rate at 48 kHz: every MP3 frame has the same length, 144 bytes for each kb/s / 48
        frames = len(data) // (3 * self.bitrate_kbps) * MP3_FRAMES
        chunk = EncodedChunk(self._next_frame, frames, data)
        self._next_frame += frames
        return chunk
