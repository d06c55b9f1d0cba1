from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from engine.bass import HIGHEST, LOWEST, bass_line, low_root
from engine.harmony import pitch_classes
from engine.plan import BarPlan, DrumRole
from engine.types import TICKS_PER_BAR, Chord, NoteEvent, Part, Piece, Section

PIECE = Piece(number=0, title="test piece", seed=5, bpm=75, key=2, minor=False, bars=48)
PLAN = BarPlan(
    piece=PIECE,
    piece_bar=9,
    section=Section.A,
    section_bar=1,
    chords=(Chord(7, "7"), Chord(7, "7")),
    next_chord=Chord(0, "maj7"),
    keys_density=2,
    drums=DrumRole.BEAT,
    drums_density=3,
    bass=True,
)
KICKS = [NoteEvent(tick, 12, 36, 90, Part.DRUMS) for tick in (-1, 121)]


def seeds(plan, count=60):
    return [replace(plan, piece=replace(PIECE, seed=seed)) for seed in range(count)]


@pytest.mark.parametrize("root", range(12))
def test_the_low_root_lies_in_the_basss_own_register(root):
    assert low_root(Chord(root, "maj7")) % 12 == root
    assert LOWEST <= low_root(Chord(root, "maj7")) <= LOWEST + 11


def test_every_bar_begins_with_the_root_in_the_sounding_key():
    for plan in seeds(PLAN):
        first = bass_line(plan, KICKS)[0]
        assert first.tick == 0
        assert first.pitch % 12 == (7 + 2) % 12
        assert first.part is Part.BASS


def test_the_line_stays_low_and_never_overlaps_itself():
    for plan in seeds(PLAN):
        line = bass_line(plan, KICKS)
        assert all(LOWEST <= note.pitch <= HIGHEST for note in line)
        assert all(a.tick + a.length_ticks <= b.tick for a, b in pairwise(line))
        assert line[-1].tick + line[-1].length_ticks <= TICKS_PER_BAR


def test_a_late_kick_is_joined():
    assert any(note.tick == 120 for note in bass_line(PLAN, KICKS))


def test_two_chords_in_a_bar_get_two_roots():
    plan = replace(PLAN, chords=(Chord(2, "min7"), Chord(7, "7")))
    onsets = {note.tick: note.pitch % 12 for note in bass_line(plan, KICKS)}
    assert (onsets[0], onsets[96]) == (4, 9)


def test_some_bars_approach_the_next_root_by_step():
    target = low_root(Chord(2, "maj7"))
    approaches = [note for plan in seeds(PLAN) for note in bass_line(plan, KICKS) if note.tick == 168]
    assert 5 <= len(approaches) <= 45
    for note in approaches:
        assert abs(note.pitch - target) <= 2 or note.pitch % 12 in pitch_classes(Chord(9, "7"))


def test_the_bass_is_calm_without_drums_and_silent_when_the_form_says_so():
    calm = bass_line(replace(PLAN, drums=DrumRole.NONE), [])
    assert [note.tick for note in calm] == [0]
    assert bass_line(replace(PLAN, bass=False), KICKS) == []


def test_the_same_place_of_the_loop_has_the_same_line():
    later = replace(PLAN, section_bar=5, piece_bar=13)
    assert bass_line(PLAN, KICKS) == bass_line(later, KICKS)


def test_between_roots_come_fifths_and_they_are_the_chords_own():
    for quality, fifth in (("min7", 7), ("hdim7", 6)):
        plan = replace(PLAN, chords=(Chord(2, quality),) * 2, next_chord=Chord(2, quality))
        found = {(note.pitch - 4) % 12 for one in seeds(plan) for note in bass_line(one, KICKS)}
        assert found == {0, fifth}
