"""Encoders: one contract for the real one and the fake, and what only MP3 must prove."""

import io
import itertools

import av
import numpy as np
import pytest
from fakes_encoder import FakeEncoder
from fakes_station import expected, sine

from engine import SAMPLE_RATE_HZ, AudioBlock
from radio.encoders import MP3_DELAY_FRAMES, MP3_FRAMES, Mp3Encoder

MP3_BYTES = 384  # 144 * 128 kb/s / 48 kHz


def blocks(samples, sizes, start_frame=0):
    at, sizes = 0, itertools.cycle(sizes)
    while at < len(samples):
        piece = samples[at : at + next(sizes)]
        yield AudioBlock(start_frame + at, piece)
        at += len(piece)


def encode(encoder, samples, sizes=(2048,), start_frame=0):
    chunks = [encoder.encode(block) for block in blocks(samples, sizes, start_frame)]
    return [chunk for chunk in [*chunks, encoder.flush()] if chunk is not None]


def decode(data):
    with av.open(io.BytesIO(data), format="mp3") as container:
        return np.concatenate([frame.to_ndarray().T for frame in container.decode(audio=0)])


@pytest.mark.parametrize("make", [Mp3Encoder, FakeEncoder])
class TestContract:
    def test_chunks_join_without_gap_or_overlap_and_cover_the_sound(self, make):
        samples = expected(10)
        chunks = encode(make(), samples, start_frame=480)
        for one, next_one in itertools.pairwise(chunks):
            assert next_one.start_frame == one.start_frame + one.frames
        assert chunks[0].start_frame <= 480
        assert chunks[-1].start_frame + chunks[-1].frames >= 480 + len(samples)

    def test_chunks_hold_whole_codec_frames(self, make):
        assert all(chunk.frames % MP3_FRAMES == 0 and chunk.data for chunk in encode(make(), expected(3)))

    @pytest.mark.parametrize("sizes", [(64,), (1, 65, 128, 8193), (1152,), (50_000,)], ids=str)
    def test_the_same_bytes_for_any_block_size(self, make, sizes):
        whole = b"".join(chunk.data for chunk in encode(make(), expected(3)))
        assert b"".join(chunk.data for chunk in encode(make(), expected(3), sizes)) == whole

    def test_a_block_too_short_for_a_frame_gives_nothing_yet(self, make):
        assert make().encode(AudioBlock(0, sine(0, 64, 440))) is None


def test_mp3_decodes_back_to_the_sound_that_went_in():
    samples = expected(10)
    decoded = decode(b"".join(chunk.data for chunk in encode(Mp3Encoder(), samples)))
    # a decoder adds its own 528 + 1 frames to the encoder's 576: together MP3_DELAY_FRAMES
    error = decoded[MP3_DELAY_FRAMES : MP3_DELAY_FRAMES + len(samples)] - samples
    assert np.sqrt(np.mean(error**2)) < 0.1 * np.sqrt(np.mean(samples**2))  # -20 dB: bars jump in pitch


def test_mp3_is_constant_in_its_bit_rate():
    chunks = encode(Mp3Encoder(), expected(50))
    assert all(len(chunk.data) == chunk.frames // MP3_FRAMES * MP3_BYTES for chunk in chunks)


@pytest.mark.parametrize("bitrate_kbps", [64, 192, 320])
def test_mp3_counts_its_frames_right_at_every_bit_rate(bitrate_kbps):
    chunks = encode(Mp3Encoder(bitrate_kbps), expected(10))
    seconds = sum(chunk.frames for chunk in chunks) / SAMPLE_RATE_HZ
    assert sum(len(chunk.data) for chunk in chunks) * 8 / seconds == pytest.approx(bitrate_kbps * 1000)


def test_who_joins_in_the_middle_decodes_from_the_first_mp3_frame():
    data = b"".join(chunk.data for chunk in encode(Mp3Encoder(), expected(10)))
    joined = decode(data[20 * MP3_BYTES :])
    whole = decode(data)
    # the very first frame lacks the overlap with the one before, all others are exact
    np.testing.assert_allclose(joined[2 * MP3_FRAMES :], whole[22 * MP3_FRAMES :], atol=1e-5)


def test_mp3_goes_on_after_timestamps_have_passed_every_wrap():
    encoder = Mp3Encoder()
    encoder._frames_in = 2**33 - 3 * MP3_FRAMES
    samples = expected(5)
    data = b"".join(chunk.data for chunk in encode(encoder, samples, start_frame=2**33))
    assert len(decode(data)) >= len(samples)
