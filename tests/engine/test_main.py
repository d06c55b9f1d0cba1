"""The small renderer of the engine, and the bench that times the same station."""

import sys

import mido
import pytest
import soundfile

from bench.rendering import STAGES, measure
from engine.__main__ import main
from engine.banks import find_bank
from engine.errors import SoundBankError


@pytest.fixture(autouse=True)
def bank_is_there():
    """Skip where the distribution's sound bank is not installed."""
    try:
        find_bank(None)
    except SoundBankError as error:
        pytest.skip(str(error))


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["engine", *map(str, arguments)])
    main()


@pytest.mark.parametrize("suffix", [".flac", ".wav", ".mp3"])
def test_it_renders_a_file_of_the_length_asked_for(monkeypatch, tmp_path, root, capsys, suffix):
    monkeypatch.chdir(root)
    out = tmp_path / f"x{suffix}"
    run(monkeypatch, "--composer", "rules", "--seconds", 4, "--out", out, "--midi", tmp_path / "x.mid")
    info = soundfile.info(out)
    assert (info.samplerate, info.channels) == (48_000, 2)
    assert info.frames == pytest.approx(4 * 48_000, abs=0 if suffix != ".mp3" else 4000)
    assert mido.MidiFile(tmp_path / "x.mid").length >= 4.0
    assert "4 s, 2 bars of study, seed 1" in capsys.readouterr().out


def test_the_same_seed_renders_the_same_file(monkeypatch, tmp_path, root):
    monkeypatch.chdir(root)
    for name in ("a", "b"):
        run(monkeypatch, "--composer", "rules", "--seconds", 3, "--seed", 5, "--out", tmp_path / f"{name}.wav")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_a_wrong_mood_and_a_wrong_file_name_end_with_a_sentence(monkeypatch, tmp_path, capsys):
    with pytest.raises(SystemExit, match="did you mean 'study'"):
        run(monkeypatch, "--mood", "studdy", "--out", tmp_path / "x.wav")
    with pytest.raises(SystemExit):
        run(monkeypatch, "--out", tmp_path / "x.doc")
    assert ".flac" in capsys.readouterr().err


def test_the_bench_times_every_stage_of_a_render(monkeypatch, root):
    monkeypatch.chdir(root)
    rendering = measure(8.0, None)
    assert rendering.composer == "rules"
    assert set(rendering.stages_s) == set(STAGES)
    assert 0 < sum(rendering.stages_s.values()) <= rendering.cpu_s
    assert all(rendering.stages_s[stage] > 0 for stage in ("synthesise", "mix", "master"))
