from __future__ import annotations

from engine.beat import Hit
from engine.grammar import WrittenNote
from engine.ranking import score_drums, score_keys, shape_of
from engine.types import Chord

DMIN7 = (Chord(2, "min7"), Chord(2, "min7"))
RICH = [WrittenNote(0, 180, pitch, 9) for pitch in (53, 57, 60, 64)]
TUNE = [WrittenNote(96, 120, 69, 9), WrittenNote(120, 144, 72, 9)]


def score(notes, density=2, known=(), centre=None):
    return score_keys(notes, DMIN7, density, known, centre)


def test_a_chord_with_its_third_and_seventh_beats_a_bare_fifth():
    bare = [WrittenNote(0, 180, pitch, 9) for pitch in (50, 57, 62, 69)]
    assert score(RICH) > score(bare)


def test_a_chord_with_a_tune_beats_the_chord_struck_twice():
    twice = [*RICH[:3], *(WrittenNote(96, 180, note.pitch + 12, 9) for note in RICH[:3])]
    assert score(RICH + TUNE) > score(twice)


def test_a_copy_of_a_known_bar_loses():
    assert score(RICH, known=[shape_of(RICH)]) < score(RICH) - 1


def test_a_leap_of_the_register_loses():
    high = [WrittenNote(note.tick, note.end, note.pitch + 12, 9) for note in RICH]
    assert score(RICH, centre=58) > score(high, centre=58)


def test_a_hammered_note_loses():
    hammered = [*RICH, *(WrittenNote(tick, tick + 12, 69, 9) for tick in (96, 108, 120))]
    moving = [*RICH, *(WrittenNote(tick, tick + 12, pitch, 9) for tick, pitch in ((96, 69), (108, 72), (120, 74)))]
    assert score(moving, density=2) > score(hammered, density=2)


def test_an_empty_bar_loses_to_any():
    assert score([]) < score(TUNE)


def hit(step, pitch, velocity_bin=11):
    return Hit(step * 12 + 6, pitch, velocity_bin)


POCKET = [hit(0, 36), hit(4, 38), hit(10, 36), hit(12, 38), *(hit(step, 42, 8) for step in range(0, 16, 2))]


def test_the_pocket_beats_a_wandering_snare_toms_and_too_many_kicks():
    wandering = [hit(0, 36), hit(5, 38), hit(10, 36), hit(13, 38), *POCKET[4:]]
    toms = [*POCKET, hit(7, 43), hit(9, 47)]
    busy = [*POCKET, *(hit(step, 36) for step in (2, 5, 7, 14))]
    for other in (wandering, toms, busy):
        assert score_drums(POCKET) > score_drums(other)


def test_as_many_ghosts_are_welcome_as_are_wanted():
    two = [*POCKET, hit(7, 38, 3), hit(15, 38, 3)]
    five = [*two, hit(1, 38, 3), hit(5, 38, 3), hit(9, 38, 3)]
    assert score_drums(two, wanted_ghosts=2) > score_drums(POCKET, wanted_ghosts=2) > score_drums(five, wanted_ghosts=2)
    assert score_drums(POCKET, wanted_ghosts=0) > score_drums(two, wanted_ghosts=0)


def test_a_bar_like_the_one_before_is_better_than_the_same_bar_after_another():
    other = [hit(0, 36), hit(4, 38), hit(7, 36), hit(12, 38), *(hit(step, 42, 8) for step in range(1, 16, 2))]
    assert score_drums(POCKET, POCKET) > score_drums(POCKET, other)
