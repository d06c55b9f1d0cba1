"""The scripts in examples/ really run and leave what they promise."""

import subprocess
import sys

import mido
import soundfile


def test_the_render_example_writes_a_track_of_its_form_and_key(root, tmp_path):
    done = subprocess.run(
        [sys.executable, "examples/render.py", tmp_path], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "8 bars at 76 bpm, composed by models" in done.stdout
    file = mido.MidiFile(tmp_path / "example.mid")
    assert [m.key for m in file.tracks[0] if m.type == "key_signature"] == ["F#m"]
    sound = soundfile.info(tmp_path / "example.flac")
    assert abs(sound.duration - (8 * 4 * 60 / 76 + 4)) < 0.1
    error_db = float(done.stdout.rsplit("within", 1)[1].split()[0])
    assert error_db < -100
