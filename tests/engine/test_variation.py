from __future__ import annotations

from engine.chance import generator
from engine.grammar import KeysRules, WrittenNote
from engine.harmony import pitch_classes
from engine.types import Chord
from engine.variation import varied

RULES = KeysRules((Chord(0, "maj7"), Chord(0, "maj7")), 3, 48, 81)
CHORD = [WrittenNote(0, 96, pitch, 7) for pitch in (52, 55, 59, 62)]
BAR = [*CHORD, WrittenNote(96, 120, 72, 8), WrittenNote(120, 192, 71, 8)]


def test_one_note_of_the_tune_changes_and_the_chord_stays():
    for seed in range(40):
        bar = varied(BAR, RULES, generator(seed))
        assert bar[:4] == CHORD
        assert len(set(BAR) - set(bar)) == 1
        assert len(bar) in (len(BAR), len(BAR) - 1)
        for note in set(bar) - set(BAR):
            assert note.pitch in (71, 72) or note.pitch % 12 in pitch_classes(RULES.chords[0])
            assert 0 < note.tick < note.end <= 192


def test_returns_are_told_in_several_ways():
    assert len({tuple(varied(BAR, RULES, generator(seed))) for seed in range(40)}) >= 5


def test_a_bar_is_never_emptied():
    for seed in range(20):
        assert varied([WrittenNote(24, 96, 60, 7)], RULES, generator(seed))
        assert varied(CHORD, RULES, generator(seed))
