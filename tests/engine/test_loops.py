"""Loops: without a seam, crossed over at equal power, explained when missing."""

import numpy as np
import pytest
import soundfile

from engine.errors import LoopError
from engine.loops import Layers, LoopLibrary
from engine.loudness import integrated_lufs
from engine.snapshot import pack, unpack
from engine.types import SAMPLE_RATE_HZ

FRAMES = 60_000
CROSS_FRAMES = Layers.CROSS_FRAMES


@pytest.fixture
def library(tmp_path):
    """Two noises of different level and length."""
    (tmp_path / "vinyl").mkdir()
    for seed, (name, level) in enumerate((("old", 0.05), ("new", 0.2))):
        sound = np.random.default_rng(seed).standard_normal((FRAMES + 700 * seed, 2)) * level
        soundfile.write(tmp_path / "vinyl" / f"{name}.flac", sound, SAMPLE_RATE_HZ)
    return LoopLibrary(tmp_path)


def test_a_loop_comes_round_exactly(library):
    player = Layers(library, "vinyl", {"old": 0.0})
    sound = player.take(3 * FRAMES + 17, -30.0)
    np.testing.assert_array_equal(sound[:, :FRAMES], sound[:, FRAMES : 2 * FRAMES])
    np.testing.assert_array_equal(sound[:, :17], sound[:, -17:])


@pytest.mark.parametrize("name", ["old", "new"])
def test_a_loop_plays_at_the_loudness_asked_for_whatever_its_own(library, name):
    sound = Layers(library, "vinyl", {name: 0.0}).take(FRAMES * 3, -31.0)
    assert integrated_lufs(sound.T) == pytest.approx(-31.0, abs=0.3)


@pytest.mark.parametrize("size", [1021, 8191, 50_000])
def test_loops_and_crossings_are_the_same_for_any_block_size(library, size):
    def play(step):
        player = Layers(library, "vinyl", {"old": 0.0})
        player.take(5000, -20.0)
        player.aim({"new": 0.0})
        player.aim({"old": 0.0})
        player.aim({"new": 0.0})
        total = CROSS_FRAMES + 20_000
        pieces = [player.take(min(step, total - at), -20.0) for at in range(0, total, step)]
        return np.concatenate(pieces, axis=1)

    np.testing.assert_allclose(play(size), play(10**9), atol=1e-7)


