import json
from collections import Counter

import mido
import numpy as np
import pytest
from test_pop909 import write_song
from tiny import loop_chart, write_drum_file, write_e_gmd, write_groove_set

from engine import tokens
from training import epochs
from training.binidx import read_binidx
from training.corpora import Consent
from training.corpus import check_split, load_corpus
from training.epochs import PARTS, Making, shift_velocity
from training.errors import CorpusError
from training.pop909 import read_song
from training.prepare import main, prepare
from training.tokenizer import read_lines

CHANGED = Consent(changed=True)
SPLITS = ("validation", "train", "train")


def made(part, data, seed=0, workers=1, keys=None):
    corpus, skipped = prepare(part, keys or PARTS[part].sets, data, Making(seed, workers), CHANGED)
    check_split(corpus.entries)
    return corpus, [reason for each in skipped for reason in each.reasons]


@pytest.fixture(autouse=True)
def few_renderings(monkeypatch):
    """Two variants of two renderings: the full number takes seconds and shows nothing more."""
    monkeypatch.setattr(epochs, "PIANO_VARIANTS", 2)
    monkeypatch.setattr(epochs, "CHART_COPIES", dict.fromkeys(epochs.CHART_COPIES, 2))
    monkeypatch.setattr(epochs, "POP909_VALIDATION_SONGS", 1)


@pytest.fixture
def data(tmp_path):
    for number in ("001", "002", "003", "010"):
        write_song(tmp_path / "pop909_piano" / number)
    harmony = tmp_path / "harmony"
    harmony.mkdir()
    sheet = {"metre": "4/4", "bars": [{"ch": [[0.0, "C"]], "mel": [[0.0, 1.0, 72]]}] * 8}
    (harmony / "openewld_strict.jsonl").write_text("\n".join(json.dumps(sheet | {"id": f"s{n}"}) for n in range(9)))
    (harmony / "mcgill_billboard.jsonl").write_text("")
    progression = {"mode": "maj", "progression": "ii V I vi"}
    (harmony / "progressions.json").write_text(json.dumps([progression] * 9))
    rows = [(f"{n}.mid", "hiphop", "beat", "4-4", split) for n, split in enumerate(SPLITS)]
    write_groove_set(tmp_path / "gmd", rows)
    for n in range(3):
        write_drum_file(tmp_path / "gmd" / f"{n}.mid", bars=n + 1)
    for n in range(24):
        write_tune(tmp_path / "tunes" / "irish_cre" / f"Tune{chr(97 + n)}.mid", n)
    return tmp_path


def write_tune(path, first, stride=5):
    track = mido.MidiTrack()
    for step in range(8):
        track.append(mido.Message("note_on", note=60 + (first + step * stride) % 24, velocity=90, time=0))
        track.append(mido.Message("note_off", note=60 + (first + step * stride) % 24, time=240))
    path.parent.mkdir(parents=True, exist_ok=True)
    mido.MidiFile(ticks_per_beat=480, tracks=[track]).save(path)


def test_no_piano_song_is_in_both_splits_and_held_out_songs_are_in_none(data):
    corpus, skipped = made("piano", data)
    names = {entry.name for entry in corpus.entries}
    assert "pop909/010" not in names
    assert len({name for name in names if name.startswith("pop909/")}) == 3
    assert any("held out" in reason for reason in skipped)
    assert {name.partition("/")[0] for name in names} == {"pop909", "openewld", "progressions"}
    validating = sorted({entry.name for entry in corpus.entries if entry.validation})
    assert [name.startswith("pop909/") for name in validating] == [True, False]  # 1 of 3 songs, 6 % of 18 charts


def test_an_epoch_of_piano_holds_each_song_once_and_each_chart_in_two_renderings(data):
    corpus, _ = made("piano", data)
    for variant in range(2):
        found = Counter(e.name for e in corpus.entries if not e.validation and e.variant == variant)
        assert {name: count for name, count in found.items() if count != 2} == {
            name: 1 for name in found if name.startswith("pop909/")
        }
    assert len({e.ids.tobytes() for e in corpus.entries if e.name == "openewld/s1"}) == 4


def test_every_epoch_of_drums_is_another_variant_and_hip_hop_comes_twice(data):
    corpus, _ = made("drums", data)
    assert corpus.variants == epochs.DRUM_VARIANTS
    first, second = corpus.epoch(0, 0), corpus.epoch(1, 0)
    assert (first == tokens.START).sum() == (second == tokens.START).sum() == 4
    assert first.tolist() != second.tolist()


def test_groove_and_its_expanded_set_together_hold_each_performance_once(data):
    """E-GMD is a new recording of the same performances: their notes differ by some ticks, their ids do not."""
    rows = [(str(n), split, f"{n}_{kit}.midi") for n, split in enumerate(SPLITS) for kit in (1, 10)]
    write_e_gmd(data / "e-gmd", [*rows, ("drummer1/session1/9", "train", "new_1.midi")])
    both, skipped = made("drums", data, keys=("gmd", "e_gmd"))
    alone, _ = made("drums", data)
    assert {e.name for e in both.entries} == {e.name for e in alone.entries} | {"new_1.midi"}
    assert [reason for reason in skipped if "another set" in reason] == [
        f"{n}_1.midi: this performance is in another set too." for n in range(3)
    ]


