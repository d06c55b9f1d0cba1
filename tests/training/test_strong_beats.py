import re

import pytest
from tiny import comped_tokens, tiny_corpus

from engine import tokens
from engine.types import TICKS_PER_BAR, Chord
from training import strong_beats
from training.corpus import EVERY_EPOCH, Entry, as_ids, save_corpus
from training.measures import measure_piano
from training.runtime import OnnxStep
from training.sample import headers_of
from training.songs import Note, PianoSong, decode_piano, encode_piano
from training.strong_beats import main, shares, written

TRIAD, WITH_9TH = (60, 64, 67), (60, 64, 74)


def song(bars):
    """One bar per entry: its notes struck together on the 1, over C."""
    notes = [Note(b * TICKS_PER_BAR, b * TICKS_PER_BAR + 90, pitch, 9) for b, bar in enumerate(bars) for pitch in bar]
    chord = Chord(0, "maj")
    return encode_piano(PianoSong("song", "pop", False, tuple(sorted(notes)), ((chord, chord),) * len(bars)))


@pytest.fixture(scope="module")
def model(root):
    return root / "models" / "piano" / "model.onnx"


def test_shares_are_of_the_notes_of_all_stretches_and_dense_of_the_written_bars():
    plain, coloured = song([TRIAD] * 4), song([WITH_9TH] * 2)
    found = shares([(plain, coloured), (coloured, plain)])
    assert found.written == found.corpus == pytest.approx(16 / 18)
    assert found.dense == 1
    found = shares([(plain, coloured)])
    assert (found.corpus, found.written, found.error) == (1, pytest.approx(2 / 3), pytest.approx(0))


def test_the_error_is_that_of_the_difference_and_not_of_either_share():
    plain, coloured = song([TRIAD] * 4), song([WITH_9TH] * 4)
    assert shares([(plain, plain), (coloured, coloured)]).error == pytest.approx(0)
    apart = [(plain, plain), (plain, coloured)] * 8
    assert 0.02 < shares(apart).error < 0.06  # 1/3 in half of 16 stretches: 1/6 / sqrt(16) = .042


def test_a_bar_with_other_onsets_than_its_header_asks_for_is_not_dense():
    ids = song([TRIAD, TRIAD])
    wrong = [tokens.density(5) if token == ids[5] else token for token in ids]
    assert ids[5] == tokens.density(tokens.density_bucket(3, tokens.PIANO_DENSITY_LIMITS))
    assert shares([(ids, wrong)]).dense == 0
    assert shares([(wrong, ids)]).dense == 1


def test_each_stretch_is_written_as_often_as_asked_under_its_own_headers(model):
    asked = [Entry(f"{bars}", True, EVERY_EPOCH, as_ids(comped_tokens(bars, bars))) for bars in (2, 5, 3)]
    pairs = written(OnnxStep(model), asked, times=2, first_seed=5)
    assert [list(ids) for ids, _ in pairs] == [entry.ids.tolist() for entry in asked] * 2
    for ids, song_ids in pairs:
        assert headers_of(song_ids) == headers_of(ids)
    assert pairs[0][1] != pairs[3][1]


def test_the_share_is_the_one_that_evaluate_measures():
    ids = comped_tokens(4, 16)
    tones = measure_piano([decode_piano(ids)])["chord_tones_on_strong_beats"]
    assert shares([(ids, ids)]).corpus == pytest.approx(tones)


def test_the_command_prints_a_line_for_the_training_split_and_for_each_group_and_model(model, tmp_path, capsys):
    corpus = tiny_corpus()
    save_corpus(corpus, tmp_path / "piano.npz")
    main([str(model), str(model), "--prepared", str(tmp_path), "--stretches", "2", "--bars", "4"])
    split, first, second = capsys.readouterr().out.splitlines()
    training = [decode_piano(entry.ids.tolist()) for entry in corpus.entries if not entry.validation]
    assert split == f"lead, training split: {measure_piano(training)['chord_tones_on_strong_beats']:.4f}"
    assert first == second
    assert re.match(r"lead, 2 stretches, .*model\.onnx: \d\.\d{4} for \d\.\d{4} \([+-]\d\.\d{4}, standard error", first)


def test_held_out_songs_are_measured_instead_where_they_are_named(model, tmp_path, capsys, monkeypatch):
    found = [Entry("pop909/010", True, EVERY_EPOCH, as_ids(song([TRIAD] * 8)))]
    monkeypatch.setattr(strong_beats, "held_out_songs", lambda folder: found if folder == tmp_path else [])
    main([str(model), "--held-out", str(tmp_path), "--bars", "4", "--times", "2"])
    assert capsys.readouterr().out.startswith(f"held out, 2 stretches, {model}: ")
