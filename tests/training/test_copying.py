import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.types import Chord
from training.copying import Passages, drum_steps, piano_steps
from training.songs import DrumSong, Hit, Note, PianoSong


def naive_longest(body, song):
    best = 0
    for known in body:
        for i in range(len(song)):
            for j in range(len(known)):
                length = 0
                while i + length < len(song) and j + length < len(known) and song[i + length] == known[j + length]:
                    length += 1
                best = max(best, length)
    return best


codes = st.lists(st.integers(0, 3), min_size=1, max_size=20)


@given(st.lists(codes, min_size=1, max_size=4), codes)
@settings(max_examples=80, deadline=None)
def test_the_hash_finds_what_comparing_everything_finds(body, song):
    assert Passages(body).longest_shared(song) == naive_longest(body, song)


def test_a_passage_does_not_cross_from_song_to_song():
    assert Passages([[1, 2, 3], [4, 5, 6]]).longest_shared([2, 3, 4, 5]) == 2


def melody(shift, start=0):
    pitches = [60, 62, 64, 67, 65, 64, 60]
    notes = tuple(Note(start + 24 * n, start + 24 * n + 20, p + shift, 9) for n, p in enumerate(pitches))
    return PianoSong("x", "lead", False, notes, ((Chord(0, "maj"),) * 2,) * 8)


def test_a_tune_is_recognised_in_another_key_and_at_another_time():
    assert Passages([piano_steps(melody(0))]).longest_shared(piano_steps(melody(5, start=96))) == 6


def test_the_same_pitches_in_another_rhythm_are_another_tune():
    song = melody(0)
    slow = PianoSong(
        "y", "lead", False, tuple(n._replace(start=2 * n.start, end=2 * n.end) for n in song.notes), song.chords
    )
    assert Passages([piano_steps(song)]).longest_shared(piano_steps(slow)) == 0


@pytest.mark.parametrize("late", [0, 2])
def test_drums_are_compared_on_the_sixteenth_grid(late):
    hits = tuple(Hit(12 * n + late, 36 + 2 * (n % 2), 9) for n in range(10))
    other = tuple(Hit(12 * n, 36 + 2 * (n % 2), 9) for n in range(10))
    known = Passages([drum_steps(DrumSong("x", "soul", False, other, 1))])
    assert known.longest_shared(drum_steps(DrumSong("y", "soul", False, hits, 1))) == 9


def test_a_long_body_is_searched_correctly():
    rng = np.random.default_rng(0)
    body = [rng.integers(0, 5000, 4000).tolist() for _ in range(5)]
    song = [*rng.integers(6000, 9000, 50).tolist(), *body[3][1000:1077], *rng.integers(6000, 9000, 50).tolist()]
    assert Passages(body).longest_shared(song) == 77