def test_a_performance_that_the_two_sets_put_in_other_splits_stays_where_the_first_has_it(data):
    write_e_gmd(data / "e-gmd", [("0", "train", "0_1.midi"), ("1", "validation", "1_1.midi")])
    both, _ = made("drums", data, keys=("gmd", "e_gmd"))
    assert {e.name for e in both.entries if e.validation} == {"0.mid"}
    assert {e.name for e in both.entries if not e.validation} == {"1.mid", "2.mid"}


def test_a_tune_that_two_collections_have_is_in_one_split_only(data, monkeypatch):
    """IrishMAN names its files by numbers, Ceol Rince by titles: what is the same music is left out by its notes."""
    monkeypatch.setattr(epochs, "HASHED_VALIDATION_ONE_IN", 2)
    for n in range(6):
        write_tune(data / "irishman" / "train" / f"{n}.mid", n)  # the notes of Tunea to Tunef
        write_tune(data / "irishman" / "train" / f"Tune{chr(103 + n)}reel.mid", n, 7)  # new notes, known titles
    consent = Consent(changed=True, licences={"irishman"})
    corpus, _ = prepare("thesis", ("irish_cre", "irishman"), data, Making(0, 1), consent)
    check_split(corpus.entries)
    splits = {}
    for entry in corpus.entries:
        splits.setdefault(entry.name, set()).add(entry.validation)
    assert all(len(found) == 1 for found in splits.values())
    assert Counter(entry.name for entry in corpus.entries)["irish/tuneg"] == 2
    assert not {f"irish/{n}" for n in range(6)} & splits.keys()
    assert corpus.sources.keys() == {"irish_cre", "irishman"}


@pytest.mark.parametrize("part", PARTS)
def test_preparing_twice_gives_the_same_corpus_whatever_the_number_of_processes(data, part):
    workers = (1, 2 if part == "thesis" else 1)  # one real pool is enough: each start costs seconds
    first, second = (made(part, data, 3, count)[0] for count in workers)
    assert [entry.ids.tolist() for entry in first.entries] == [entry.ids.tolist() for entry in second.entries]
    assert first.sources == second.sources


def test_the_thesis_corpus_has_its_own_vocabulary_and_no_tune_in_both_splits_or_twice(data, monkeypatch):
    monkeypatch.setattr(epochs, "HASHED_VALIDATION_ONE_IN", 3)
    write_tune(data / "tunes" / "irish_cre" / "AnotherName.mid", 0)
    corpus, skipped = made("thesis", data)
    assert corpus.vocabulary_size == 2176
    assert len(corpus.entries) == 24
    assert {entry.validation for entry in corpus.entries} == {True, False}
    assert max(int(entry.ids.max()) for entry in corpus.entries) < 2176
    assert "1 exact copies of other tunes." in skipped


def test_the_command_writes_a_corpus_and_tells_what_it_left_out(data, tmp_path, capsys):
    (data / "gmd" / "2.mid").write_bytes(b"broken")
    main(["drums", "--data", str(data), "--out", str(tmp_path / "work"), "--accept-changed", "--workers", "1"])
    assert load_corpus(tmp_path / "work" / "drums.npz").sources.keys() == {"gmd"}
    printed = capsys.readouterr().out
    assert "2.mid: not a readable MIDI file" in printed
    assert "left out: 1 of gmd" in printed
    assert "validation: 0.mid" in printed


def test_the_command_writes_text_and_binidx_of_every_entry_on_request(data, tmp_path):
    out = tmp_path / "work"
    main(["thesis", "--data", str(data), "--out", str(out), "--accept-changed", "--workers", "1", "--binidx"])
    corpus = load_corpus(out / "thesis.npz")
    for validation, split in ((False, "train"), (True, "validation")):
        wanted = [entry.ids for entry in corpus.entries if entry.validation == validation]
        stored = read_binidx(out / f"thesis_{split}")
        assert all(np.array_equal(a, b) for a, b in zip(stored, wanted, strict=True))
        texts = list(read_lines(out / f"thesis_{split}.jsonl"))
        assert [tokens.parse(text) for text in texts] == [ids.tolist() for ids in wanted]
    assert (out / "thesis.tokenizer.json").is_file()


def test_an_unknown_part_or_set_is_refused_with_the_choice(data, capsys):
    with pytest.raises(SystemExit):
        main(["bass"])
    assert "choose from piano, drums, thesis" in capsys.readouterr().err
    with pytest.raises(CorpusError, match=r"'gmd': not a set for piano. Choose from pop909"):
        prepare("piano", ("gmd",), data, Making())


def test_data_with_another_checksum_is_refused_until_taken_on(data, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["drums", "--data", str(data), "--out", str(tmp_path / "work")])
    assert "--accept-changed" in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


def test_velocity_is_shifted_within_its_bins(tmp_path):
    write_song(tmp_path / "001")
    song = read_song(tmp_path / "001")
    loud = shift_velocity(song, 100)
    assert {note.velocity_bin for note in loud.notes} == {15}
    assert [n._replace(velocity_bin=0) for n in loud.notes] == [n._replace(velocity_bin=0) for n in song.notes]
    assert loop_chart().name == "progressions/test"
