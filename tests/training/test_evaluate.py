import json
from dataclasses import replace

import pytest
import soundfile
import torch
from tiny import VOCABULARY, arrays, comped_tokens, tiny_corpus, tiny_weights, write_drum_file

from engine import tokens
from training import evaluate
from training.corpus import save_corpus
from training.errors import CorpusError, TrainingError
from training.evaluate import main
from training.music import PARTS, read_music
from training.report import table
from training.runtime import OnnxStep
from training.sample import headers_of, save_midi, write_song
from training.songs import decode_piano
from training.sound import render
from training.step_graph import build_step
from training.validation import lanes_of


@pytest.fixture
def model():
    return build_step(arrays(tiny_weights(vocabulary=VOCABULARY, layers=1, width=64)), 8).SerializeToString()


def test_music_is_read_from_token_lists_bare_or_named(tmp_path):
    path = tmp_path / "music.jsonl"
    path.write_text(json.dumps(comped_tokens(1)) + "\n" + json.dumps({"tokens": comped_tokens(2), "seed": 2}) + "\n")
    songs = read_music(path, PARTS["piano"])
    assert [song.name for song in songs] == ["music.jsonl:1", "music.jsonl:2"]
    assert songs[0].notes == decode_piano(comped_tokens(1)).notes


def test_drums_are_read_from_a_midi_file(tmp_path):
    write_drum_file(tmp_path / "beat.mid", bars=2)
    (song,) = read_music(tmp_path / "beat.mid", PARTS["drums"])
    assert song.bars == 2
    assert {hit.pitch for hit in song.hits} == {36, 38, 42}


def test_piano_is_read_from_a_midi_file(tmp_path):
    write_drum_file(tmp_path / "notes.mid", bars=1)
    (song,) = read_music(tmp_path / "notes.mid", PARTS["piano"])
    assert len(song.chords) == 1


@pytest.mark.parametrize("content", ["{broken", '{"no": "tokens"}', "7"])
def test_music_that_is_no_music_is_refused_by_name(tmp_path, content):
    (tmp_path / "x.jsonl").write_text(content)
    with pytest.raises(CorpusError, match=r"x\.jsonl: not a JSONL file of token lists"):
        read_music(tmp_path / "x.jsonl", PARTS["piano"])


def test_a_table_has_a_row_for_each_measure_and_a_dash_where_there_is_none():
    lines = table({"a": {"x_y": 0.5}, "b": {"x_y": 2, "z": 1.0}}).splitlines()
    assert lines[0] == "| | a | b |"
    assert lines[2:] == ["| x y | 0.500 | 2 |", "| z | - | 1.000 |"]


def test_headers_are_what_stands_before_the_first_position():
    prefix, headers = headers_of(
        tokens.parse("<start> <lead> <major> <bar> <Dmin7> <G7> <density0> @96 <G7> <bar> <N> <density0> <end>")
    )
    assert [tokens.text(token) for token in prefix] == ["<start>", "<lead>", "<major>"]
    assert [len(header) for header in headers] == [4, 3]


def test_a_written_song_keeps_the_plan_and_time_never_goes_back(model):
    plan = comped_tokens(3)
    written = write_song(OnnxStep(model), plan, seed=1, bars=6)
    assert headers_of(written)[1] == headers_of(plan)[1][:6]
    last = -1
    for token in written:
        if token == tokens.BAR:
            last = -1
        elif tokens.is_position(token):
            assert tokens.position_tick(token) > last
            last = tokens.position_tick(token)
    assert written == write_song(OnnxStep(model), plan, seed=1, bars=6)


def test_lanes_hold_the_stream_in_order_and_targets_are_the_next_tokens():
    ids = tiny_corpus().validation()
    inputs, targets = lanes_of(ids, 2)
    assert inputs.flatten().tolist() == ids[: inputs.numel()].tolist()
    assert torch.equal(inputs[:, 1:], targets[:, :-1])


def test_the_command_reports_likelihood_and_measures(tmp_path, capsys, model):
    save_corpus(tiny_corpus(song_tokens=3000), tmp_path / "piano.npz")
    torch.save(tiny_weights(vocabulary=VOCABULARY, layers=1, width=64), tmp_path / "w.pth")
    (tmp_path / "model.onnx").write_bytes(model)
    (tmp_path / "m.jsonl").write_text(json.dumps(comped_tokens(1)))
    paths = ["--weights", str(tmp_path / "w.pth"), "--music", str(tmp_path / "m.jsonl")]
    main(
        [
            "piano",
            "--prepared",
            str(tmp_path),
            *paths,
            "--sample",
            str(tmp_path / "model.onnx"),
            "--bars",
            "2",
            "--stretches",
            "2",
        ]
    )
    printed = capsys.readouterr().out
    for words in (
        "nll per bar",
        "in key share",
        "chord tones on strong beats",
        "longest copied notes",
        "overlap velocity",
    ):
        assert words in printed


def test_the_report_holds_tables_pictures_and_the_written_songs(tmp_path, capsys, model):
    save_corpus(tiny_corpus(song_tokens=3000), tmp_path / "piano.npz")
    (tmp_path / "model.onnx").write_bytes(model)
    (tmp_path / "history.json").write_text(json.dumps([{"tokens_seen": 1, "nll_per_bar": 50.0}]))
    out = tmp_path / "report"
    options = ["--sample", str(tmp_path / "model.onnx"), "--bars", "4", "--stretches", "2"]
    options += ["--history", str(tmp_path / "history.json")]
    main(["piano", "--prepared", str(tmp_path), *options, "--out", str(out)])
    text = (out / "report.md").read_text()
    assert text.strip() == capsys.readouterr().out.strip()
    assert "The thesis's measures" in text
    assert "oa scale consistency" in text
    report = json.loads((out / "report.json").read_text())
    written = next(name for name in report["measures"] if name.startswith("written"))
    assert report["measures"][written]["bars"] > 0
    slug = f"{written.removeprefix('written: ')}-as-asked"
    pictures = {path.name for path in out.glob("*.png")}
    assert pictures == {"curves.png", f"densities-{slug}.png", f"roll-{slug}.png"}
    (song,) = read_music(out / "songs" / f"{slug}-0.mid", PARTS["piano"])
    assert song.notes
    assert soundfile.info(out / "songs" / f"{slug}-0.flac").duration > 4 * 4 * 60 / 76


def test_songs_that_cannot_be_played_are_told_of_after_the_tables_are_safe(tmp_path):
    (tmp_path / "x.mid").write_bytes(b"no score")
    with pytest.raises(TrainingError, match=r"could not be played .*x\.mid: not a readable MIDI file.*--sound none"):
        render([tmp_path / "x.mid"], "study")
    assert render([tmp_path / "x.mid"], "none") == []


def test_held_out_songs_are_those_whose_number_ends_in_nought(tmp_path, monkeypatch):
    songs = [replace(decode_piano(comped_tokens(1)), name=f"pop909/{number:03d}") for number in (1, 10, 20, 21)]
    monkeypatch.setattr(evaluate, "read_pop909", lambda _folder: (songs, []))
    assert [entry.name for entry in evaluate.held_out_songs(tmp_path)] == ["pop909/010", "pop909/020"]


def test_a_song_saved_as_midi_is_read_back(tmp_path):
    song = decode_piano(comped_tokens(2))
    save_midi(song, tmp_path / "x" / "song.mid")
    (again,) = read_music(tmp_path / "x" / "song.mid", PARTS["piano"])
    assert [(n.start, n.pitch, n.velocity_bin) for n in again.notes] == [
        (n.start, n.pitch, n.velocity_bin) for n in song.notes
    ]
