"""The ID3 tag that packed audio in HLS must begin with (RFC 8216 section 3.4). Knows nothing about playlists."""

from __future__ import annotations

_TIMESTAMP_OWNER = b"com.apple.streaming.transportStreamTimestamp\0"
_PTS_WRAP = 1 << 33
_PTS_OFFSET = 900_000
"""10 s: an encoder's delay lies before frame 0, and a stream should not begin just below the wrap."""
_UTF_8 = b"\x03"


def segment_tag(start_frame: int, title: str) -> bytes:
    """Write an ID3v2.4 tag: the MPEG-2 timestamp of the first sample (33 bit, 90 kHz), and the title."""
    pts = (start_frame * 15 // 8 + _PTS_OFFSET) % _PTS_WRAP  # 90,000 / 48,000 = 15 / 8
    frames = _frame(b"PRIV", _TIMESTAMP_OWNER + pts.to_bytes(8, "big"))
    if title:
        frames += _frame(b"TIT2", _UTF_8 + title.encode("utf-8", "replace"))
    return b"ID3\x04\x00\x00" + _syncsafe(len(frames)) + frames


def _frame(name: bytes, body: bytes) -> bytes:
    return name + _syncsafe(len(body)) + b"\0\0" + body


def _syncsafe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
