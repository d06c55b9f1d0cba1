import json

import pytest

from engine.types import Chord
from training.charts import (
    figure_chord,
    harte_chord,
    numeral_chord,
    read_billboard,
    read_billboard_charts,
    read_lead_sheet,
    read_lead_sheets,
    read_progression,
    read_progressions,
)
from training.errors import CorpusError

MAJOR = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}


@pytest.mark.parametrize(
    ("symbol", "root", "quality"),
    [
        ("C:maj", 0, "maj"), ("Bb:min7/b3", 10, "min7"), ("F#:7(#9)", 6, "7"), ("G:sus4(b7,9)", 7, "sus"),
        ("D:hdim7", 2, "hdim7"), ("E:maj9", 4, "maj7"), ("A:13", 9, "7"), ("C:5", 0, "maj"), ("D:min9", 2, "min7"),
    ],
)  # fmt: skip
def test_harte_symbols(symbol, root, quality):
    assert harte_chord(symbol) == Chord(root, quality)


@pytest.mark.parametrize("symbol", ["N", "*", "&pause", "(2/4)", "", "H:maj"])
def test_what_names_no_chord_in_harte_is_none(symbol):
    assert harte_chord(symbol) is None


@pytest.mark.parametrize(
    ("symbol", "root", "quality"),
    [
        ("C", 0, "maj"), ("B-7", 10, "7"), ("E-maj7", 3, "maj7"), ("F#o7", 6, "dim"), ("G7+", 7, "aug"),
        ("Dm7/A", 2, "min7"), ("Cm6", 0, "min"), ("F6", 5, "maj"), ("Bm7b5", 11, "hdim7"), ("G9", 7, "7"),
    ],
)  # fmt: skip
def test_lead_sheet_figures(symbol, root, quality):
    assert figure_chord(symbol) == Chord(root, quality)


@pytest.mark.parametrize(
    ("symbol", "root", "quality"),
    [
        ("I", 0, "maj"), ("vi", 9, "min"), ("bVIIM", 10, "maj"), ("ivm7", 5, "min7"), ("Idom7", 0, "7"),
        ("Vsus4", 7, "sus"), ("iim7", 2, "min7"), ("bIIM7", 1, "maj7"), ("V7", 7, "7"),
    ],
)  # fmt: skip
def test_roman_numerals(symbol, root, quality):
    assert numeral_chord(symbol, MAJOR) == Chord(root, quality)


def test_a_minor_progression_is_written_in_a_minor():
    chart = read_progression("p", {"mode": "min", "progression": "i VI III VII"})
    assert chart.minor
    assert [first.root for first, _ in chart.bars] == [9, 5, 0, 7]


def billboard(bars, tonic="D", metre="4/4"):
    return {"id": "1", "title": "Song", "by": "Band", "metre": metre, "tonic": tonic, "bars": bars}


def test_a_billboard_chart_moves_to_c_and_shares_beats_between_chords():
    chart = read_billboard(billboard([["D:maj7"], ["E:min7", "A:7"], [".", ".", "D:maj7", "."]] * 3))
    assert not chart.minor
    assert chart.bars[0] == (Chord(0, "maj7"), Chord(0, "maj7"))
    assert chart.bars[1] == (Chord(2, "min7"), Chord(7, "7"))
    assert chart.bars[2] == (Chord(7, "7"), Chord(0, "maj7"))


@pytest.mark.parametrize(
    "item",
    [billboard([["D:maj"]] * 12), billboard([["D:maj7"]] * 12, metre="3/4"), billboard([["D:maj7"]] * 3)],
    ids=["few sevenths", "another metre", "too short"],
)
def test_charts_that_give_no_colour_are_left_out(item):
    assert read_billboard(item) is None


def test_a_lead_sheet_is_moved_to_c_with_its_tune():
    bars = [{"ch": [[0.0, "F"], [2.0, "C7"]], "mel": [[0.0, 2.0, 65], [2.0, 1.0, 69], [3.0, 1.0, 65]]}] * 8
    chart = read_lead_sheet({"id": "x", "metre": "4/4", "bars": bars})
    assert chart.bars[0] == (Chord(0, "maj"), Chord(7, "7"))
    assert [note.pitch % 12 for note in chart.melody[0]] == [0, 4, 0]
    assert [note.tick for note in chart.melody[0]] == [0, 96, 144]


READERS = (read_lead_sheets, read_billboard_charts, read_progressions)


@pytest.mark.parametrize("read", READERS)
def test_missing_charts_say_where_to_get_them(tmp_path, read):
    with pytest.raises(CorpusError, match=r"jsonl?: not found.*CC0.*MIT"):
        read(tmp_path)


def test_a_damaged_chart_file_is_named(tmp_path):
    (tmp_path / "openewld_strict.jsonl").write_text("{broken")
    with pytest.raises(CorpusError, match=r"openewld_strict\.jsonl: not readable"):
        read_lead_sheets(tmp_path)


def test_all_three_collections_are_read_and_what_is_not_usable_is_named(tmp_path):
    sheet = {"id": "s", "metre": "4/4", "bars": [{"ch": [[0.0, "C"]], "mel": []}] * 8}
    waltz = sheet | {"id": "w", "metre": "3/4"}
    (tmp_path / "openewld_strict.jsonl").write_text(f"{json.dumps(sheet)}\n{json.dumps(waltz)}")
    (tmp_path / "mcgill_billboard.jsonl").write_text(json.dumps(billboard([["D:maj7"]] * 8)))
    (tmp_path / "progressions.json").write_text(json.dumps([{"mode": "maj", "progression": "I vi ii V"}]))
    found = [read(tmp_path) for read in READERS]
    names = [chart.name.partition("/")[0] for charts, _ in found for chart in charts]
    assert names == ["openewld", "billboard", "progressions"]
    assert [reason.partition(":")[0] for _, reasons in found for reason in reasons] == ["openewld/w"]
