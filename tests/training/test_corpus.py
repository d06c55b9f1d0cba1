from dataclasses import replace

import numpy as np
import pytest
from tiny import tiny_corpus

from engine import tokens
from training.corpus import EVERY_EPOCH, Corpus, Entry, as_ids, check_split, load_corpus, save_corpus
from training.errors import CorpusError


def entry(name, validation=False, variant=EVERY_EPOCH, ids=(1, 2)):
    return Entry(name, validation, variant, as_ids(ids))


def test_a_corpus_comes_back_from_its_file(tmp_path):
    corpus = tiny_corpus()
    save_corpus(corpus, tmp_path / "a" / "piano.npz")
    back = load_corpus(tmp_path / "a" / "piano.npz")
    assert [(e.name, e.validation, e.variant) for e in back.entries] == [
        (e.name, e.validation, e.variant) for e in corpus.entries
    ]
    assert all(np.array_equal(a.ids, b.ids) for a, b in zip(back.entries, corpus.entries, strict=True))
    assert not list(tmp_path.glob("**/*.tmp*"))


def test_a_song_in_both_splits_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="both splits, for example b"):
        save_corpus(Corpus((entry("a"), entry("b"), entry("b", validation=True))), tmp_path / "x.npz")
    check_split([entry("a"), entry("a", variant=1), entry("b", validation=True)])


def test_an_epoch_holds_each_training_song_once_in_an_order_that_seed_and_number_decide():
    corpus = Corpus((*tuple(entry(str(n), ids=[100 + n]) for n in range(20)), entry("v", True, ids=[9])))
    first = corpus.epoch(0, seed=1)
    assert sorted(first) == list(range(100, 120))
    assert np.array_equal(first, corpus.epoch(0, seed=1))
    assert not np.array_equal(first, corpus.epoch(1, seed=1))
    assert not np.array_equal(first, corpus.epoch(0, seed=2))


def test_variants_take_turns():
    corpus = Corpus((entry("a", ids=[5]), entry("b", variant=0, ids=[6]), entry("b", variant=1, ids=[7])))
    assert corpus.variants == 2
    assert [sorted(corpus.epoch(number, 0)) for number in range(3)] == [[5, 6], [5, 7], [5, 6]]


def test_a_corpus_without_variants_has_one():
    assert Corpus((entry("a"),)).variants == 1


def test_a_missing_corpus_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(CorpusError, match=r"training\.prepare"):
        load_corpus(tmp_path / "piano.npz")


def test_a_corpus_of_another_token_table_is_refused(tmp_path, monkeypatch):
    save_corpus(tiny_corpus(), tmp_path / "piano.npz")
    monkeypatch.setattr(tokens, "vocabulary_sha256", lambda *_: "another")
    with pytest.raises(CorpusError, match="another token table"):
        load_corpus(tmp_path / "piano.npz")


def test_a_corpus_carries_its_vocabulary_and_the_checksums_of_its_sets(tmp_path):
    thesis = Corpus((entry("a"), entry("b", validation=True)), tokens.MIDICOMPACT_SIZE, {"irish_cre": "abc"})
    save_corpus(thesis, tmp_path / "thesis.npz")
    back = load_corpus(tmp_path / "thesis.npz")
    assert (back.vocabulary_size, back.sources) == (2176, {"irish_cre": "abc"})
    assert back.vocabulary_sha256 == tokens.vocabulary_sha256(2176) != tokens.vocabulary_sha256()


def test_a_corpus_from_before_it_named_its_vocabulary_size_is_read(tmp_path):
    save_corpus(tiny_corpus(), tmp_path / "piano.npz")
    with np.load(tmp_path / "piano.npz") as file:
        old = {name: file[name] for name in file.files if name not in ("vocabulary_size", "sources")}
    np.savez_compressed(tmp_path / "old.npz", **old)
    assert load_corpus(tmp_path / "old.npz").vocabulary_size == tokens.VOCABULARY_SIZE


def test_marks_follow_their_tokens_through_the_file_and_the_epoch(tmp_path):
    songs = [replace(entry(str(n), ids=[2 * n, 2 * n + 1]), learned=np.array([True, n > 5])) for n in range(10)]
    save_corpus(Corpus((*songs, entry("plain", ids=[99]))), tmp_path / "x.npz")
    back = load_corpus(tmp_path / "x.npz")
    stream, marks = back.epoch(0, 1).tolist(), back.epoch_marks(0, 1).tolist()
    assert len(stream) == len(marks) == 21
    assert sorted(token for token, mark in zip(stream, marks, strict=True) if not mark) == [1, 3, 5, 7, 9, 11]


def test_a_corpus_without_marks_stores_none_and_counts_every_token(tmp_path):
    save_corpus(tiny_corpus(), tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as file:
        assert "learned" not in file
    assert load_corpus(tmp_path / "x.npz").epoch_marks(0, 0).all()
