import json

import pytest
from test_pop909 import write_song
from tiny import loop_chart, write_drum_file, write_groove_set

from engine import tokens
from training import prepare
from training.corpus import check_split, load_corpus
from training.pop909 import read_song
from training.prepare import main, prepare_drums, prepare_piano, shift_velocity


@pytest.fixture
def data(tmp_path):
    for number in ("001", "002", "003", "010"):
        write_song(tmp_path / "pop909_piano" / number)
    harmony = tmp_path / "harmony"
    harmony.mkdir()
    sheet = {"metre": "4/4", "bars": [{"ch": [[0.0, "C"]], "mel": [[0.0, 1.0, 72]]}] * 8}
    (harmony / "openewld_strict.jsonl").write_text("\n".join(json.dumps(sheet | {"id": f"s{n}"}) for n in range(20)))
    (harmony / "mcgill_billboard.jsonl").write_text("")
    progression = {"mode": "maj", "progression": "ii V I vi"}
    (harmony / "progressions.json").write_text(json.dumps([progression] * 20))
    rows = [(f"{n}.mid", "hiphop", "beat", "4-4", "train" if n else "validation") for n in range(3)]
    write_groove_set(tmp_path / "gmd", rows)
    for n in range(3):
        write_drum_file(tmp_path / "gmd" / f"{n}.mid", bars=n + 1)
    return tmp_path


def test_no_piano_song_is_in_both_splits_and_held_out_songs_are_in_none(data, monkeypatch):
    monkeypatch.setattr(prepare, "POP909_VALIDATION_SONGS", 1)
    corpus, skipped = prepare_piano(data, seed=0)
    check_split(corpus.entries)
    names = {entry.name for entry in corpus.entries}
    assert "pop909/010" not in names
    assert len({name for name in names if name.startswith("pop909/")}) == 3
    assert any("held out" in reason for reason in skipped)
    assert {name.partition("/")[0] for name in names} == {"pop909", "openewld", "progressions"}


def test_every_epoch_of_drums_is_another_variant_and_hip_hop_comes_twice(data):
    corpus, _ = prepare_drums(data / "", seed=0)
    check_split(corpus.entries)
    assert corpus.variants == prepare.DRUM_VARIANTS
    first, second = corpus.epoch(0, 0), corpus.epoch(1, 0)
    assert (first == tokens.START).sum() == (second == tokens.START).sum() == 4
    assert first.tolist() != second.tolist()


def test_preparing_twice_gives_the_same_corpus(data):
    first, second = (prepare_drums(data, seed=3)[0] for _ in range(2))
    assert [entry.ids.tolist() for entry in first.entries] == [entry.ids.tolist() for entry in second.entries]


def test_the_command_writes_a_corpus_and_tells_what_it_left_out(data, tmp_path, capsys):
    (data / "gmd" / "2.mid").write_bytes(b"broken")
    main(["drums", "--data", str(data), "--out", str(tmp_path / "work")])
    assert load_corpus(tmp_path / "work" / "drums.npz").entries
    printed = capsys.readouterr().out
    assert "2.mid: not a readable MIDI file" in printed
    assert "validation: 0.mid" in printed


def test_an_unknown_part_is_refused_with_the_choice(capsys):
    with pytest.raises(SystemExit):
        main(["bass"])
    assert "choose from piano, drums" in capsys.readouterr().err


def test_velocity_is_shifted_within_its_bins(tmp_path):
    write_song(tmp_path / "001")
    song = read_song(tmp_path / "001")
    loud = shift_velocity(song, 100)
    assert {note.velocity_bin for note in loud.notes} == {15}
    assert [n._replace(velocity_bin=0) for n in loud.notes] == [n._replace(velocity_bin=0) for n in song.notes]
    assert loop_chart().name == "progressions/test"
