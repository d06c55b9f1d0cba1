import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import write_drum_file, write_e_gmd, write_groove_set

from engine import tokens
from training.drums import augment, read_gmd, tighten
from training.errors import CorpusError
from training.songs import DrumSong, Hit, encode_drums

ROWS = [
    ("a.mid", "hiphop", "beat", "4-4", "train"),
    ("b.mid", "rock/prog", "fill", "4-4", "validation"),
    ("waltz.mid", "jazz", "beat", "3-4", "train"),
]


@pytest.fixture
def groove(tmp_path):
    write_groove_set(tmp_path, ROWS)
    write_drum_file(tmp_path / "a.mid")
    write_drum_file(tmp_path / "b.mid", bars=1)
    write_drum_file(tmp_path / "waltz.mid", bars=3)
    return tmp_path


def test_performances_in_four_four_are_read_with_style_kind_and_split(groove):
    performances, skipped = read_gmd(groove)
    found = [(p.song.name, p.song.style, p.song.fill, p.song.bars, p.validation) for p in performances]
    assert found == [("a.mid", "hiphop", False, 2, False), ("b.mid", "rock", True, 1, True)]
    assert skipped == ["waltz.mid: metre 3-4, only 4-4 is used."]


def test_a_broken_file_is_left_out_by_name_and_the_rest_is_read(groove):
    (groove / "a.mid").write_bytes(b"MThd\x00\x00 this is no MIDI")
    performances, skipped = read_gmd(groove)
    assert [p.song.name for p in performances] == ["b.mid"]
    assert any("a.mid" in reason and "not a readable MIDI file" in reason for reason in skipped)


def test_a_missing_file_is_left_out_by_name(groove):
    (groove / "b.mid").unlink()
    _, skipped = read_gmd(groove)
    assert any("b.mid" in reason for reason in skipped)


def test_an_exact_copy_is_left_out(groove):
    write_drum_file(groove / "b.mid", bars=2)
    performances, skipped = read_gmd(groove)
    assert [p.song.name for p in performances] == ["a.mid"]
    assert "b.mid: an exact copy of another performance." in skipped


def test_of_forty_three_copies_of_a_performance_one_is_read(tmp_path):
    rows = [(f"drummer1/s1/{n}", "train", f"{n}_funk_{kit}.midi") for n in (1, 2) for kit in range(1, 44)]
    write_e_gmd(tmp_path / "e-gmd", rows)
    performances, skipped = read_gmd(tmp_path / "e-gmd")
    assert [p.song.name for p in performances] == ["1_funk_1.midi", "2_funk_1.midi"]
    assert skipped == ["84 copies of performances on other drum kits."]
    assert [(p.song.style, p.lofi_weight) for p in performances] == [("funk", 1)] * 2


def test_a_performance_whose_copies_are_in_two_splits_is_refused(tmp_path):
    write_e_gmd(tmp_path / "e-gmd", [("1", "train", "a.midi"), ("1", "validation", "b.midi")])
    with pytest.raises(CorpusError, match=r"b\.midi: in split 'validation', another copy of it in 'train'"):
        read_gmd(tmp_path / "e-gmd")


def test_a_set_s_own_test_split_stays_out_of_both_of_ours(tmp_path):
    write_e_gmd(tmp_path / "e-gmd", [("1", "train", "a.midi"), ("2", "test", "b.midi"), ("3", "validation", "c.midi")])
    performances, skipped = read_gmd(tmp_path / "e-gmd")
    assert [(p.song.name, p.validation) for p in performances] == [("a.midi", False), ("c.midi", True)]
    assert skipped == ["1 files of the set's own test split: held out."]


def test_a_missing_set_says_where_to_get_it_and_its_licence(tmp_path):
    with pytest.raises(CorpusError, match=r"info\.csv: not found.*CC BY 4\.0.*github\.com"):
        read_gmd(tmp_path / "gmd")


def test_the_window_opens_before_the_bar_line_so_an_early_down_beat_stays_in_its_bar(tmp_path):
    write_groove_set(tmp_path, ROWS[:1])
    write_drum_file(tmp_path / "a.mid", early_ticks=40)  # 4 of our ticks; the first bar's cannot be early
    performances, _ = read_gmd(tmp_path)
    second_bar = [hit.tick - 192 for hit in performances[0].song.hits if hit.pitch == 36 and hit.tick >= 190]
    assert second_bar == [2]


def test_keys_of_the_recording_kit_become_the_eleven_classes(groove):
    performances, _ = read_gmd(groove)
    assert {hit.pitch for p in performances for hit in p.song.hits} <= set(tokens.DRUM_PITCHES)


@pytest.mark.parametrize(("tick", "expected"), [(6, 6), (8, 7), (4, 5), (9, 8), (10, 10), (14, 14), (18, 18), (20, 19)])
def test_half_the_human_deviation_is_taken_away_and_swing_stays(tick, expected):
    assert tighten(tick, 0.5) == expected


PLAYED = DrumSong(
    "x",
    "soul",
    False,
    tuple(sorted(Hit(6 + 24 * n + n % 3, pitch, 8) for n in range(16) for pitch in (36, 38, 42, 51))),
    2,
)


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_a_variant_stays_inside_its_bars_and_keeps_kick_and_snare(seed):
    variant = augment(PLAYED, np.random.default_rng(seed))
    assert (variant.bars, variant.style, variant.fill) == (PLAYED.bars, PLAYED.style, PLAYED.fill)
    assert all(0 <= hit.tick < PLAYED.bars * 192 and 7 <= hit.velocity_bin <= 9 for hit in variant.hits)
    assert {36, 38} <= {hit.pitch for hit in variant.hits}
    assert encode_drums(variant).count(tokens.BAR) == 2


def test_variants_differ():
    variants = {augment(PLAYED, np.random.default_rng(seed)).hits for seed in range(20)}
    assert len(variants) > 5
