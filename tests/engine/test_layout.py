from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from engine.errors import OrderError
from engine.form import Form
from engine.layout import LONGEST, SHORTEST, drawn_lengths, parse_layout
from engine.moods import MOODS
from engine.plan import DrumRole
from engine.snapshot import pack, unpack
from engine.types import Section

STUDY = MOODS["study"]


def piece(text: str, seed: int = 1):
    form = Form(seed)
    form.layout = parse_layout(text)
    first = form.next(STUDY)
    return [first, *(form.next(STUDY) for _ in range(first.piece.bars - 1))]


def test_sections_come_in_the_order_and_with_the_lengths_asked_for():
    bars = piece("intro A:8 B:12 break:4 B a outro:4")
    order = [bars[0].section]
    for before, after in pairwise(bars):
        if after.section_bar == 0:
            order.append(after.section)
        assert before.next_section is after.section
    assert [section.value for section in order] == ["intro", "a", "b", "breakdown", "b", "a_return", "outro"]
    lengths = {s: sum(bar.section is s for bar in bars) for s in Section}
    assert (lengths[Section.A], lengths[Section.B], lengths[Section.OUTRO]) == (8, 24, 4)
    assert bars[-1].next_section is None


@pytest.mark.parametrize("text", ["A", "outro intro", "B B B", "A:1", "breakdown A' intro:5"])
def test_any_order_of_sections_can_be_planned_to_its_end(text):
    bars = piece(text)
    assert [bar.piece_bar for bar in bars] == list(range(bars[0].piece.bars))
    for bar in bars:
        for source in bar.keys_sources:
            assert source.piece_bar < bar.piece_bar
            assert bars[source.piece_bar].chords == bar.chords
        for source in bar.drums_sources:
            assert bars[source.piece_bar].drums is DrumRole.BEAT


def test_lengths_left_open_fill_the_moods_length_and_stay_in_their_range():
    for seed in range(20):
        layout = parse_layout("intro A B A' outro")
        lengths = drawn_lengths(layout, STUDY, np.random.default_rng(seed))
        assert STUDY.piece_bars_low - 4 < sum(lengths) <= STUDY.piece_bars_high
        for (section, _), bars in zip(layout, lengths, strict=True):
            assert SHORTEST[section] <= bars <= LONGEST[section]


def test_a_form_asked_for_survives_a_snapshot_in_the_middle_of_a_piece():
    form = Form(4)
    form.layout = parse_layout("B:8 A:8 B")
    for _ in range(11):
        form.next(STUDY)
    other = Form(0)
    other.layout = form.layout
    other.restore(unpack(pack(form.snapshot())))
    assert [form.next(STUDY) for _ in range(40)] == [other.next(STUDY) for _ in range(40)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has 0 sections"),
        ("A " * 33, "has 33 sections"),
        ("verse", "'verse' is no section"),
        ("A:0", "has 0 bars"),
        ("A:65", "has 65 bars"),
        ("B:4 B:8", "b has 4 and 8 bars"),
    ],
)
def test_what_is_no_form_is_refused_in_a_sentence(text, said):
    with pytest.raises(OrderError, match=said):
        parse_layout(text)
