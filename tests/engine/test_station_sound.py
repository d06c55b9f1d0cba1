"""The station on the real synthesiser: what it is made of, and how it sounds."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from bench.listening import clicks
from engine import Station, StationSetup, find_mood, integrated_lufs, true_peak_dbtp
from engine.assets import bank_asset, model_asset
from engine.banks import find_bank
from engine.errors import SoundBankError
from engine.types import SAMPLE_RATE_HZ


@pytest.fixture
def make_real(setup):
    """A function that builds a station with the distribution's sound bank, or a skip."""
    try:
        find_bank(None)
    except SoundBankError as error:
        pytest.skip(str(error))
    stations = []

    def make_station(**changes):
        stations.append(Station.build(replace(setup, **changes)))
        return stations[-1]

    yield make_station
    for station in stations:
        station.close()


def test_models_that_are_missing_are_replaced_by_the_rules_and_told(make_real, tmp_path):
    for changes in ({}, {"piano_model": tmp_path / "piano", "drums_model": tmp_path / "drums"}):
        station = make_real(composer="models", **changes)
        assert len(station.troubles) == 1
        assert "composes by rules" in station.troubles[0]
        assert station.render_bar().block.bars[0].bar.composer == "rules"


def test_a_missing_bank_stops_the_station_with_the_remedy(setup, tmp_path):
    with pytest.raises(SoundBankError, match="musescore-general-soundfont-small"):
        Station.build(replace(setup, soundfont=tmp_path / "none.sf3"))


def test_assets_name_what_shapes_the_sound_by_hash_and_licence(make_real, root):
    assets = {asset.name: asset for asset in make_real().assets}
    assert {"loop vinyl/vinyl", "loop ambience/rain", f"bank {find_bank(None).name}"} <= set(assets)
    vinyl = (root / "loops" / "vinyl" / "vinyl.flac").read_bytes()
    assert assets["loop vinyl/vinyl"].sha256 == hashlib.sha256(vinyl).hexdigest()
    assert assets["loop vinyl/vinyl"].licence == "CC0-1.0"
    assert all(asset.licence and len(asset.sha256) == 64 for asset in assets.values())


def test_a_model_is_named_by_its_card_and_a_bank_by_what_it_says(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"weights")
    (tmp_path / "card.json").write_text(json.dumps({"file": "model.onnx", "licence": "MIT"}))
    assert model_asset(tmp_path).licence == "MIT"
    assert model_asset(tmp_path).sha256 == hashlib.sha256(b"weights").hexdigest()
    assert model_asset(tmp_path / "model.onnx").licence == "not stated"
    bank = tmp_path / "bank.sf2"
    bank.write_bytes(b"RIFF....sfbkLIST....INFOICOP" + (8).to_bytes(4, "little") + b"CC0 Me\0\0" + b"rest")
    assert bank_asset(bank).licence == "CC0 Me"
    bank.write_bytes(b"RIFF")
    assert bank_asset(bank).licence == "not stated"


@pytest.fixture(scope="module")
def minutes(root):
    """Two minutes of an evening with a change of mood in the middle, on the real synthesiser."""
    try:
        find_bank(None)
    except SoundBankError as error:
        pytest.skip(str(error))
    station = Station.build(StationSetup(find_mood("study"), 7, composer="rules", loops=root / "loops"))
    first = station.render(60 * SAMPLE_RATE_HZ)
    station.apply(find_mood("rainy"))
    second = station.render(60 * SAMPLE_RATE_HZ)
    station.close()
    return np.concatenate([first.samples, second.samples])


class TestSound:
    """What the station sounds like."""

    def test_it_is_as_loud_as_it_should_be_and_never_over_the_ceiling(self, minutes):
        assert integrated_lufs(minutes) == pytest.approx(-16.0, abs=1.0)
        assert true_peak_dbtp(minutes) <= -1.4

    def test_it_begins_at_about_its_level(self, minutes):
        assert integrated_lufs(minutes[: 5 * SAMPLE_RATE_HZ]) == pytest.approx(-17.0, abs=3.5)

    def test_there_is_no_silence_and_no_click(self, minutes):
        steps = minutes[: len(minutes) // 960 * 960].reshape(-1, 1920)
        quiet = np.sqrt(np.square(steps).mean(axis=1)) < 10 ** (-50 / 20)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(int), [0]])))
        assert all(end - start < 25 for start, end in zip(edges[::2], edges[1::2], strict=True))
        assert clicks(minutes) == []

    def test_it_is_stereo_that_survives_mono(self, minutes):
        assert 0.3 < np.corrcoef(minutes.T)[0, 1] < 0.97
        stereo = 10 * np.log10(np.square(minutes).mean())
        assert stereo - 10 * np.log10(np.square(minutes.mean(axis=1)).mean()) < 3.0


def test_a_real_station_goes_on_from_a_snapshot_with_the_same_bars_and_sound(make_real):
    station = make_real()
    for _ in range(6):
        station.render_bar()
    saved = station.snapshot()
    expected = station.render(12 * SAMPLE_RATE_HZ)
    other = make_real(seed=1)
    other.restore(saved)
    went_on = other.render(12 * SAMPLE_RATE_HZ)
    assert went_on.bars == expected.bars
    difference = np.abs(went_on.samples - expected.samples).max()
    assert difference < 1e-5, f"{20 * np.log10(difference):.0f} dB"
