"""A station with a tuned state: plays with it, and plays on without one that cannot be used."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from engine.assets import file_sha256
from engine.moods import MOODS, Sampling
from engine.station import Station
from engine.station_setup import StationSetup

QUICK = replace(MOODS["study"], sampling=Sampling(candidates=1))


@pytest.fixture
def setup(root):
    models = root / "models"
    return StationSetup(QUICK, 1, models / "piano", models / "drums", loops=root / "loops")


def write(path, weights, layers=6, width=256):
    rng = np.random.default_rng(0)
    shape = (width // 64, 64, 64)
    heads = {f"blocks.{layer}.att.time_state": rng.normal(0, 300, shape).astype(np.float32) for layer in range(layers)}
    np.savez(path, weights_sha256=np.array(file_sha256(weights)), **heads)
    return str(path)


def played(setup, bars=6):
    station = Station.build(setup)
    try:
        music = [bar.events for bar in islice(station._composer, bars)]
        return music, station.troubles, {asset.name for asset in station.assets}
    finally:
        station.close()


def test_a_tuned_state_changes_what_is_played_and_is_among_the_assets(setup, tmp_path):
    name = write(tmp_path / "rain.npz", setup.piano_model / "model.pth")
    plain, _, _ = played(setup)
    tuned, troubles, assets = played(replace(setup, mood=replace(QUICK, piano_state=name)))
    assert tuned != plain
    assert troubles == ()
    assert f"state {name}" in assets


def test_a_state_that_cannot_be_used_is_told_of_and_the_station_plays_on(setup, tmp_path):
    name = write(tmp_path / "other.npz", setup.drums_model / "model.pth")
    plain, _, _ = played(setup)
    music, troubles, _ = played(replace(setup, mood=replace(QUICK, piano_state=name)))
    assert music == plain
    assert len(troubles) == 1
    assert "tuned for the weights" in troubles[0]


def test_a_bad_state_of_a_mood_that_comes_later_is_told_of(setup, tmp_path):
    station = Station.build(setup)
    try:
        station.apply(replace(QUICK, piano_state=str(tmp_path / "missing.npz")))
        station.render_bar()
        assert any("missing.npz: not a readable tuned state" in trouble for trouble in station.troubles)
    finally:
        station.close()
