"""Tracks of a real station on the fake synthesiser: their ends, their parts, and stems that add up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import RecordingSynth

from engine.errors import OrderError
from engine.fallback import compose_rules
from engine.layout import parse_layout
from engine.moods import MOODS
from engine.station import Station
from engine.station_setup import StationSetup
from engine.stems import STEMS
from engine.track import Extent, Gauge, Track, envelope
from engine.types import SAMPLE_RATE_HZ, Part

SETUP = StationSetup(MOODS["study"], 3, form=parse_layout("A:2 B:2"), composer="rules")


@pytest.fixture
def station(root, monkeypatch):
    monkeypatch.chdir(root)

    def build(setup=SETUP):
        composer = compose_rules(setup.mood, setup.seed)
        composer.lay_out(setup.form)
        return Station(setup, composer, RecordingSynth)

    return build


def together(blocks):
    return np.concatenate([block.samples for block in blocks])


def test_a_track_of_seconds_has_just_so_many_frames_and_fades_out(station):
    blocks = list(Track(station(), Extent(7.5, fade_out_s=2.0)))
    sound = together(blocks)
    assert len(sound) == 7.5 * SAMPLE_RATE_HZ
    assert blocks[-1].frames_total == len(sound)
    assert not sound[-1].any()
    assert blocks[0].bars[0].frame == 0


def test_whole_pieces_end_by_themselves_and_ring_out(station):
    blocks = list(Track(station(), Extent(None, pieces=2, fade_out_s=1.0)))
    bars = [start.bar for block in blocks for start in block.bars]
    assert [bar.piece_bar for bar in bars] == [0, 1, 2, 3] * 2
    last = [start for block in blocks for start in block.bars][-1]
    assert len(together(blocks)) == last.frame + last.frames + 4 * SAMPLE_RATE_HZ
    assert blocks[-1].frames_total == len(together(blocks))


def test_stems_add_up_to_the_mix(station):
    mood = replace(MOODS["night-drive"], piece_bars_low=36)
    blocks = list(Track(station(replace(SETUP, mood=mood, stems=True)), Extent(9.0)))
    mix = together(blocks)
    assert set(blocks[0].stems) == set(STEMS)
    sum_of_stems = sum(np.concatenate([block.stems[name] for block in blocks]) for name in STEMS)
    assert np.sqrt(np.mean((sum_of_stems - mix) ** 2)) < 1e-4 * np.sqrt(np.mean(mix**2))
    for name in ("keys", "drums", "bass", "loops"):
        assert np.abs(np.concatenate([block.stems[name] for block in blocks])).max() > 1e-3


def test_stems_follow_a_change_of_mood(station):
    player = station(replace(SETUP, stems=True))
    for mood in (None, MOODS["rainy"], None, None):
        if mood:
            player.apply(mood)
        rendered = player.render_bar()
    sum_of_stems = sum(rendered.stems.values())
    assert np.sqrt(np.mean((sum_of_stems - rendered.block.samples) ** 2)) < 1e-4 * np.std(rendered.block.samples)


def test_only_the_parts_asked_for_sound_and_play_the_same_notes(station):
    all_of_them, some = station(), station(replace(SETUP, parts=("keys", "bass")))
    for _ in range(4):
        ours, theirs = some.render_bar().block.bars[0].bar, all_of_them.render_bar().block.bars[0].bar
        assert ours.events == tuple(e for e in theirs.events if e.part in (Part.KEYS, Part.BASS))
    assert all_of_them.render_bar().levels.parts_lufs[Part.DRUMS] > -50
    assert some.render_bar().levels.parts_lufs[Part.DRUMS] < -40


def test_without_the_loops_there_is_nothing_between_the_notes(station):
    setup = replace(SETUP, parts=("second",), mood=replace(MOODS["study"], melody_share=0.0))
    assert np.abs(station(setup).render_bar().block.samples).max() < 1e-3
    assert np.abs(station(replace(setup, parts=("second", "loops"))).render_bar().block.samples).max() > 1e-2


def test_the_envelope_is_the_same_in_pieces_of_any_size():
    whole = envelope(0, 100_000, 100_000, 30_000)
    for size in (64, 65, 8191):
        pieces = [envelope(at, min(size, 100_000 - at), 100_000, 30_000) for at in range(0, 100_000, size)]
        assert np.array_equal(np.concatenate(pieces), whole)


def test_the_gauge_reads_the_same_from_blocks_of_any_size():
    sound = np.random.default_rng(1).normal(0, 0.1, (5 * SAMPLE_RATE_HZ, 2)).astype(np.float32)
    readings = []
    for size in (len(sound), 4801):
        gauge = Gauge()
        for at in range(0, len(sound), size):
            gauge.add(sound[at : at + size])
        readings.append((gauge.integrated_lufs, gauge.true_peak_dbtp))
    assert readings[0] == pytest.approx(readings[1], abs=1e-3)


@pytest.mark.parametrize(
    ("extent", "said"),
    [
        ({"seconds": 0}, "--seconds 0: must be 1 to 14400"),
        ({"seconds": float("nan")}, "--seconds nan: must be 1 to 14400"),
        ({"seconds": 20_000}, "must be 1 to 14400"),
        ({"seconds": None, "pieces": 101}, "101 pieces: must be 1 to 100"),
        ({"seconds": 60, "fade_out_s": -1}, "fade-out of -1 s"),
    ],
)
def test_lengths_that_no_track_can_have_are_refused(extent, said):
    with pytest.raises(OrderError, match=said):
        Extent(**extent)
