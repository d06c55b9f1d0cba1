import pytest

from engine import tokens
from engine.types import TICKS_PER_BAR, Chord
from training.harmony_judge import HarmonyJudge, usages
from training.songs import Note, PianoSong, encode_piano, piano_header

C, A_MINOR = Chord(0, "maj"), Chord(9, "min")
TRIAD, OFTEN_9TH = (60, 64, 67), (60, 64, 74)


def song(style, bars, chord=C):
    """One bar per entry: its notes struck together on the 1."""
    notes = [Note(b * TICKS_PER_BAR, b * TICKS_PER_BAR + 90, pitch, 9) for b, bar in enumerate(bars) for pitch in bar]
    return PianoSong(style, style, False, tuple(sorted(notes)), ((chord, chord),) * len(bars))


@pytest.fixture(scope="module")
def judge():
    lead = song("lead", [TRIAD] * 7 + [OFTEN_9TH] * 3)  # 27 of 30 are chord tones
    return HarmonyJudge(usages([lead, song("pop", [TRIAD] * 40 + [OFTEN_9TH])]))


def verdict(judge, style, bars, header=None, last=None):
    """Judge the last bar of a song; with `last`, these tokens instead of it."""
    ids = encode_piano(song(style, bars))[:-1]
    start = len(ids) - 1 - ids[::-1].index(tokens.BAR)
    header = header or ids[start : start + 3]
    return judge.verdict([*ids[:start], *header], header, ids[start + 3 :] if last is None else last, False)


def test_usage_is_what_a_style_does_on_strong_beats():
    found = usages([song("lead", [TRIAD] * 7 + [OFTEN_9TH] * 3), song("pop", [TRIAD] * 40 + [OFTEN_9TH])])
    assert found["lead"].chord_tones == pytest.approx(0.9)
    assert ("maj", 2) in found["lead"].used
    assert ("maj", 2) not in found["pop"].used
    assert {("maj", 4), ("min", 3)} <= found["pop"].used


def test_a_bar_of_chord_tones_with_the_density_asked_for_counts(judge):
    assert verdict(judge, "pop", [TRIAD]).counts
    wrong = piano_header((C, C), 4)
    found = verdict(judge, "pop", [TRIAD], header=wrong)
    assert found.holds
    assert not found.counts


def test_an_interval_that_the_style_hardly_uses_does_not_hold(judge):
    assert not verdict(judge, "pop", [TRIAD] * 7 + [OFTEN_9TH]).holds
    assert verdict(judge, "lead", [TRIAD] * 7 + [OFTEN_9TH]).holds
    assert not verdict(judge, "lead", [TRIAD] * 7 + [(60, 64, 65)]).holds


def test_used_intervals_hold_while_the_passage_has_as_many_chord_tones_as_the_style(judge):
    assert verdict(judge, "lead", [TRIAD] * 6 + [OFTEN_9TH] * 2).holds
    assert not verdict(judge, "lead", [TRIAD] * 5 + [OFTEN_9TH] * 3).holds
    assert verdict(judge, "lead", [OFTEN_9TH] * 5 + [TRIAD]).holds  # it is on the way back
    assert not verdict(judge, "lead", [TRIAD] * 16 + [OFTEN_9TH] * 3).holds  # only eight bars are looked at


def weak(pitch):
    return [tokens.position(0), *(tokens.note(p, 9) for p in TRIAD), tokens.position(48), tokens.note(pitch, 9)]


def test_notes_have_to_be_in_the_key_or_of_their_chord(judge):
    header = piano_header((C, C), 1)
    assert verdict(judge, "pop", [TRIAD], header, weak(65)).counts
    assert verdict(judge, "pop", [TRIAD], header, weak(66)).holds
    assert not verdict(judge, "pop", [TRIAD], header, weak(66)).counts
    e_major = piano_header((Chord(4, "maj"), Chord(4, "maj")), 1)
    own = [tokens.position(0), *(tokens.note(pitch, 9) for pitch in (64, 68, 71))]
    assert verdict(judge, "pop", [TRIAD], e_major, own).counts


def test_the_second_chord_has_to_be_named_in_the_middle(judge):
    header = piano_header((C, A_MINOR), 2)
    plain = [tokens.position(0), *(tokens.note(p, 9) for p in TRIAD)]
    change, strike = tokens.chord(A_MINOR), [tokens.note(pitch, 9) for pitch in (57, 69)]
    assert verdict(judge, "pop", [TRIAD], header, [*plain, tokens.position(96), change, *strike]).counts
    assert not verdict(judge, "pop", [TRIAD], header, [*plain, tokens.position(84), change, *strike]).counts
    assert not verdict(judge, "pop", [TRIAD], header, [*plain, tokens.position(96), *strike]).counts
    assert not verdict(judge, "pop", [TRIAD], piano_header((C, C), 2), [*plain, tokens.position(96), change]).counts
    assert not verdict(judge, "pop", [TRIAD], header, [*plain, tokens.position(96), change, change, *strike]).counts


def test_a_release_is_no_onset_and_may_be_drawn(judge):
    header = piano_header((C, C), 1)
    released = [tokens.position(0), *(tokens.note(p, 9) for p in TRIAD), tokens.position(96)]
    released += [tokens.note(p, 0) for p in TRIAD]
    assert verdict(judge, "pop", [TRIAD], header, released).counts
    assert set(released) | {tokens.BAR, tokens.chord(A_MINOR)} <= set(judge.draw.ids.tolist())
    assert tokens.END not in judge.draw.ids
    assert not judge.helps
