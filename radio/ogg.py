"""Ogg pages around Opus packets, and the two header pages (RFC 3533, RFC 7845). Knows nothing about sound."""

from __future__ import annotations

import struct
from collections.abc import Sequence

PAGE_PACKETS_MAX = 20
"""A packet takes at most six lacing values here (1,530 bytes), a page has 255 of them."""
_BEGINS_STREAM, _ENDS_STREAM = 2, 4
_POLYNOMIAL = 0x04C11DB7


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ _POLYNOMIAL if value & 0x8000_0000 else value << 1) & 0xFFFF_FFFF
        table.append(value)
    return tuple(table)


_CRC_TABLE = _crc_table()


def ogg_page(packets: Sequence[bytes], position_frames: int, number: int, serial: int, flags: int = 0) -> bytes:
    """Pack whole packets into one page; `position_frames` is where the last of them ends (48 kHz, with pre-skip)."""
    assert len(packets) <= PAGE_PACKETS_MAX, f"expected at most {PAGE_PACKETS_MAX} packets, got {len(packets)}"
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    assert len(lacing) <= 255, f"expected at most 255 lacing values, got {len(lacing)}"
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, position_frames, serial, number & 0xFFFF_FFFF, 0, len(lacing))
    page = bytearray(head + lacing + b"".join(packets))
    page[22:26] = struct.pack("<I", _crc(page))
    return bytes(page)


def opus_head(opus_head_packet: bytes, serial: int, title: str) -> bytes:
    """Write the two pages that must come first: the codec's own packet, and a comment with the title."""
    vendor = b"lofi-radio"
    comment = f"TITLE={title}".encode()
    tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<II", 1, len(comment)) + comment
    return ogg_page([opus_head_packet], 0, 0, serial, _BEGINS_STREAM) + ogg_page([tags], 0, 1, serial)


def with_pre_skip(opus_head_packet: bytes, frames: int) -> bytes:
    """Change how much a decoder throws away at the beginning (RFC 7845, 5.1: bytes 10 and 11)."""
    return opus_head_packet[:10] + struct.pack("<H", frames) + opus_head_packet[12:]


def last_page(position_frames: int, number: int, serial: int) -> bytes:
    """Write the empty page that ends a stream."""
    return ogg_page([], position_frames, number, serial, _ENDS_STREAM)


def _crc(page: bytes | bytearray) -> int:
    value = 0
    for byte in page:
        value = (value << 8 & 0xFFFF_FFFF) ^ _CRC_TABLE[value >> 24 ^ byte]
    return value
