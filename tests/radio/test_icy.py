"""Titles between the bytes of a stream, for any title and any way of cutting it."""

import pytest
from fakes_player import strip
from hypothesis import given
from hypothesis import strategies as st

from radio.encoders import EncodedChunk
from radio.hub import Sound
from radio.web.stream import (
    ICY_TEXT_BYTES_MAX,
    IcyWriter,
    icy_block,
)


@pytest.mark.parametrize(
    "title",
    ["it's", "';StreamUrl='x';", "", "🌧️ rain", "a\r\nb\0c", "é" * 5000, "x" * 5000, "\ud800"],
    ids=lambda t: t[:8].encode("unicode_escape").decode(),
)
def test_icy_blocks_are_well_formed_for_any_title(title):
    block = icy_block(title)
    assert block[0] * 16 == len(block) - 1 <= ICY_TEXT_BYTES_MAX
    text = block[1:].rstrip(b"\0").decode()
    assert text.startswith("StreamTitle='")
    assert text.endswith("';")
    assert text.count("'") == 2
    assert not set("\r\n\0") & set(text)


@given(
    st.lists(st.tuples(st.integers(1, 900), st.text(max_size=60)), max_size=60),
    st.integers(1, 700),
    st.integers(1, 7),
)
def test_stripping_the_titles_gives_the_sound_back_bit_by_bit(pieces, interval_bytes, groups):
    sounds, byte = [], 0
    for size, title in pieces:
        data = bytes((byte + i) % 256 for i in range(size))
        byte += size
        sounds.append(Sound(EncodedChunk(0, 1152, data), title))
    writer = IcyWriter(interval_bytes)
    stream = b"".join(writer.join(sounds[at : at + groups]) for at in range(0, len(sounds), groups))
    sound, titles = strip(stream, interval_bytes)
    assert sound == b"".join(one.chunk.data for one in sounds)
    assert len(titles) <= len(pieces) * 2
