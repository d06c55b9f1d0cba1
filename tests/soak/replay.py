"""An engine that plays real bars again and again, and an AAC encoder that does the same: cheap, and of real size.

For accelerated soaks alone: what is measured there is everything around the engine and the codec.
"""

import itertools
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine import (
    SAMPLE_RATE_HZ,
    Asset,
    AudioBlock,
    Bar,
    BarStart,
    Mood,
    Piece,
    RenderedBar,
    Section,
    Station,
    StationSetup,
    Turn,
)
from radio.encoders import AAC_FRAMES, AacEncoder, EncodedChunk
from radio.errors import EncoderError

BARS_VARIABLE = "SOAK_BARS"
"""Names the file with the bars to the engine's process."""
PIECE_BARS = 48
SNAPSHOT_BYTES = 900_000


def record_bars(setup: StationSetup, path: Path, bars: int) -> None:
    """Render bars with the real engine and keep their sound."""
    station = Station.build(setup)
    try:
        sounds = {f"bar{number}": station.render_bar().block.samples for number in range(bars)}
    finally:
        station.close()
    np.savez(path, **sounds)


class ReplayStation:
    """Behaves like a station; its sound comes from a file."""

    def __init__(self, setup: StationSetup) -> None:
        with np.load(os.environ[BARS_VARIABLE]) as archive:
            self._sounds = [archive[name] for name in archive.files]
        self._setup, self._mood, self._index, self._frame = setup, setup.mood, 0, 0
        self._ballast = np.random.default_rng(1).bytes(SNAPSHOT_BYTES)
        self.troubles: tuple[str, ...] = ()
        self.assets: tuple[Asset, ...] = ()

    def render_bar(self) -> RenderedBar:
        """Give the next bar."""
        head = json.dumps([self._index, self._frame, self._mood.name]).encode().ljust(200)
        number = self._index // PIECE_BARS
        piece = Piece(number, f"Piece {number}", self._setup.seed, 78.0, 3, True, PIECE_BARS)
        bar = Bar(
            self._index, piece, self._index % PIECE_BARS, Section.A, (None, None), (), self._mood.name,
            self._setup.composer,
        )  # fmt: skip
        samples = self._sounds[self._index % len(self._sounds)]
        block = AudioBlock(self._frame, samples, (BarStart(self._frame, len(samples), bar),))
        self._index += 1
        self._frame += len(samples)
        return RenderedBar(block, head + self._ballast)

    def turn(self, turn: Turn) -> None:
        """Take a mood."""
        self._mood = turn.mood or self._mood

    def prepare(self, mood: Mood) -> None:
        """Need nothing."""

    def restore(self, data: bytes) -> None:
        """Go back."""
        self._index, self._frame, name = json.loads(data[:200])
        self._mood = replace(self._mood, name=name)


def build_replay(setup: StationSetup) -> ReplayStation:
    """Make one; the builder that travels to the process."""
    return ReplayStation(setup)


class ReplayAac(AacEncoder):
    """Real ADTS frames, encoded once a process and sent again and again."""

    _frames: tuple[bytes, ...] = ()
    fails = False
    """The next call raises what a broken codec raises."""

    def __init__(self, bitrate_kbps: int) -> None:
        super().__init__(bitrate_kbps)
        if not ReplayAac._frames:
            ReplayAac._frames = tuple(_adts_frames(AacEncoder(bitrate_kbps)))
        self._ring = itertools.cycle(ReplayAac._frames)
        self._at: int | None = None
        self._rest = 0

    def encode(self, block: AudioBlock) -> EncodedChunk | None:
        """Count the sound and give as many frames as it fills."""
        if ReplayAac.fails:
            ReplayAac.fails = False
            raise EncoderError("the codec broke, as it was told to")
        if self._at is None:
            self._at = block.start_frame - AAC_FRAMES
        whole, self._rest = divmod(self._rest + block.frames, AAC_FRAMES)
        if not whole:
            return None
        chunk = EncodedChunk(self._at, whole * AAC_FRAMES, b"".join(itertools.islice(self._ring, whole)))
        self._at += whole * AAC_FRAMES
        return chunk

    def flush(self) -> EncodedChunk | None:
        """Hold nothing back."""
        return None


def _adts_frames(encoder: AacEncoder) -> list[bytes]:
    time_s = np.arange(40 * AAC_FRAMES) / SAMPLE_RATE_HZ
    wave = (0.2 * np.sin(2 * np.pi * 220 * time_s)).astype(np.float32)
    chunk = encoder.encode(AudioBlock(0, np.ascontiguousarray(np.stack([wave, wave], axis=1))))
    assert chunk is not None
    frames, data = [], chunk.data
    while data:
        length = (data[3] & 3) << 11 | data[4] << 3 | data[5] >> 5
        frames.append(data[:length])
        data = data[length:]
    return frames
