"""A reel gives the samples of its recording, wherever it is read, and keeps no more than what was heard."""

import io
import tracemalloc

import numpy as np
import pytest
import soundfile

from engine.loops import Layers, LoopLibrary
from engine.reel import PIECE_FRAMES, Reel, decode
from engine.types import SAMPLE_RATE_HZ

FRAMES = 3 * PIECE_FRAMES + 1234


def compressed(samples):
    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
    return file.getvalue()


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(5).integers(-9000, 9000, (FRAMES, 2), np.int16)


@pytest.fixture(scope="module")
def data(samples):
    return compressed(samples)


def test_a_recording_is_decoded_exactly(samples, data):
    np.testing.assert_array_equal(decode(data), samples)


def test_a_reel_gives_the_same_samples_from_any_frame_in_any_order(samples, data):
    reel, rng = Reel(data), np.random.default_rng(1)
    for _ in range(60):
        first, frames = int(rng.integers(0, 4 * FRAMES)), int(rng.choice([1, 64, 65, 8191, PIECE_FRAMES, 2 * FRAMES]))
        wanted = samples.take(np.arange(first, first + frames), axis=0, mode="wrap").T
        np.testing.assert_array_equal(reel.read(first, frames), wanted)


@pytest.mark.parametrize("cut", [0, 1, PIECE_FRAMES - 1, PIECE_FRAMES, PIECE_FRAMES + 1, FRAMES - 1])
def test_a_reel_that_begins_anywhere_goes_round_exactly(samples, data, cut):
    wanted = np.roll(samples, -cut, axis=0).T
    np.testing.assert_array_equal(Reel(data).read(cut, FRAMES), wanted)


def test_a_damaged_recording_is_told_before_it_sounds(data):
    broken = bytearray(data)
    broken[len(data) // 2] ^= 8
    for damaged in (bytes(broken), data[: len(data) // 2]):
        with pytest.raises(soundfile.SoundFileError):
            decode(damaged)


def test_only_what_sounds_is_decoded_and_let_go_when_it_has_faded_out(root):
    library = LoopLibrary(root / "loops")
    names = library.names("ambience")[:4]
    tracemalloc.start()
    try:
        sizes = [2 * 2 * library.get("ambience", name).frames for name in names]
        asked_for = tracemalloc.get_traced_memory()[0]
        player = Layers(library, "ambience", {names[0]: 0.0})
        player.take(SAMPLE_RATE_HZ, -20.0)
        one = tracemalloc.get_traced_memory()[0]
        player.aim({names[1]: 0.0})
        player.take(SAMPLE_RATE_HZ, -20.0)
        both = tracemalloc.get_traced_memory()[0]
        player.take(Layers.CROSS_FRAMES, -20.0)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert asked_for < sum(sizes) / 3
    assert one - asked_for == pytest.approx(sizes[0], rel=0.05)
    assert both - one == pytest.approx(sizes[1], rel=0.05)
    assert after - asked_for == pytest.approx(sizes[1], rel=0.05)
