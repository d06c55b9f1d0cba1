from itertools import pairwise

import numpy as np
import pytest

from engine import tokens
from engine.types import Chord
from training.corpus import EVERY_EPOCH, Corpus, Entry, as_ids, load_corpus, save_corpus
from training.openings import drum_openings, piano_openings, played
from training.recovery import LESSONS, main
from training.songs import DrumSong, Hit, Note, PianoSong, encode_drums, encode_piano

BAR_TICKS = 192


def performance(style, bars=6, backbeat=True):
    """Kick on 1, snare on 2 and 4 (or on 3), hats in eighths."""
    beats = ((0, 36), (1, 38), (3, 38)) if backbeat else ((0, 36), (2, 38))
    hits = [Hit(6 + bar * BAR_TICKS + beat * 48, pitch, 12) for bar in range(bars) for beat, pitch in beats]
    hits += [Hit(6 + bar * BAR_TICKS + eighth * 24, 42, 6) for bar in range(bars) for eighth in range(8)]
    return encode_drums(DrumSong(style, style, False, tuple(sorted(hits)), bars))


@pytest.fixture
def corpus():
    songs = [
        ("soul", False, EVERY_EPOCH, True),
        ("hiphop", False, 0, True),
        ("hiphop", False, 1, True),
        ("funk", False, 0, True),
        ("latin", False, 0, False),
        ("funk", True, EVERY_EPOCH, True),
    ]
    return Corpus(
        tuple(
            Entry(f"{style}{number}", held_out, variant, as_ids(performance(style, backbeat=kept)))
            for number, (style, held_out, variant, kept) in enumerate(songs)
        )
    )


def test_performances_are_the_training_split_s_in_every_variant(corpus):
    found = played(corpus)
    assert {token: len(songs) for token, songs in found.songs.items()} == {
        tokens.style(style): count for style, count in (("soul", 1), ("hiphop", 2), ("funk", 1), ("latin", 1))
    }
    assert found.backbeats[tokens.style("funk")] == 6
    assert found.backbeats[tokens.style("latin")] == 0


def test_openings_ask_for_backbeats_in_styles_that_have_them_and_some_go_on_from_a_performance(corpus):
    found = drum_openings(played(corpus), 200, 16, seed=3)
    assert found == drum_openings(played(corpus), 200, 16, seed=3) != drum_openings(played(corpus), 200, 16, seed=4)
    headers = [opening.headers for opening in found]
    assert {header[0][1] for header in headers} == {tokens.style(style) for style in ("soul", "hiphop", "funk")}
    assert {header[2] for each in headers for header in each} == {tokens.BACKBEAT, tokens.FILL}
    assert all(each[place][2] == tokens.BACKBEAT for each in headers for place in range(7))
    assert len({opening.seed for opening in found}) == 200
    begun = [opening for opening in found if len(opening.ids) > 1]
    assert 50 < len(begun) < 110
    for opening in begun:
        assert opening.ids[0] == tokens.START
        assert opening.ids[1] == tokens.BAR
        assert opening.ids[2] == opening.headers[0][1]
    assert any(opening.free_bars for opening in found)


