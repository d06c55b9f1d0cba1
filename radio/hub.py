"""Hands every chunk to every listener and waits for none of them. Knows nothing about sockets or codecs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

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
        self.state: Head | None = None
        """The head that was told last; who is in the same state gets the same bytes."""

    def join(self, sounds: Sequence[Sound]) -> bytes:
        """Sound with the heads it needs; a late one names the title of that moment."""
        out = bytearray()
        for sound in sounds:
            if sound.head is not None and sound.head != self.state:
                self.state = sound.head
                out += sound.head(sound.title)
            out += sound.chunk.data
        return bytes(out)


class Listener:
    """One reader's place in the sound of a hub; what it has not taken yet is kept once for everybody."""

    def __init__(self, hub: Hub, burst: tuple[Sound, ...], skips: bool) -> None:
        self.skips = skips
        self.skipped_chunks = 0
        self.number = hub.end_number
        """Of the next chunk to take."""
        self.burst: tuple[Sound, ...] = ()
        """Sound from before it came, to be taken first."""
        self.fed = False
        """False until it has been given any sound."""
        self._hub = hub
        self.give(burst)

    @property
    def lagged(self) -> bool:
        """True once it was too slow and must go."""
        return not self.skips and self.number < self._hub.first_number

    @property
    def ended(self) -> bool:
        """Whether nothing follows what it has not taken yet."""
        return self._hub.closed or self.lagged

    async def read(self) -> tuple[Sound, ...]:
        """Wait for sound and take all there is; empty when the stream has ended for this listener."""
        while not (taken := self.take()) and not self.ended:
            await self._hub.news()
        return taken

    def take(self) -> tuple[Sound, ...]:
        """Take all there is, which may be nothing."""
        if self.lagged:
            return ()
        burst, begin, first = self.burst, self.number, self._hub.first_number
        self.burst, self.number = (), self._hub.end_number
        if begin < first:
            self.skipped_chunks += first - begin
            begin = first
        taken = burst + self._hub.since(begin)
        self.fed = self.fed or bool(taken)
        return taken

    def took(self) -> None:
        """Note that it has all there is: another in its place took it and shared."""
        self.number = self._hub.end_number

    def give(self, burst: tuple[Sound, ...]) -> None:
        """Put sound from before in front of all it will take."""
        self.burst = burst
        self.fed = self.fed or bool(burst)


class Hub:
    """One encoded stream and those who listen to it."""

    def __init__(self, burst_bytes: int, backlog_s: float = BACKLOG_S) -> None:
        self.closed = False
        self.first_number = 0
        """Of the oldest chunk that somebody may still take."""
        self.end_number = 0
        """Of the chunk that comes next."""
        self.last_frame: int | None = None
        """Position after the newest chunk; None before the first."""
        self.burst_bytes = burst_bytes
        """How much of the past is kept for new listeners."""
        self._recent: deque[Sound] = deque()
        self._recent_bytes = 0
        self._tail: deque[Sound] = deque()
        self._tail_frames = 0
        self._backlog_frames = int(backlog_s * SAMPLE_RATE_HZ)
        self._news = asyncio.Event()
        self._listeners: dict[Listener, int | None] = {}
        """Each with the burst it asked for."""

    @property
    def listeners(self) -> int:
        """Number of people who listen now; outputs, which skip instead of leaving, are none."""
        return sum(not (listener.skips or listener.lagged) for listener in self._listeners)

    @property
    def wanted(self) -> bool:
        """Whether anybody takes the sound, person or output."""
        return bool(self._listeners)

    def publish(self, chunk: EncodedChunk, title: str = "", head: Head | None = None) -> None:
        """Give a chunk to everybody; never waits, and costs the same for one listener and for thousands."""
        sound = Sound(chunk, title, head)
        self._remember(sound)
        self.end_number += 1
        self._tail.append(sound)
        self._tail_frames += chunk.frames
        while self._tail_frames > self._backlog_frames and len(self._tail) > 1:
            self._tail_frames -= self._tail.popleft().chunk.frames
        self.first_number = self.end_number - len(self._tail)
        self._wake()

    def since(self, number: int) -> tuple[Sound, ...]:
        """All chunks from that number on, as far as they are kept."""
        count = len(self._tail)
        return tuple(islice(self._tail, max(0, count - (self.end_number - number)), count))

    async def news(self) -> None:
        """Wait until there is sound, or none any more."""
        await self._news.wait()

    def begin(self, past: Sequence[Sound]) -> None:
        """Begin with a past that nobody has heard yet: who waits for the first sound gets a burst of it."""
        self.forget()
        for sound in past:
            self._remember(sound)
        for listener, burst_bytes in self._listeners.items():
            if not listener.fed and listener.number == self.end_number:
                listener.give(self._burst(burst_bytes))
        self._wake()

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

    def listen(self, burst_bytes: int | None = None, *, skips: bool = False) -> Listener:
        """Attach a listener that starts with up to `burst_bytes` of the past (None: all there is).

        One that is too far behind has lagged and must leave; one that `skips` loses its oldest sound and stays.
        """
        listener = Listener(self, self._burst(burst_bytes), skips)
        if not self.closed:
            self._listeners[listener] = burst_bytes
        return listener

    def leave(self, listener: Listener) -> None:
        """Detach a listener; one that was let go already is fine."""
        self._listeners.pop(listener, None)

    def close(self) -> None:
        """End the stream for everybody once they have what is pending."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news.clear()

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
