import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import tokens
from engine.types import TICKS_PER_BAR, Chord
from training.songs import DrumSong, Hit, Note, PianoSong, decode_drums, decode_piano, encode_drums, encode_piano

D, G = Chord(2, "min7"), Chord(7, "7")


def song(notes, chords, style="lead", minor=False):
    return PianoSong("x", style, minor, tuple(sorted(notes)), tuple(chords))


def written(ids):
    return " ".join(tokens.text(token) for token in ids)


def test_a_bar_is_header_then_groups_of_offs_and_ons_by_rising_pitch():
    notes = [Note(0, 96, 60, 9), Note(0, 48, 53, 10), Note(48, 96, 64, 8)]
    assert written(encode_piano(song(notes, [(D, D)]))) == (
        "<start> <lead> <major> <bar> <Dmin7> <density1> @0 35:a 3c:9 @48 35:0 40:8 @96 3c:0 40:0 <end>"
    )


def test_a_second_chord_is_named_in_the_header_and_repeated_in_the_middle_even_without_notes():
    assert written(encode_piano(song([], [(D, G)]))) == (
        "<start> <lead> <major> <bar> <Dmin7> <G7> <density0> @96 <G7> <end>"
    )


def test_an_empty_bar_is_just_its_header():
    assert written(encode_drums(DrumSong("x", "funk", True, (), 1))) == "<start> <bar> <funk> <fill> <density0> <end>"


def test_drum_hits_at_one_tick_share_a_position():
    hits = (Hit(6, 36, 12), Hit(6, 42, 9), Hit(53, 38, 13))
    assert written(encode_drums(DrumSong("x", "hiphop", False, hits, 1))) == (
        "<start> <bar> <hiphop> <beat> <density1> @6 24:c 2a:9 @53 26:d <end>"
    )


def test_a_beat_that_accents_two_and_four_says_so_in_its_header_and_a_ghost_note_there_does_not():
    hits = (Hit(6, 36, 12), Hit(55, 38, 13), Hit(149, 37, 10))
    assert "<hiphop> <backbeat>" in written(encode_drums(DrumSong("x", "hiphop", False, hits, 1)))
    assert "<hiphop> <fill>" in written(encode_drums(DrumSong("x", "hiphop", True, hits, 1)))
    ghost = (*hits[:2], Hit(149, 37, 8))
    assert "<hiphop> <beat>" in written(encode_drums(DrumSong("x", "hiphop", False, ghost, 1)))


@st.composite
def piano_songs(draw):
    bars = draw(st.integers(1, 4))
    last = bars * TICKS_PER_BAR - 1
    notes = []
    for pitch in draw(st.sets(st.integers(30, 90), max_size=6)):
        cuts = sorted(draw(st.sets(st.integers(0, last), min_size=2, max_size=8)))
        pairs = zip(cuts[::2], cuts[1::2], strict=False)
        notes += [Note(a, b, pitch, draw(st.integers(1, 15))) for a, b in pairs]
    chord = st.one_of(st.none(), st.builds(Chord, st.integers(0, 11), st.sampled_from(tokens.QUALITIES)))
    chords = [(draw(chord), draw(chord)) for _ in range(bars)]
    return song(notes, chords, draw(st.sampled_from(tokens.STYLES)), draw(st.booleans()))


@given(piano_songs())
@settings(max_examples=60, deadline=None)
def test_every_piano_song_comes_back_from_its_tokens(original):
    assert decode_piano(encode_piano(original), "x") == original


@st.composite
def drum_songs(draw):
    bars = draw(st.integers(1, 4))
    place = st.tuples(st.integers(0, bars * TICKS_PER_BAR - 1), st.sampled_from(tokens.DRUM_PITCHES))
    hits = tuple(
        Hit(tick, pitch, draw(st.integers(1, 15))) for tick, pitch in sorted(draw(st.sets(place, max_size=20)))
    )
    return DrumSong("x", draw(st.sampled_from(tokens.STYLES)), draw(st.booleans()), hits, bars)


@given(drum_songs())
@settings(max_examples=60, deadline=None)
def test_every_drum_performance_comes_back_from_its_tokens(original):
    assert decode_drums(encode_drums(original), "x") == original


@given(st.lists(st.integers(0, tokens.VOCABULARY_SIZE - 1), max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_tokens_decode_to_notes_inside_their_bars(ids):
    piano, drums = decode_piano(ids), decode_drums(ids)
    assert all(0 <= n.start < n.end < max(len(piano.chords), 1) * TICKS_PER_BAR for n in piano.notes)
    assert all(0 <= hit.tick < drums.bars * TICKS_PER_BAR for hit in drums.hits)


@pytest.mark.parametrize("length", [191, 192, 400])
def test_a_note_that_outlasts_the_song_ends_with_it(length):
    decoded = decode_piano(encode_piano(song([Note(0, length, 60, 9)], [(D, D)])))
    assert decoded.notes == (Note(0, 191, 60, 9),)
