"""Opus in Ogg pages that a listener may join at any of them, a new logical stream for each title (RFC 3533, 7845).

Knows nothing about who listens or what time it is.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Sequence
from functools import partial

from radio.encoders import Codec, CodecEncoder, EncodedChunk, Head
from radio.ogg import last_page, ogg_page, opus_head, with_pre_skip

OPUS_FRAMES = 960
"""20 ms, what Opus is made for."""
OPUS_DELAY_FRAMES = 312
"""The pre-skip that libopus asks for at 48 kHz: a decoder throws so much away."""
PRE_ROLL_PACKETS = 4
"""80 ms: a decoder that starts afresh has come to the right state by then (RFC 7845, 4.2), so a new logical stream
begins with the last packets of the one before, all of them skipped: the sound goes on sample by sample."""
PAGE_PACKETS = 10
"""0.2 s a page, the pace at which listeners are served; its 37 bytes are 1.5 % of the stream."""


class OpusEncoder(CodecEncoder):
    """Opus, 48 kHz stereo, in an Ogg stream with its own serial number for each title."""

    content_type = "audio/ogg"

    def __init__(self, bitrate_kbps: int = 96, serial: int | None = None) -> None:
        super().__init__(Codec("libopus", OPUS_FRAMES, OPUS_DELAY_FRAMES, "flt"), bitrate_kbps)
        self._serial = secrets.randbits(32) if serial is None else serial
        self._packet = bytes(self._context.extradata or b"")
        self._head: Head = partial(opus_head, self._packet, self._serial)
        self._waiting: list[bytes] = []
        self._pre_roll: deque[bytes] = deque(maxlen=PRE_ROLL_PACKETS)
        self._skipped = 0
        """Packets at the front of those that wait which are a pre-roll."""
        self._pages, self._position_frames = 2, 0  # the header pages are 0 and 1

    @property
    def head(self) -> Head:
        """Writes the pages that must come before any other; another one for each logical stream."""
        return self._head

    def retitle(self, title: str) -> EncodedChunk | None:
        """End the logical stream and begin another, whose comment a player shows as the new title."""
        if self._next_frame is None:
            return None
        last = self._chunk([], ends=True)
        self._serial = (self._serial + 1) & 0xFFFF_FFFF
        self._waiting, self._skipped, self._pages = list(self._pre_roll), len(self._pre_roll), 2
        pre_skip_frames = len(self._pre_roll) * OPUS_FRAMES or OPUS_DELAY_FRAMES
        # positions go on from stream to stream, less what is skipped: time never falls for players that count by them
        self._position_frames += (pre_skip_frames - OPUS_DELAY_FRAMES) - len(self._pre_roll) * OPUS_FRAMES
        self._head = partial(opus_head, with_pre_skip(self._packet, pre_skip_frames), self._serial)
        return last

    def wrap(self, packets: Sequence[bytes], *, ends: bool) -> tuple[int, bytes]:
        """Fill pages with packets; what does not fill one waits."""
        self._waiting += packets
        self._pre_roll.extend(packets)
        count, data = 0, bytearray()
        while len(self._waiting) >= PAGE_PACKETS or (ends and self._waiting):
            page, self._waiting = self._waiting[:PAGE_PACKETS], self._waiting[PAGE_PACKETS:]
            count += len(page) - self._skipped
            self._skipped = 0
            self._position_frames += len(page) * OPUS_FRAMES
            data += ogg_page(page, self._position_frames, self._pages, self._serial)
            self._pages += 1
        if ends:
            data += last_page(self._position_frames, self._pages, self._serial)
        return count, bytes(data)
