"""Prompts on the command line: fetched, told, and heard in what is rendered."""

from __future__ import annotations

import sys
from pathlib import Path

import mido
import pytest
from typer.testing import CliRunner

from engine import OrderError, parse_key, tokens_prompt
from radio.__main__ import cli
from radio.errors import RenderError
from radio.prompting import PromptWish, moved

sys.path.append(str(Path(__file__).parent.parent / "engine"))
from prompt_files import Song, song_midi


@pytest.fixture
def folder(tmp_path, root, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(f"engine: {{composer: rules, loops: {root / 'loops'}}}\n")
    (tmp_path / "song.mid").write_bytes(song_midi(Song(bars=4)))
    return tmp_path


def render(*more):
    return CliRunner().invoke(
        cli, ["render", "--seconds", "3", "--out", "a.wav", "--midi", "a.mid", "--seed", "1", *more]
    )


def headings(path):
    return {message.type: message for message in mido.MidiFile(path).tracks[0]}


def test_a_track_is_in_the_key_and_tempo_of_its_prompt(folder):
    done = render("--prompt-midi", "song.mid")
    assert done.exit_code == 0, done.output
    assert "prompt song.mid: F# minor" in done.stderr
    told = headings("a.mid")
    assert told["key_signature"].key == "F#m"
    assert mido.tempo2bpm(told["set_tempo"].tempo) == pytest.approx(92, abs=0.01)


def test_a_prompt_can_be_moved_to_another_key_and_tempo_but_not_another_mode(folder):
    assert render("--prompt-midi", "song.mid", "--key", "C minor", "--bpm", "70").exit_code == 0
    told = headings("a.mid")
    assert told["key_signature"].key == "Cm"
    assert mido.tempo2bpm(told["set_tempo"].tempo) == pytest.approx(70)
    done = render("--prompt-midi", "song.mid", "--key", "C major")
    assert done.exit_code == 2
    assert "the prompt is in F# minor; it can be moved to any other minor key" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--prompt-midi", "none.mid"], "none.mid: cannot be read"),
        (["--prompt-midi", "config.yaml"], "config.yaml: not a MIDI file"),
        (["--prompt-audio", "config.yaml"], "config.yaml: no sound that can be read"),
        (["--prompt-tokens", "3c:d zz"], "word 2, 'zz': not a token"),
        (["--prompt-live", "flute"], "neither midi nor mic"),
        (["--prompt-random", "--prompt-tokens", "3c:d"], "more than one prompt"),
        (["--prompt-random", "--quote", "99"], "--quote 99: must be 0 to 32"),
    ],
)
def test_a_prompt_that_cannot_be_had_is_told_in_a_sentence(arguments, said, folder):
    done = render(*arguments)
    assert done.exit_code == 1
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert not (folder / "a.wav").exists()


def test_chance_is_the_seeds():
    assert PromptWish(random=True).fetch(3) == PromptWish(random=True).fetch(3)
    assert PromptWish(random=True).fetch(3) != PromptWish(random=True).fetch(4)
    assert PromptWish().fetch(3) is None


def test_prompts_know_their_mode():
    prompt = tokens_prompt("3c:d t62 3c:0 40:a t62 40:0 43:a t62 43:0 48:9 t62 48:0 " * 3)
    assert moved(prompt, parse_key("Eb")) == parse_key("Eb")
    with pytest.raises(OrderError, match="the prompt is in C major"):
        moved(prompt, parse_key("Am"))
    with pytest.raises(RenderError):
        PromptWish(midi=Path("x"), random=True).fetch(1)