def levels_db(sound):
    steps = sound[:, : sound.shape[1] // 4800 * 4800].reshape(2, -1, 4800)
    return 10 * np.log10((steps**2).mean(axis=(0, 2)))


def test_a_crossing_keeps_its_power_even_when_it_is_turned_round(library):
    player = Layers(library, "vinyl", {"old": 0.0})
    player.aim({"new": 0.0})
    first = player.take(CROSS_FRAMES // 2, -20.0)
    player.aim({"old": 0.0})
    sound = np.concatenate([first, player.take(2 * CROSS_FRAMES, -20.0)], axis=1)
    assert np.ptp(levels_db(sound)) < 1.0
    plain = Layers(library, "vinyl", {"old": 0.0})
    np.testing.assert_array_equal(player.take(1000, -20.0), plain.take(sound.shape[1] + 1000, -20.0)[:, -1000:])


def test_a_crossing_does_not_click_and_moves_no_level_by_more_than_a_decibel_and_a_half(library):
    player = Layers(library, "vinyl", {"old": 0.0})
    before = player.take(SAMPLE_RATE_HZ, -20.0)
    player.aim({"new": 0.0})
    sound = np.concatenate([before, player.take(CROSS_FRAMES + SAMPLE_RATE_HZ, -20.0)], axis=1)
    assert np.abs(np.diff(levels_db(sound))).max() < 1.5
    bend = np.abs(np.diff(sound, 2)).max(axis=0)
    for seam in (SAMPLE_RATE_HZ, SAMPLE_RATE_HZ + CROSS_FRAMES):
        assert bend[seam - 4 : seam + 4].max() <= bend.max()
        assert bend[seam - 4 : seam + 4].max() < 4 * np.median(bend)


def test_several_loops_sound_together_each_at_its_level(library):
    both = Layers(library, "vinyl", {"old": -6.0, "new": -9.0})
    alone = [Layers(library, "vinyl", {name: db}) for name, db in (("old", -6.0), ("new", -9.0))]
    total = both.take(FRAMES, -20.0)
    np.testing.assert_allclose(total, sum(one.take(FRAMES, -20.0) for one in alone), atol=1e-6)
    both.aim({"new": -9.0})
    both.take(CROSS_FRAMES, -20.0)
    alone[1].take(CROSS_FRAMES, -20.0)
    np.testing.assert_allclose(both.take(1000, -20.0), alone[1].take(1000, -20.0), atol=1e-6)


def test_a_player_goes_on_from_a_snapshot_in_the_middle_of_a_crossing(library):
    player, other = Layers(library, "vinyl", {"old": 0.0}), Layers(library, "vinyl", {"new": 0.0})
    player.take(700, -20.0)
    player.aim({"new": 0.0})
    player.take(1234, -20.0)
    other.restore(unpack(pack(player.snapshot())))
    np.testing.assert_array_equal(other.take(CROSS_FRAMES, -20.0), player.take(CROSS_FRAMES, -20.0))


def test_the_loop_named_none_is_silence(library):
    assert not Layers(library, "vinyl", {library.NOTHING: 0.0}).take(5000, -20.0).any()


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


@pytest.mark.parametrize(("kind", "least"), [("vinyl", 4), ("ambience", 6)])
def test_the_loops_we_ship_are_long_quiet_small_and_have_no_seam(root, kind, least):
    library = LoopLibrary(root / "loops")
    assert len(library.names(kind)) >= least
    for name in library.names(kind):
        loop = library.get(kind, name)
        assert loop.frames >= 20 * SAMPLE_RATE_HZ
        assert loop.loudness_lufs == pytest.approx(-56.0, abs=0.2)
        assert loop.path.stat().st_size < 1_500_000
        bend = np.abs(np.diff(loop.sound, 2))
        seam = np.abs(np.diff(np.concatenate([loop.sound[:, -20:], loop.sound[:, :20]], axis=1), 2))
        assert seam[:, 15:25].max() <= bend.max()
        assert seam[:, 15:25].std() <= 3 * bend.std()  # a tick may lie there, a step may not


def test_all_loops_together_stay_small(root):
    assert sum(path.stat().st_size for path in LoopLibrary(root / "loops").paths()) < 14_000_000


def test_fills_say_where_they_belong_and_drum_fills_at_what_tempo(root):
    library = LoopLibrary(root / "loops")
    drums = [name for name in library.names("fills") if name.startswith("drums")]
    assert len(drums) >= 3
    for name in drums:
        tags = library.get("fills", name).tags
        assert tags["place"] == "before"
        assert float(tags["bpm"]) == 60
        assert [float(onset) for onset in tags["onsets"].split("/")][-1] < float(tags["beats"])
    assert library.get("fills", "tape-stop").tags["at"] == "end"
    assert all(library.get("fills", n).loudness_lufs == pytest.approx(-56.0, abs=0.3) for n in library.names("fills"))


def test_the_readme_of_the_loops_names_every_file_by_its_hash(root):
    from engine.assets import file_sha256

    readme = (root / "loops" / "README.md").read_text(encoding="utf-8")
    for path in LoopLibrary(root / "loops").paths():
        assert f"{path.parent.name}/{path.name}" in readme
        assert file_sha256(path) in readme


@pytest.mark.parametrize("name", ["fills/needle", "fills/tape-stop", "fills/drums-toms", "vinyl/scratched"])
def test_the_script_makes_the_sound_we_ship(root, name):
    from loops.make import make

    shipped, _ = soundfile.read(root / "loops" / f"{name}.flac")
    np.testing.assert_allclose(make(name), shipped, atol=4e-5)


def test_the_script_writes_a_loop_with_its_comment_and_prints_its_facts(tmp_path, capsys):
    from loops import make

    make.main(tmp_path, ["fills/tape-stop"])
    assert LoopLibrary(tmp_path).get("fills", "tape-stop").tags == {"place": "before", "at": "end"}
    assert "-56.0 LUFS" in capsys.readouterr().out
