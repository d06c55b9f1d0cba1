from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import tokens
from engine.errors import TokenError
from engine.types import TICKS_PER_BAR, Chord


def test_the_base_is_midicompact_id_for_id():
    # example 1 of the format's specification, thesis form
    assert tokens.parse("<start> 3c:d t62 3c:0 40:a t62 40:0 <end>") == [1, 1101, 64, 1088, 1162, 64, 1152, 2]
    assert tokens.MIDICOMPACT_SIZE == 2176


def test_the_appended_ids_are_those_the_models_were_trained_with():
    assert tokens.BAR == 2176
    assert tokens.chord(Chord(2, "min7")) == 2177 + 9 * 2 + 4
    assert tokens.NO_CHORD == 2285
    assert tokens.style("hiphop") == 2288
    assert tokens.density(0) == 2310
    assert (tokens.BEAT, tokens.FILL, tokens.MAJOR, tokens.MINOR) == (2318, 2319, 2320, 2321)
    assert tokens.BACKBEAT == 2322
    assert tokens.position(0) == 2368
    assert tokens.VOCABULARY_SIZE == 2560


@given(st.integers(0, tokens.VOCABULARY_SIZE - 1))
def test_every_token_is_read_back_from_its_text(token):
    assert tokens.parse(tokens.text(token)) == [token]


@pytest.mark.parametrize(
    ("velocity", "velocity_bin"), [(0, 0), (1, 1), (5, 1), (6, 2), (52, 9), (59, 9), (60, 10), (127, 15)]
)
def test_velocities_fall_in_the_bins_of_the_thesis(velocity, velocity_bin):
    assert tokens.velocity_to_bin(velocity) == velocity_bin


def test_a_bin_sounds_as_its_top_velocity_and_is_read_back():
    tops = [tokens.bin_to_velocity(b) for b in range(16)]
    assert tops == [0, 5, 10, 16, 22, 29, 36, 43, 51, 59, 68, 78, 88, 100, 113, 127]
    assert [tokens.velocity_to_bin(v) for v in tops] == list(range(16))


@given(st.integers(0, 3 * TICKS_PER_BAR))
def test_waits_add_up(units):
    assert sum(token - 2 for token in tokens.waits(units)) == units


def test_a_word_that_is_no_token_is_named_with_its_place():
    with pytest.raises(TokenError, match=r"word 2, '3c:g'"):
        tokens.parse("<start> 3c:g")


def test_a_vocabulary_hash_depends_on_its_size():
    assert tokens.vocabulary_sha256(2176) != tokens.vocabulary_sha256(2560)
    assert len(tokens.vocabulary_sha256()) == 64
