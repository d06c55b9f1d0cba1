from datetime import UTC, datetime, timedelta

import mido
import pytest
import soundfile
import yaml
from typer.testing import CliRunner

from engine import MOODS
from radio.__main__ import cli
from radio.config import Config
from radio.orders import Orders, Word
from radio.orders import save as save_orders


@pytest.fixture
def config(tmp_path, root, monkeypatch):
    """A configuration of its own in the current folder, with the repository's loops."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.yaml"
    path.write_text(f"engine: {{composer: rules, loops: {root / 'loops'}}}\n")
    return path


def lofi(*arguments):
    return CliRunner().invoke(cli, list(arguments))


def test_every_command_has_help():
    said = lofi("--help").output
    for command in ("run", "check", "render", "moods", "doctor"):
        assert command in said
        assert lofi(command, "--help").exit_code == 0


def test_check_prints_the_effective_tree_as_yaml(config):
    config.write_text("stations: {lofi: {title: Café ♭, mood: rainy}}\n")
    done = lofi("check")
    assert done.exit_code == 0
    tree = Config.model_validate(yaml.safe_load(done.stdout))
    assert tree.stations["lofi"].title == "Café ♭"
    assert tree.engine.piano_model == config.parent / "models/piano"
    assert "Café ♭" in done.stdout
    assert "config.yaml: right." in done.stderr


def test_check_shows_where_secrets_are_but_never_what_they_are(config, monkeypatch):
    config.write_text("icecast: [{name: a, host: h, password_env: SOURCE_PASSWORD}]\n")
    monkeypatch.setenv("SOURCE_PASSWORD", "hunter2")
    done = lofi("check")
    assert "password_env: SOURCE_PASSWORD" in done.stdout
    assert "hunter2" not in done.output
    monkeypatch.delenv("SOURCE_PASSWORD")
    done = lofi("check")
    assert done.exit_code == 0
    assert "warning: icecast a: the environment variable SOURCE_PASSWORD is empty or missing" in done.stderr


def test_check_tells_every_mistake_on_standard_error(config):
    config.write_text("server: {prot: 1, port: -1}\nstations: {lofi: {mood: x}}\n")
    done = lofi("check")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 3
    assert "Did you mean 'port'?" in done.stderr


@pytest.mark.parametrize("command", ["run", "check", "moods", "doctor"])
def test_a_configuration_that_is_not_there_is_a_sentence(command, tmp_path):
    done = lofi(command, "--config", str(tmp_path / "none.yaml"))
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{tmp_path}/none.yaml: not found.")
    assert "Traceback" not in done.stderr


def test_run_needs_a_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = lofi("run")
    assert done.exit_code == 2
    assert "config.yaml: not found. Name another file with --config" in done.stderr


def test_moods_lists_all_of_them_and_ones_own(config):
    config.write_text("moods: {harbour: {base: rainy, bpm_low: 61}}\n")
    done = lofi("moods")
    assert done.exit_code == 0
    for name in (*MOODS, "harbour (own)"):
        assert name in done.stdout
    assert f"61-{MOODS['rainy'].bpm_high:g}" in done.stdout
    assert "rainy (own)" not in done.stdout


def test_moods_needs_no_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "melancholy" in lofi("moods").stdout


def render(*more):
    return lofi("render", "--seconds", "4", "--seed", "5", "--mood", "sleep", *more)


def test_render_writes_sound_and_notes_and_the_same_seed_gives_the_same_notes(config, tmp_path):
    first = render("--out", "a.flac", "--midi", "a.mid")
    assert first.exit_code == 0, first.output
    assert "a.flac and a.mid: 4 s of sleep" in first.stdout
    assert "seed 5." in first.stdout
    assert soundfile.info(tmp_path / "a.flac").duration == 4.0
    assert render("--out", "b.mp3", "--midi", "b.mid").exit_code == 0
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()
    assert lofi("render", "-s", "4", "--seed", "6", "-m", "sleep", "-o", "c.wav", "--midi", "c.mid").exit_code == 0
    assert (tmp_path / "a.mid").read_bytes() != (tmp_path / "c.mid").read_bytes()


def test_render_plays_in_the_key_tempo_and_form_asked_for_to_the_end_of_the_piece(config, tmp_path):
    done = lofi(
        "render", "--seed", "2", "--mood", "study:0.7,rainy:0.3", "--key", "F# minor", "--bpm", "92",
        "--form", "A:2 B:2", "--piece", "--out", "a.wav", "--midi", "a.mid", "--parts", "keys,bass", "--fade-out", "1",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    file = mido.MidiFile(tmp_path / "a.mid")
    told = {message.type: message for message in file.tracks[0]}
    assert told["key_signature"].key == "F#m"
    assert mido.tempo2bpm(told["set_tempo"].tempo) == pytest.approx(92)
    assert file.length == pytest.approx(4 * 4 * 60 / 92, abs=0.01)
    assert soundfile.info(tmp_path / "a.wav").duration == pytest.approx(file.length + 4, abs=0.01)
    assert {m.channel for track in file.tracks for m in track if m.type == "note_on"} == {0, 1}


def test_a_batch_makes_what_is_missing_and_overwrites_nothing(config, tmp_path):
    batch = ("render", "--out", "b.opus", "--seconds", "1", "--count", "2", "--jobs", "2")
    first = lofi(*batch)
    assert first.exit_code == 0, first.output
    kept = (tmp_path / "b-002.opus").stat().st_mtime_ns
    (tmp_path / "b-001.opus").unlink()
    again = lofi(*batch)
    assert "1 of 2 are there already." in again.stdout
    assert (tmp_path / "b-001.opus").exists()
    assert (tmp_path / "b-002.opus").stat().st_mtime_ns == kept
    other = lofi(*batch, "--mood", "sleep")
    assert other.exit_code == 1
    assert "b-001.opus: is there already and was made with other settings" in other.stderr
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--out", "x.ogg"], 1, "x.ogg: cannot write .ogg. Use .flac, .wav, .mp3, .opus or .m4a."),
        (["--out", "none/x.wav"], 1, "there is no folder none. Make it first."),
        (["--out", "x.wav", "--mood", "raniy"], 2, "did you mean 'rainy'?"),
        (["--out", "x.wav", "--seconds", "-1"], 2, "--seconds -1: must be 1 to 14400."),
        (["--out", "x.wav", "--seconds", "two"], 1, "--seconds two: not a length. Write 90, 1:30"),
        (["--out", "x.wav", "--key", "H"], 2, "key 'H': not a key. Write for example 'F# minor'"),
        (["--out", "x.wav", "--bpm", "300"], 2, "tempo 300: must be 40 to 140"),
        (["--out", "x.wav", "--form", "verse"], 2, "'verse' is no section"),
        (["--out", "x.wav", "--parts", "flute"], 1, "'flute' is no part"),
        (["--out", "x.wav", "--mood", "study:x"], 2, "write weights as numbers"),
        (["--out", "x.wav", "--count", "0"], 1, "--count 0: must be 1 to 10000"),
        (["--out", "x.wav", "--count", "2", "--jobs", "0"], 1, "--jobs 0: must be 1 to 64"),
        ([], 2, "Missing option '--out'"),
    ],
)
def test_render_refuses_in_a_sentence(arguments, code, said, config):
    done = lofi("render", *arguments)
    assert done.exit_code == code
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_render_names_a_sound_bank_that_is_missing(config):
    config.write_text("engine: {composer: rules, soundfont: none.sf2}\n")
    done = lofi("render", "--out", "x.wav")
    assert done.exit_code == 1
    assert "none.sf2" in done.stderr
    assert "Traceback" not in done.output


def test_render_plays_by_rules_and_says_so_when_models_are_missing(config, root):
    config.write_text(f"engine: {{loops: {root / 'loops'}}}\n")
    done = lofi("render", "--out", "x.wav", "--seconds", "1")
    assert done.exit_code == 0, done.output
    assert "note: " in done.stderr
    assert "models/piano" in done.stderr


def test_doctor_ends_with_1_when_something_must_be_put_right(config):
    config.write_text("engine: {composer: rules, soundfont: none.sf2}\nserver: {port: 0}\n")
    done = lofi("doctor")
    assert done.exit_code == 1
    assert "fail sound" in done.stdout
    assert "1 failed" in done.stderr


def test_doctor_ends_with_0_when_the_radio_can_run(config):
    with config.open("a") as file:
        file.write("server: {port: 0}\n")
    done = lofi("doctor")
    assert done.exit_code == 0, done.output
    assert "ok   sound" in done.stdout


def test_schedule_shows_what_plays_when_and_what_was_asked_for(tmp_path):
    lines = "[{at: '07:00', mood: morning}, {at: '22:30', mood: {sleep: 2, snow: 1}, drift_minutes: 20}]"
    (tmp_path / "config.yaml").write_text(f"stations: {{lofi: {{timezone: Europe/Berlin, schedule: {lines}}}}}")
    (tmp_path / "state").mkdir()
    word = Word("rainy", "control", datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1))
    save_orders(tmp_path / "state" / "lofi.orders.json", Orders("study", word, paused=True))
    result = lofi("schedule", "--config", str(tmp_path / "config.yaml"))
    assert result.exit_code == 0
    for words in (
        "Europe/Berlin",
        "morning",
        "sleep 2 + snow 1",
        "20 min",
        "22:30",
        "pauses",
        "rainy was asked for by",
    ):
        assert words in result.output, words
