from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from engine.errors import MoodError
from engine.form import Form
from engine.moods import MOODS, Mood
from engine.plan import DrumRole
from engine.snapshot import pack, unpack
from engine.titles import COMBINATIONS
from engine.types import Section

STUDY = MOODS["study"]


def plans(mood: Mood, seed: int, bars: int):
    form = Form(seed)
    return [form.next(mood) for _ in range(bars)]


def pieces(mood: Mood, seed: int, count: int):
    form = Form(seed)
    found: list[list] = []
    while len(found) <= count:
        plan = form.next(mood)
        if plan.piece_bar == 0:
            found.append([])
        found[-1].append(plan)
    return found[:count]


def test_there_are_titles_enough():
    assert COMBINATIONS >= 1500


@pytest.mark.parametrize("name", sorted(MOODS))
def test_pieces_keep_to_the_moods_length_tempo_key_and_mode(name):
    mood = MOODS[name]
    for bars in pieces(mood, 3, 12):
        piece = bars[0].piece
        assert mood.piece_bars_low - 3 <= len(bars) == piece.bars <= mood.piece_bars_high
        assert mood.bpm_low <= piece.bpm <= mood.bpm_high
        assert piece.key in mood.keys
        assert all(plan.piece == piece for plan in bars)


def test_a_piece_goes_through_all_sections_in_order_and_rests_on_its_tonic():
    for bars in pieces(STUDY, 1, 8):
        order = [plan.section for plan in bars]
        assert list(dict.fromkeys(order)) == list(Section)
        last = bars[-1]
        assert last.next_chord is None
        assert last.sounding_chords[0].root == last.piece.key


def test_successive_pieces_differ_in_key_and_tempo_and_loop():
    for before, after in pairwise(pieces(STUDY, 2, 30)):
        assert before[0].piece.key != after[0].piece.key
        assert before[0].piece.bpm != after[0].piece.bpm
        assert [p.chords for p in before[:8]] != [p.chords for p in after[:8]]


def test_drums_rest_in_intro_and_breakdown_and_fill_each_eight_bars():
    for plan in plans(STUDY, 4, 300):
        if plan.section in (Section.INTRO, Section.BREAKDOWN):
            assert plan.drums is DrumRole.NONE
        if plan.section is Section.A and plan.section_bar % 8 == 7:
            assert plan.drums is DrumRole.FILL


def test_a_fill_leads_into_the_breakdown():
    for bars in pieces(STUDY, 14, 6):
        last = [plan for plan in bars if plan.section is Section.B][-1]
        assert last.drums is DrumRole.FILL


def test_no_more_than_eight_bars_pass_without_drums():
    resting = 0
    for plan in plans(STUDY, 13, 600):
        resting = resting + 1 if plan.drums is DrumRole.NONE else 0
        assert resting <= 8


def test_the_keys_are_alone_at_the_start_of_a_piece():
    for bars in pieces(STUDY, 5, 5):
        assert not bars[0].bass
        assert bars[0].drums is DrumRole.NONE


def test_density_follows_the_mood_and_the_section():
    dense = Counter(p.keys_density for p in plans(replace(STUDY, keys_density=3.5), 6, 400))
    sparse = Counter(p.keys_density for p in plans(replace(STUDY, keys_density=1.5), 6, 400))
    mean = {name: sum(k * n for k, n in c.items()) / 400 for name, c in (("dense", dense), ("sparse", sparse))}
    assert mean["dense"] - mean["sparse"] > 1
    by_section = {
        section: [p.keys_density for p in plans(STUDY, 6, 600) if p.section is section]
        for section in (Section.INTRO, Section.B)
    }
    assert sum(by_section[Section.B]) / len(by_section[Section.B]) > (
        sum(by_section[Section.INTRO]) / len(by_section[Section.INTRO])
    )


def test_a_bar_may_repeat_only_an_earlier_bar_with_the_same_chords():
    for bars in pieces(STUDY, 7, 6):
        for plan in bars:
            for source in plan.keys_sources:
                assert source.piece_bar < plan.piece_bar
                assert bars[source.piece_bar].chords == plan.chords
            for source in plan.drums_sources:
                assert bars[source.piece_bar].drums is DrumRole.BEAT


def test_the_same_seed_plans_the_same_and_another_seed_does_not():
    assert plans(STUDY, 8, 200) == plans(STUDY, 8, 200)
    assert plans(STUDY, 8, 200) != plans(STUDY, 9, 200)


def test_a_restored_form_goes_on_where_the_saved_one_stood():
    form = Form(10)
    for _ in range(75):
        form.next(STUDY)
    tree = unpack(pack(form.snapshot()))
    other = Form(0)
    other.restore(tree)
    assert [form.next(STUDY) for _ in range(150)] == [other.next(STUDY) for _ in range(150)]


def test_a_cut_ends_the_piece_at_the_coming_bar():
    form = Form(11)
    before = [form.next(STUDY) for _ in range(10)][-1].piece
    form.cut()
    after = form.next(STUDY)
    assert after.piece_bar == 0
    assert after.piece.number == before.number + 1


def test_a_piece_fits_a_mood_by_tempo_key_and_mode():
    form = Form(12)
    assert form.fits(STUDY)
    piece = form.next(STUDY).piece
    assert form.fits(STUDY)
    assert not form.fits(replace(STUDY, bpm_low=piece.bpm + 1, bpm_high=piece.bpm + 9))
    assert not form.fits(replace(STUDY, keys=((piece.key + 1) % 12,)))
    assert not form.fits(replace(STUDY, minor_share=0.0 if piece.minor else 1.0))


@pytest.mark.parametrize("bars", [36, 64, 92])
def test_pieces_are_as_long_as_a_mood_may_ask(bars):
    mood = replace(MOODS["study"], piece_bars_low=bars, piece_bars_high=bars)
    form = Form(3)
    assert {form.next(mood).piece.bars for _ in range(4 * bars)} == {bars}


@pytest.mark.parametrize("bars", [35, 93])
def test_lengths_that_no_piece_can_have_are_refused(bars):
    with pytest.raises(MoodError, match="must be 36 to 92"):
        replace(MOODS["study"], piece_bars_low=bars, piece_bars_high=bars)
