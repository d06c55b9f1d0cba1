"""An encoder whose bytes can be read back: the sound itself as PCM, in frames as long as MP3's."""

import numpy as np

from radio.encoders import MP3_FRAMES, EncodedChunk


class FakeEncoder:
    content_type = "audio/x-fake"
    bitrate_kbps = 128

    def __init__(self):
        self._rest = np.zeros((0, 2), np.float32)
        self._next_frame = None

    head = None

    def retitle(self, title):
        return None

    def encode(self, block):
        if self._next_frame is None:
            self._next_frame = block.start_frame
        self._rest = np.concatenate([self._rest, block.samples])
        return self._take(len(self._rest) // MP3_FRAMES * MP3_FRAMES)

    def flush(self):
        self._rest = np.concatenate([self._rest, np.zeros((-len(self._rest) % MP3_FRAMES, 2), np.float32)])
        return self._take(len(self._rest))

    def _take(self, frames):
        if not frames:
            return None
        chunk = EncodedChunk(self._next_frame, frames, self._rest[:frames].tobytes())
        self._rest = self._rest[frames:]
        self._next_frame += frames
        return chunk


def decoded(chunks):
    return np.frombuffer(b"".join(chunk.data for chunk in chunks), np.float32).reshape(-1, 2)
