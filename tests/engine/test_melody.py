from __future__ import annotations

from itertools import islice

from engine.fallback import compose_rules
from engine.form import Form
from engine.harmony import pitch_classes, scale_classes
from engine.melody import second_voice
from engine.moods import MOODS
from engine.types import TICKS_PER_BAR, NoteEvent, Part, Section

STUDY = MOODS["study"]


def plans(count=600, seed=1):
    form = Form(seed)
    return [form.next(STUDY) for _ in range(count)]


def test_most_bars_have_no_second_voice_and_more_share_gives_more():
    shares = {}
    for melody_share in (0.0, 0.3, 1.0):
        shares[melody_share] = sum(bool(second_voice(plan, [], melody_share)) for plan in plans()) / 600
    assert shares[0.0] == 0
    assert 0 < shares[0.3] < shares[1.0] < 0.5


def test_an_answer_is_short_soft_and_of_the_key_or_chord():
    answers = [(plan, notes) for plan in plans() if (notes := second_voice(plan, [], 1.0))]
    for plan, notes in answers:
        assert 3 <= len(notes) <= 5
        assert plan.section not in (Section.INTRO, Section.OUTRO)
        for note in notes:
            chord = plan.sounding_chords[note.tick * 2 // TICKS_PER_BAR]
            assert note.pitch % 12 in scale_classes(plan.piece.key, plan.piece.minor) | pitch_classes(chord)
            assert note.tick + note.length_ticks <= TICKS_PER_BAR
            assert note.velocity <= 90


def test_no_answer_comes_while_the_keys_sing():
    tune = [NoteEvent(tick, 24, 72 + tick // 24, 70, Part.KEYS) for tick in (0, 24, 48)]
    many = plans(2400)  # the voice doubles the keys in 3 of 10 phrases: fewer than half, in more than a few phrases
    silent = [second_voice(plan, [], 1.0) for plan in many]
    singing = [second_voice(plan, tune, 1.0) for plan in many]
    assert sum(map(bool, singing)) < sum(map(bool, silent)) / 2
    assert all({note.tick for note in notes} <= {0, 24, 48} for notes in singing)


def test_a_motif_comes_back_within_its_piece():
    rhythms = {}
    for plan in plans():
        notes = second_voice(plan, [], 1.0)
        if notes:
            rhythms.setdefault(plan.piece.number, []).append(tuple(note.tick for note in notes))
    assert all(len(set(own)) <= 2 for own in rhythms.values())
    assert len({own[0] for own in rhythms.values()}) >= 3


def test_doubling_takes_the_tune_and_not_the_chords():
    chord = [NoteEvent(0, 96, pitch, 60, Part.KEYS) for pitch in (52, 57, 60, 64)]
    tune = [NoteEvent(96, 24, 62, 70, Part.KEYS), NoteEvent(120, 24, 72, 70, Part.KEYS)]
    bars = [second_voice(plan, [*chord, *tune], 1.0) for plan in plans()]
    # a doubled note is as loud as 0.7 of its model; an answer varies from note to note
    doubled = {tuple((note.tick, note.pitch) for note in bar) for bar in bars if {n.velocity for n in bar} == {49}}
    assert doubled == {((96, 74), (120, 72))}


def test_the_second_voice_is_heard_in_the_whole():
    bars = list(islice(compose_rules(MOODS["snow"], 3), 200))
    share = sum(any(event.part is Part.SECOND for event in bar.events) for bar in bars) / len(bars)
    assert 0.05 <= share <= 0.4