def test_the_corpus_has_the_performances_and_marked_songs_and_the_same_validation(root, corpus, tmp_path, capsys):
    save_corpus(corpus, tmp_path / "drums.npz")
    model = str(root / "models" / "drums" / "model.onnx")
    command = [
        "drums",
        model,
        "--prepared",
        str(tmp_path),
        "--out",
        str(tmp_path / "out"),
        "--songs",
        "3",
        "--bars",
        "4",
    ]
    main(command)
    made = load_corpus(tmp_path / "out" / "drums.npz")
    assert np.array_equal(made.validation(), corpus.validation())
    written = [entry for entry in made.entries if entry.name.startswith("written/")]
    assert len(written) == 3
    assert len(made.entries) == len(corpus.entries) + 3
    assert all(entry.marks().all() for entry in made.entries if entry not in written)
    counted = sum(int(entry.marks().sum()) for entry in written)
    assert 0 < counted < sum(len(entry.ids) for entry in written)
    assert f"{counted} of them count" in capsys.readouterr().out
    main([*command, "--share", "0"])
    alone = load_corpus(tmp_path / "out" / "drums.npz")
    assert [entry.name for entry in alone.entries if not entry.validation] == [entry.name for entry in written]
    earlier = tmp_path / "earlier"
    (tmp_path / "out").rename(earlier)
    main([*command, "--share", "0", "--seed", "2", "--beside", str(earlier)])
    both = [entry for entry in load_corpus(tmp_path / "out" / "drums.npz").entries if not entry.validation]
    assert [entry.ids.tolist() for entry in both[:3]] == [entry.ids.tolist() for entry in written]
    assert len(both) == 6
    assert all(np.array_equal(one.marks(), other.marks()) for one, other in zip(both, written, strict=False))


def piano_corpus():
    chord = Chord(0, "maj")
    songs = []
    for place, (style, count, held_out) in enumerate((("pop", 12, False), ("lead", 5, False), ("pop", 4, True))):
        notes = [
            Note(b * BAR_TICKS + at, b * BAR_TICKS + at + 40, 60 + at // 24, 9) for b in range(count) for at in (0, 96)
        ]
        made = PianoSong(style, style, False, tuple(notes), ((chord, chord),) * count)
        songs.append(Entry(f"{style}{place}", held_out, EVERY_EPOCH, as_ids(encode_piano(made))))
    return Corpus(tuple(songs))


def test_the_piano_s_openings_are_stretches_of_the_training_split_some_of_them_begun():
    found = piano_openings(piano_corpus(), 60, 8, seed=3)
    assert found == piano_openings(piano_corpus(), 60, 8, seed=3) != piano_openings(piano_corpus(), 60, 8, seed=4)
    header = (tokens.BAR, tokens.chord(Chord(0, "maj")), tokens.density(1))
    assert {each for opening in found for each in opening.headers} == {header}
    lengths = {(opening.ids[1], opening.ids.count(tokens.BAR) + len(opening.headers)) for opening in found}
    assert lengths == {(tokens.style("pop"), 8), (tokens.style("pop"), 4), (tokens.style("lead"), 5)}
    assert all(opening.ids[0] == tokens.START for opening in found)
    assert all(opening.headers for opening in found)
    begun = [opening for opening in found if tokens.BAR in opening.ids]
    assert 10 < len(begun) < 40
    assert any(opening.free_bars for opening in found)


def test_the_piano_learns_from_its_own_songs_too(root, tmp_path, capsys):
    corpus = piano_corpus()
    save_corpus(corpus, tmp_path / "piano.npz")
    model = str(root / "models" / "piano" / "model.onnx")
    places = ["--prepared", str(tmp_path), "--out", str(tmp_path / "out")]
    main(["piano", model, *places, "--songs", "4", "--bars", "5"])
    made = load_corpus(tmp_path / "out" / "piano.npz")
    assert np.array_equal(made.validation(), corpus.validation())
    written = [entry for entry in made.entries if entry.name.startswith("written/")]
    assert len(written) == 4
    counted = sum(int(entry.marks().sum()) for entry in written)
    assert 0 < counted < sum(len(entry.ids) for entry in written)
    assert f"{counted} of them count" in capsys.readouterr().out
    judge = LESSONS["piano"].judge(corpus)
    for entry in written:
        ids, marks = entry.ids.tolist(), entry.marks()
        places = [place for place, token in enumerate(ids) if token == tokens.BAR]
        for start, stop in pairwise([*places, len(ids) - 1]):
            verdict = judge.verdict(ids[: start + 3], ids[start : start + 3], ids[start + 3 : stop], False)
            assert not marks[start + 3 : stop].any() or verdict.counts
