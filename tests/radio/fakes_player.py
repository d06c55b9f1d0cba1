"""A player's half of ICY: sound and titles out of one stream."""

from radio.web.stream import (
    META_INTERVAL_BYTES,
)


def strip(data, interval_bytes=META_INTERVAL_BYTES):
    """Take an ICY stream apart: (sound, titles of the blocks that say something)."""
    sound, titles, at = bytearray(), [], 0
    while at < len(data):
        sound += data[at : at + interval_bytes]
        at += interval_bytes
        if at >= len(data):
            break
        size = data[at] * 16
        text = data[at + 1 : at + 1 + size]
        assert len(text) == size
        if size:
            text = text.rstrip(b"\0").decode()
            assert text.startswith("StreamTitle='")
            assert text.endswith("';")
            titles.append(text[13:-2])
        at += 1 + size
    return bytes(sound), titles
