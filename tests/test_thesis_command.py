"""The thesis's system runs: its options, its weights' format (small and untrained here), its vocabulary and mix."""

import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
import torch
from typer.testing import CliRunner

from engine import load_recurrence, parse_tokens, thesis, tokens
from engine.errors import ModelError
from engine.types import TICKS_PER_BAR, Part
from radio.__main__ import cli

sys.path += [str(Path(__file__).parent / folder) for folder in ("training", "engine")]
from prompt_files import Song as PromptSong
from prompt_files import song_midi
from tiny import tiny_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("thesis") / "rwkv-piano.pth"
    torch.save(tiny_weights(vocabulary=2176, layers=2, width=64), path)
    return path


@pytest.fixture(scope="module")
def model(weights):
    return thesis.check_model(load_recurrence(weights))


CONTEXT = parse_tokens("3c:d t62 3c:0 40:a t62 40:0")


def test_it_says_as_many_tokens_as_asked_for_and_only_those_that_mean_something(model):
    said = thesis.write(model, CONTEXT, thesis.Song(out_len=150, seed=3), 0)
    assert len(said) == 151  # its loop goes on while there are no more than asked for
    assert tokens.PAD not in said
    assert tokens.START not in said
    assert said == thesis.write(model, CONTEXT, thesis.Song(out_len=150, seed=3), 0)
    assert said != thesis.write(model, CONTEXT, thesis.Song(out_len=150, seed=4), 0)
    assert said != thesis.write(model, CONTEXT[:3], thesis.Song(out_len=150, seed=3), 0)


def test_the_state_is_carried_and_only_its_old_way_begins_again(model):
    carried = thesis.write(model, CONTEXT, thesis.Song(out_len=150, seed=3), 0)
    restarted = thesis.write(model, CONTEXT, thesis.Song(out_len=150, seed=3, restarts=True), 0)
    assert carried[:100] == restarted[:100]
    assert carried[100:] != restarted[100:]


def test_another_vocabulary_is_refused(root):
    with pytest.raises(ModelError, match="has 2560 tokens, the thesis's models have 2176"):
        thesis.check_model(load_recurrence(root / "models/piano"))


def test_both_parts_run_on_one_clock_and_go_round_in_whole_bars():
    melody = parse_tokens("3c:d t96 3c:0 40:a t96 40:0 43:9 t96 43:0")
    beat = parse_tokens("24:d t12 24:0 t84 26:c t12 26:0")
    bars = thesis.bars_of(melody, beat, thesis.Song(song_len_s=20, seed=1))
    bpm = bars[0].bpm
    assert bpm / 156.25 == pytest.approx(min(thesis.SPEEDS, key=lambda s: abs(s - bpm / 156.25)), abs=1e-4)
    assert len(bars) == int(np.ceil(20 * bpm / 240))
    assert [bar.next_section for bar in bars[:-1]] == ["a"] * (len(bars) - 1)
    keys = [(bar.index * TICKS_PER_BAR + e.tick, e.pitch) for bar in bars for e in bar.events if e.part is Part.KEYS]
    assert keys[:4] == [(0, 60), (96, 64), (192, 67), (384, 60)]
    drums = [(e.tick, e.pitch) for e in bars[1].events if e.part is Part.DRUMS]
    assert drums == [(0, 36), (96, 38)]


def test_context_of_a_file_is_what_its_tokenizer_says():
    from engine import notes_of_midi

    notes = notes_of_midi(song_midi(PromptSong(bars=1, drums=False, bpm=120)))
    ids = thesis.context_of(notes)
    assert ids[0] == tokens.START
    assert all(token < tokens.MIDICOMPACT_SIZE for token in ids)
    waited = sum(token - 2 for token in ids if tokens.is_wait(token))
    assert waited == pytest.approx((max(n.end_s for n in notes) - notes[0].onset_s) / 0.008, abs=1)
    assert thesis.context_of(()) == [tokens.START]


def test_the_command_writes_its_two_files_with_its_options(weights, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(f"engine: {{loops: {root / 'loops'}}}\n")
    (tmp_path / "song.mid").write_bytes(song_midi(PromptSong(bars=1)))
    done = CliRunner().invoke(
        cli,
        ["thesis", "--piano", str(weights), "--drums", str(weights), "-m", "song.mid", "-t", "60", "-st", "5",
         "-te", "1.1", "--seed", "2", "--out", "a.wav", "--midi-out", "a.mid"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    sounds = [soundfile.read(name)[0] for name in ("a.wav", "a-instrument.wav")]
    assert [len(sound) for sound in sounds] == [5 * 48_000] * 2
    assert np.abs(sounds[0] - sounds[1]).max() > 0.01
    assert mido.MidiFile("a.mid").length == pytest.approx(5, abs=3)
    refused = CliRunner().invoke(cli, ["thesis", "--piano", str(weights), "-c", "3c:d zz"])
    assert refused.exit_code == 1
    assert "word 2, 'zz': not a token" in refused.stderr
