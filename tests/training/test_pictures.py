import json

import numpy as np
import pytest
from matplotlib import image

from engine import tokens
from engine.types import TICKS_PER_BAR, Chord
from training.errors import CorpusError
from training.pictures import draw_curves, draw_densities, draw_roll, draw_steps, main
from training.songs import DrumSong, Hit, Note, PianoSong


def piano(bars=10):
    notes = tuple(Note(bar * TICKS_PER_BAR, bar * TICKS_PER_BAR + 90, 60, 9) for bar in range(bars))
    return PianoSong("song", "lead", False, notes, ((Chord(2, "min7"),) * 2,) * bars)


def drums(tick=6):
    return DrumSong("beat", "soul", False, (Hit(tick, 36, 12), Hit(54, 38, 13), Hit(78, 42, 6)), 1)


def ink(path):
    """Share of the picture that is not white."""
    return float((image.imread(path)[..., :3] < 0.98).any(axis=-1).mean())


def test_a_roll_grows_by_a_row_for_each_eight_bars(tmp_path):
    draw_roll(piano(8), tmp_path / "a.png")
    draw_roll(piano(40), tmp_path / "b.png")
    one, four = (image.imread(tmp_path / name).shape[0] for name in ("a.png", "b.png"))
    assert four == pytest.approx(4 * one, rel=0.02)


def test_a_roll_shows_the_notes(tmp_path):
    silent = PianoSong("song", "lead", False, (), ((None, None),) * 8)
    draw_roll(piano(8), tmp_path / "played.png")
    draw_roll(silent, tmp_path / "silent.png")
    assert ink(tmp_path / "played.png") > 1.1 * ink(tmp_path / "silent.png")


def test_drums_and_steps_are_drawn(tmp_path):
    draw_roll(drums(), tmp_path / "roll.png")
    draw_steps({"corpus": [drums()], "written": [drums(30)]}, tmp_path / "steps.png")
    assert ink(tmp_path / "roll.png") > 0
    assert ink(tmp_path / "steps.png") > 0


def test_densities_are_drawn_and_constant_features_are_left_empty(tmp_path):
    spread = {"a": np.arange(20.0), "b": np.ones(20)}
    draw_densities(spread, {"written": spread}, tmp_path / "d.png")
    assert ink(tmp_path / "d.png") > 0


def test_curves_come_from_the_histories_of_runs_and_other_files_are_named(tmp_path):
    (tmp_path / "history.json").write_text(json.dumps([{"tokens_seen": 1e6, "nll_per_bar": 50.0}]))
    draw_curves({"run": tmp_path / "history.json"}, tmp_path / "c.png")
    assert ink(tmp_path / "c.png") > 0
    (tmp_path / "other.json").write_text("[1]")
    with pytest.raises(CorpusError, match=r"other\.json: not the history"):
        draw_curves({"run": tmp_path / "other.json"}, tmp_path / "c.png")


def test_the_command_draws_the_longest_piece_of_a_file(tmp_path):
    lines = [[tokens.START, tokens.BAR, tokens.NO_CHORD, tokens.density(0), tokens.END]]
    (tmp_path / "m.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    main(["piano", str(tmp_path / "m.jsonl"), "--out", str(tmp_path / "x" / "roll.png")])
    assert (tmp_path / "x" / "roll.png").stat().st_size > 1000
