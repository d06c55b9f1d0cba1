from __future__ import annotations

import pytest

from engine.chance import generator
from engine.harmony import PROGRESSIONS
from engine.substitution import Spice, substituted
from engine.types import Chord


def of(name, spice, seed=1):
    loop = PROGRESSIONS[name]
    return substituted(loop.bars, loop.minor, spice, generator(seed))


@pytest.mark.parametrize("name", sorted(PROGRESSIONS))
def test_a_loop_without_spice_is_played_as_written(name):
    assert of(name, Spice()) == PROGRESSIONS[name].bars


@pytest.mark.parametrize("name", sorted(PROGRESSIONS))
def test_a_spiced_loop_keeps_its_first_chord_and_half_of_its_bars(name):
    before, after = PROGRESSIONS[name].bars, of(name, Spice(1, 0, 1))
    assert after[0][0] == before[0][0]
    assert sum(a != b for a, b in zip(after, before, strict=True)) <= max(1, len(before) // 2)


def test_a_secondary_dominant_leads_down_a_fifth():
    loop = of("IV-iii-vi-I", Spice(secondary_dominants=1))
    led = [(bar[1], loop[(i + 1) % 4][0]) for i, bar in enumerate(loop) if bar[1].quality == "7"]
    assert led
    assert all((dominant.root - target.root) % 12 == 7 for dominant, target in led)


def test_a_tritone_substitution_slides_down_a_semitone():
    loop = of("ii-V-I-vi", Spice(tritone_subs=1))
    assert loop[1][1] == Chord(1, "7")
    assert loop[2][0] == Chord(0, "maj7")


def test_the_subdominant_is_borrowed_from_minor():
    assert (Chord(5, "maj7"), Chord(5, "min")) in of("I-IV", Spice(borrowed_chords=1))
    assert (Chord(4, "min7"), Chord(4, "7")) in of("i-bVII-bVI-v", Spice(borrowed_chords=1))
