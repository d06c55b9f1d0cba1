"""Hands every chunk to every listener and waits for none of them. Knows nothing about sockets or codecs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from engine import SAMPLE_RATE_HZ
from radio.encoders import EncodedChunk, Head

BACKLOG_S = 10.0
"""A listener further behind than this is let go: no player recovers from more."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A chunk on its way to a listener, with the title that sounds in it."""

    chunk: EncodedChunk
    title: str
    head: Head | None = None
    """Writes what must come before the first sound of this encoder; a listener needs it once."""


class Heads:
    """Puts what an encoder's stream must begin with before the first sound of each encoder."""

    def __init__(self) -> None:
        self._told: Head | None = None

    def join(self, sounds: Sequence[Sound]) -> bytes:
        """Sound with the heads it needs; a late one names the title of that moment."""
        out = bytearray()
        for sound in sounds:
            if sound.head is not None and sound.head != self._told:
                self._told = sound.head
                out += sound.head(sound.title)
            out += sound.chunk.data
        return bytes(out)


class Listener:
    """One reader's bounded backlog."""

    def __init__(self, burst: tuple[Sound, ...], backlog_frames: int, skips: bool) -> None:
        self.lagged = False
        """True once it was too slow and has been let go."""
        self.skips = skips
        self.fed = bool(burst)
        """False until it has been given any sound."""
        self.skipped_chunks = 0
        self._pending: deque[Sound] = deque(burst)
        self._backlog_frames = backlog_frames
        self._behind_frames = 0
        self._closed = False
        self._wake = asyncio.Event()
        if burst:
            self._wake.set()

    async def read(self) -> tuple[Sound, ...]:
        """Wait for sound and take all there is; empty when the stream has ended for this listener."""
        if not self._pending and not self._closed:
            self._wake.clear()
            await self._wake.wait()
        taken = tuple(self._pending)
        self._pending.clear()
        self._behind_frames = 0
        return taken

    def push(self, sound: Sound) -> bool:
        """Add a chunk; False when the listener is too far behind and must go."""
        self._behind_frames += sound.chunk.frames
        if self._behind_frames > self._backlog_frames:
            if not self.skips:
                self.lagged = True
                self.end(keep_pending=False)
                return False
            while self._behind_frames > self._backlog_frames and self._pending:
                self._behind_frames -= self._pending.popleft().chunk.frames
                self.skipped_chunks += 1
        self.fed = True
        self._pending.append(sound)
        self._wake.set()
        return True

    def end(self, *, keep_pending: bool) -> None:
        """End the stream, after what is pending or at once."""
        if not keep_pending:
            self._pending.clear()
        self._closed = True
        self._wake.set()


class Hub:
    """One encoded stream and those who listen to it."""

    def __init__(self, burst_bytes: int) -> None:
        self.closed = False
        self.last_frame: int | None = None
        """Position after the newest chunk; None before the first."""
        self.burst_bytes = burst_bytes
        """How much of the past is kept for new listeners."""
        self._recent: deque[Sound] = deque()
        self._recent_bytes = 0
        self._listeners: dict[Listener, int | None] = {}
        """Each with the burst it asked for."""

    @property
    def listeners(self) -> int:
        """Number of people who listen now; outputs, which skip instead of leaving, are none."""
        return sum(not listener.skips for listener in self._listeners)

    @property
    def wanted(self) -> bool:
        """Whether anybody takes the sound, person or output."""
        return bool(self._listeners)

    def publish(self, chunk: EncodedChunk, title: str = "", head: Head | None = None) -> None:
        """Give a chunk to everybody; never waits, drops who is too far behind."""
        sound = Sound(chunk, title, head)
        self._remember(sound)
        for listener in [one for one in self._listeners if not one.push(sound)]:
            self.leave(listener)

    def begin(self, past: Sequence[Sound]) -> None:
        """Begin with a past that nobody has heard yet: who waits for the first sound gets a burst of it."""
        self.forget()
        for sound in past:
            self._remember(sound)
        for listener, burst_bytes in list(self._listeners.items()):
            if not listener.fed and not all(listener.push(sound) for sound in self._burst(burst_bytes)):
                self.leave(listener)

    def forget(self) -> None:
        """Forget the past: what comes next does not follow it."""
        self._recent.clear()
        self._recent_bytes = 0
        self.last_frame = None

    def latest(self, frames: int) -> tuple[Sound, ...]:
        """Newest sound of at least so many frames, or nothing when less of the past is kept."""
        newest: list[Sound] = []
        for sound in reversed(self._recent):
            newest.append(sound)
            frames -= sound.chunk.frames
            if frames <= 0:
                return tuple(reversed(newest))
        return ()

    def listen(self, burst_bytes: int | None = None, *, skips: bool = False, backlog_s: float = BACKLOG_S) -> Listener:
        """Attach a listener that starts with up to `burst_bytes` of the past (None: all there is).

        One that `skips` loses its oldest sound when it lags, and stays.
        """
        listener = Listener(self._burst(burst_bytes), int(backlog_s * SAMPLE_RATE_HZ), skips)
        if self.closed:
            listener.end(keep_pending=True)
        else:
            self._listeners[listener] = burst_bytes
        return listener

    def leave(self, listener: Listener) -> None:
        """Detach a listener; one that was let go already is fine."""
        self._listeners.pop(listener, None)

    def close(self) -> None:
        """End the stream for everybody once they have what is pending."""
        self.closed = True
        for listener in self._listeners:
            listener.end(keep_pending=True)

    def _remember(self, sound: Sound) -> None:
        self.last_frame = sound.chunk.start_frame + sound.chunk.frames
        self._recent.append(sound)
        self._recent_bytes += len(sound.chunk.data)
        while self._recent and self._recent_bytes > self.burst_bytes:
            self._recent_bytes -= len(self._recent.popleft().chunk.data)

    def _burst(self, burst_bytes: int | None) -> tuple[Sound, ...]:
        if burst_bytes is None:
            return tuple(self._recent)
        burst: list[Sound] = []
        left_bytes = burst_bytes
        for sound in reversed(self._recent):
            left_bytes -= len(sound.chunk.data)
            if left_bytes < 0:
                break
            burst.append(sound)
        return tuple(reversed(burst))
