"""One format of one station: an encoder that runs only while somebody takes its sound, and the hub behind it.

Knows nothing about which formats there are or what time it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import av

from engine import SAMPLE_RATE_HZ, AudioBlock
from radio.encoders import Encoder
from radio.errors import EncoderError
from radio.hub import Hub, Sound

logger = logging.getLogger(__name__)

LINGER_S = 10.0
"""The encoder runs on for so long after the last listener: players that reconnect find it warm."""
PAST_S_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Passage:
    """A block of the broadcast and the title that sounds in it."""

    block: AudioBlock
    title: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What came out of an encoder for one block of the broadcast."""

    past: tuple[Sound, ...] = ()
    """Sound from before, when the encoder has just begun: who comes first has a burst, too."""
    now: tuple[Sound, ...] = ()
    begun: bool = False
    ended: bool = False


class Channel:
    """Sound in, chunks out to one hub, for as long as anybody is there."""

    def __init__(self, name: str, make: Callable[[], Encoder], hub: Hub, *, always: bool = False) -> None:
        self.name = name
        """`lofi mp3`"""
        self.hub = hub
        encoder = make()  # what cannot be made must stop the radio now, not the first listener later
        self.content_type, self.bitrate_kbps = encoder.content_type, encoder.bitrate_kbps
        self._make = make
        self._always = always
        self._encoder: Encoder | None = None
        self._alone_frames = 0
        self._failing = False
        self._stale = False
        self._title = ""
        """What the encoder was last told."""

    @property
    def running(self) -> bool:
        """Whether the encoder is at work."""
        return self._encoder is not None

    @property
    def past_frames(self) -> int:
        """How much sound from before it wants when it begins: what a new listener's burst holds."""
        burst_s = self.hub.burst_bytes / (self.bitrate_kbps * 125)
        return int(min(burst_s, PAST_S_MAX) * SAMPLE_RATE_HZ)

    def renew(self) -> None:
        """Have a new encoder go on with the next block; its bytes do not follow those before."""
        self._stale = True

    def encode(self, recent: Sequence[Passage]) -> Batch:
        """Encode the newest passage, and with a fresh encoder those before it; called in the encoders' thread."""
        if not self._is_wanted(recent[-1].block.frames):
            ended, self._encoder = self._encoder is not None, None
            return Batch(ended=ended)
        if self._stale:
            self._stale, self._failing, self._encoder = False, True, None
        try:
            return self._encode(recent)
        except (av.FFmpegError, EncoderError) as problem:
            if not self._failing:
                logger.warning("%s: the encoder failed (%s), a new one goes on", self.name, problem)
            self._failing, self._encoder = True, None
            return Batch(ended=True)

    def publish(self, batch: Batch) -> None:
        """Give what was encoded to the hub; called in the event loop."""
        if batch.ended:
            self.hub.forget()
        if batch.begun:
            self.hub.begin(batch.past)
        for sound in batch.now:
            self.hub.publish(sound.chunk, sound.title, sound.head)

    def flush(self, title: str) -> Batch:
        """Empty the encoder at the end of the broadcast."""
        if self._encoder is None:
            return Batch()
        chunk = self._encoder.flush()
        return Batch() if chunk is None else Batch(now=(Sound(chunk, title, self._encoder.head),))

    def _encode(self, recent: Sequence[Passage]) -> Batch:
        begun = self._encoder is None
        if self._encoder is None:
            self._encoder, self._title = self._make(), recent[0].title
        past = self._sounds(self._encoder, recent[:-1]) if begun and not self._failing else ()
        now = self._sounds(self._encoder, recent[-1:])
        self._failing = False
        return Batch(past, now, begun)

    def _sounds(self, encoder: Encoder, passages: Sequence[Passage]) -> tuple[Sound, ...]:
        return tuple(sound for passage in passages for sound in self._sound(encoder, passage))

    def _sound(self, encoder: Encoder, passage: Passage) -> Iterator[Sound]:
        if passage.title != self._title:
            head, before = encoder.head, self._title
            self._title = passage.title
            rest = encoder.retitle(passage.title)
            if rest is not None:
                yield Sound(rest, before, head)
        chunk = encoder.encode(passage.block)
        if chunk is not None:
            yield Sound(chunk, passage.title, encoder.head)

    def _is_wanted(self, frames: int) -> bool:
        self._alone_frames = 0 if self.hub.wanted else self._alone_frames + frames
        if self._always:
            return True
        return self.hub.wanted or (self.running and self._alone_frames < LINGER_S * SAMPLE_RATE_HZ)
