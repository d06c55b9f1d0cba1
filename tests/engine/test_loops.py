"""Loops: without a seam, crossed over at equal power, explained when missing."""

import numpy as np
import pytest
import soundfile

from engine.errors import LoopError
from engine.loops import CROSS_FRAMES, LoopLibrary, LoopPlayer
from engine.loudness import integrated_lufs
from engine.snapshot import pack, unpack
from engine.types import SAMPLE_RATE_HZ

FRAMES = 60_000


@pytest.fixture
def library(tmp_path):
    """Two noises of different level and length."""
    (tmp_path / "vinyl").mkdir()
    for seed, (name, level) in enumerate((("old", 0.05), ("new", 0.2))):
        sound = np.random.default_rng(seed).standard_normal((FRAMES + 700 * seed, 2)) * level
        soundfile.write(tmp_path / "vinyl" / f"{name}.flac", sound, SAMPLE_RATE_HZ)
    return LoopLibrary(tmp_path)


def test_a_loop_comes_round_exactly(library):
    player = LoopPlayer(library, "vinyl", "old")
    sound = player.take(3 * FRAMES + 17, -30.0)
    np.testing.assert_array_equal(sound[:, :FRAMES], sound[:, FRAMES : 2 * FRAMES])
    np.testing.assert_array_equal(sound[:, :17], sound[:, -17:])


@pytest.mark.parametrize("name", ["old", "new"])
def test_a_loop_plays_at_the_loudness_asked_for_whatever_its_own(library, name):
    sound = LoopPlayer(library, "vinyl", name).take(FRAMES * 3, -31.0)
    assert integrated_lufs(sound.T) == pytest.approx(-31.0, abs=0.3)


@pytest.mark.parametrize("size", [1021, 8191, 50_000])
def test_loops_and_crossings_are_the_same_for_any_block_size(library, size):
    def play(step):
        player = LoopPlayer(library, "vinyl", "old")
        player.take(5000, -20.0)
        player.aim("new")
        player.aim("old")
        player.aim("new")
        total = CROSS_FRAMES + 20_000
        pieces = [player.take(min(step, total - at), -20.0) for at in range(0, total, step)]
        return np.concatenate(pieces, axis=1)

    np.testing.assert_allclose(play(size), play(10**9), atol=1e-7)


def test_a_crossing_keeps_its_power_and_a_change_during_it_waits(library):
    player = LoopPlayer(library, "vinyl", "old")
    player.aim("new")
    first = player.take(CROSS_FRAMES // 2, -20.0)
    player.aim("old")
    rest = player.take(2 * CROSS_FRAMES, -20.0)
    sound = np.concatenate([first, rest], axis=1)
    steps = sound[:, : sound.shape[1] // 4800 * 4800].reshape(2, -1, 4800)
    levels_db = 10 * np.log10((steps**2).mean(axis=(0, 2)))
    assert levels_db.max() - levels_db.min() < 1.0
    after = player.take(1000, -20.0)
    plain = LoopPlayer(library, "vinyl", "old")
    np.testing.assert_array_equal(after, plain.take(sound.shape[1] + 1000, -20.0)[:, -1000:])


def test_a_player_goes_on_from_a_snapshot_in_the_middle_of_a_crossing(library):
    player, other = LoopPlayer(library, "vinyl", "old"), LoopPlayer(library, "vinyl", "new")
    player.take(700, -20.0)
    player.aim("new")
    player.take(1234, -20.0)
    other.restore(unpack(pack(player.snapshot())))
    np.testing.assert_array_equal(other.take(CROSS_FRAMES, -20.0), player.take(CROSS_FRAMES, -20.0))


def test_the_loop_named_none_is_silence(library):
    assert not LoopPlayer(library, "vinyl", library.NOTHING).take(5000, -20.0).any()


def test_a_missing_loop_is_named_with_those_there_are(library):
    with pytest.raises(LoopError, match=r"vinyl/gone\.flac.*new, old.*loops\.make"):
        library.get("vinyl", "gone")


@pytest.mark.parametrize(
    ("rate_hz", "channels", "frames", "message"),
    [(44_100, 2, 50_000, "44100 Hz"), (48_000, 1, 50_000, "1 channels"), (48_000, 2, 100, "100 frames")],
)
def test_a_loop_of_another_format_says_what_was_expected_and_got(library, tmp_path, rate_hz, channels, frames, message):
    soundfile.write(tmp_path / "vinyl" / "odd.flac", np.zeros((frames, channels)), rate_hz)
    with pytest.raises(LoopError, match=f"48 kHz stereo.*{message}"):
        library.get("vinyl", "odd")


def test_a_file_that_is_no_sound_is_refused(library, tmp_path):
    (tmp_path / "vinyl" / "text.flac").write_text("not a sound")
    with pytest.raises(LoopError, match=r"text\.flac.*cannot be read"):
        library.get("vinyl", "text")


@pytest.mark.parametrize("kind", ["vinyl", "ambience"])
def test_the_loops_we_ship_are_long_quiet_small_and_have_no_seam(root, kind):
    library = LoopLibrary(root / "loops")
    assert library.names(kind)
    for name in library.names(kind):
        loop = library.get(kind, name)
        assert loop.samples.shape[1] >= 20 * SAMPLE_RATE_HZ
        assert loop.loudness_lufs == pytest.approx(-38.0, abs=0.2)
        assert loop.path.stat().st_size < 2_000_000
        bend = np.abs(np.diff(np.concatenate([loop.samples[:, -2000:], loop.samples[:, :2000]], axis=1), 2))
        assert bend[:, 1990:2010].max() <= np.abs(np.diff(loop.samples, 2)).max()


def test_the_readme_of_the_loops_names_every_file_by_its_hash(root):
    from engine.assets import file_sha256

    readme = (root / "loops" / "README.md").read_text(encoding="utf-8")
    for path in LoopLibrary(root / "loops").paths():
        assert f"{path.parent.name}/{path.name}" in readme
        assert file_sha256(path) in readme


@pytest.mark.parametrize("name", ["fills/needle", "fills/sweep", "vinyl/vinyl"])
def test_the_script_makes_the_sound_we_ship(root, name):
    from loops.make import LEVEL_LUFS, MAKERS

    shipped, _ = soundfile.read(root / "loops" / f"{name}.flac")
    made = MAKERS[name](np.random.default_rng([2026, list(MAKERS).index(name)])).T
    made *= 10 ** ((LEVEL_LUFS - integrated_lufs(made.astype(np.float32))) / 20)
    np.testing.assert_allclose(made, shipped, atol=2e-4)


def test_the_script_writes_every_loop_and_prints_its_facts(tmp_path, monkeypatch, capsys):
    from loops import make

    monkeypatch.setattr(make, "MAKERS", {"fills/needle": make.needle})
    make.main(tmp_path)
    assert (tmp_path / "fills" / "needle.flac").is_file()
    assert "-38.0 LUFS" in capsys.readouterr().out
