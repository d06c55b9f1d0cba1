"""Opus in Ogg pages that a listener may join at any of them. Knows nothing about who listens or what time it is."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from radio.encoders import Codec, CodecEncoder
from radio.ogg import last_page, ogg_page, opus_head

OPUS_FRAMES = 960
"""20 ms, what Opus is made for."""
OPUS_DELAY_FRAMES = 312
"""The pre-skip that libopus asks for at 48 kHz: a decoder throws so much away."""
PAGE_PACKETS = 10
"""0.2 s a page, the pace at which listeners are served; its 37 bytes are 1.5 % of the stream."""


class OpusEncoder(CodecEncoder):
    """Opus, 48 kHz stereo, in an Ogg stream with its own serial number."""

    content_type = "audio/ogg"

    def __init__(self, bitrate_kbps: int = 96, serial: int | None = None) -> None:
        super().__init__(Codec("libopus", OPUS_FRAMES, OPUS_DELAY_FRAMES, "flt"), bitrate_kbps)
        self._serial = secrets.randbits(32) if serial is None else serial
        self._waiting: list[bytes] = []
        self._pages, self._packets_out = 2, 0  # the header pages are 0 and 1

    def head(self, title: str) -> bytes:
        """Write the pages that must come before any other."""
        return opus_head(bytes(self._context.extradata or b""), title, self._serial)

    def wrap(self, packets: Sequence[bytes], *, ends: bool) -> tuple[int, bytes]:
        """Fill pages with packets; what does not fill one waits."""
        self._waiting += packets
        count, data = 0, bytearray()
        while len(self._waiting) >= PAGE_PACKETS or (ends and self._waiting):
            page, self._waiting = self._waiting[:PAGE_PACKETS], self._waiting[PAGE_PACKETS:]
            count += len(page)
            self._packets_out += len(page)
            data += ogg_page(page, self._packets_out * OPUS_FRAMES, self._pages, self._serial)
            self._pages += 1
        if ends:
            data += last_page(self._packets_out * OPUS_FRAMES, self._pages, self._serial)
        return count, bytes(data)
