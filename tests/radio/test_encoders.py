"""Encoders: one contract for the real one and the fake, and what only MP3 must prove."""

import io
import itertools
import struct

import av
import numpy as np
import pytest
from fakes_encoder import FakeEncoder
from fakes_station import expected, sine

from engine import SAMPLE_RATE_HZ, AudioBlock
from radio.encoders import (
    AAC_FRAMES,
    MP3_DELAY_FRAMES,
    MP3_FRAMES,
    AacEncoder,
    CodecEncoder,
    Mp3Encoder,
    adts_frames,
)
from radio.encoders_opus import OPUS_DELAY_FRAMES, OPUS_FRAMES, OpusEncoder

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


def opus():
    return OpusEncoder(serial=7)


FRAMES = {"audio/mpeg": MP3_FRAMES, "audio/x-fake": MP3_FRAMES, "audio/aac": AAC_FRAMES, "audio/ogg": OPUS_FRAMES}


def decode(data, form="mp3"):
    with av.open(io.BytesIO(data), format=form) as container:
        return np.concatenate([frame.to_ndarray().T for frame in container.decode(audio=0)])


@pytest.mark.parametrize("make", [Mp3Encoder, AacEncoder, opus, FakeEncoder])
class TestContract:
    def test_chunks_join_without_gap_or_overlap_and_cover_the_sound(self, make):
        samples = expected(10)
        chunks = encode(make(), samples, start_frame=480)
        for one, next_one in itertools.pairwise(chunks):
            assert next_one.start_frame == one.start_frame + one.frames
        assert chunks[0].start_frame <= 480
        assert chunks[-1].start_frame + chunks[-1].frames >= 480 + len(samples)

    def test_chunks_hold_whole_codec_frames(self, make):
        frames = FRAMES[make().content_type]
        assert all(chunk.frames % frames == 0 and chunk.data for chunk in encode(make(), expected(3)))

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


def test_aac_decodes_back_to_the_sound_that_went_in():
    samples = expected(10)
    decoded = decode(b"".join(chunk.data for chunk in encode(AacEncoder(), samples)), "aac")
    error = decoded[AAC_FRAMES : AAC_FRAMES + len(samples)] - samples
    assert np.sqrt(np.mean(error**2)) < 0.1 * np.sqrt(np.mean(samples**2))


def test_aac_frames_are_found_again_by_their_headers():
    chunks = encode(AacEncoder(), expected(10))
    for chunk in chunks:
        frames = list(adts_frames(chunk.data))
        assert len(frames) * AAC_FRAMES == chunk.frames
        assert all(frame[:2] == b"\xff\xf1" for frame in frames)


def test_who_joins_aac_in_the_middle_hears_the_same():
    data = [frame for chunk in encode(AacEncoder(), expected(10)) for frame in adts_frames(chunk.data)]
    joined, whole = decode(b"".join(data[20:]), "aac"), decode(b"".join(data), "aac")
    np.testing.assert_allclose(joined[2 * AAC_FRAMES :], whole[22 * AAC_FRAMES :], atol=1e-5)


def test_opus_decodes_back_to_the_sound_that_went_in():
    encoder, samples = OpusEncoder(), expected(10)
    data = encoder.head("Rain · E♭") + b"".join(chunk.data for chunk in encode(encoder, samples))
    decoded = decode(data, "ogg")  # the decoder drops the pre-skip by itself
    error = decoded[: len(samples)] - samples
    assert np.sqrt(np.mean(error**2)) < 0.2 * np.sqrt(np.mean(samples**2))  # Opus keeps no phase at bar lines


def test_who_joins_opus_late_gets_the_head_and_the_title_of_that_moment():
    encoder = OpusEncoder()
    chunks = encode(encoder, expected(20))
    late = encoder.head("Thé froid · C♯ minor · rainy") + b"".join(chunk.data for chunk in chunks[10:])
    with av.open(io.BytesIO(late), format="ogg") as container:
        assert container.streams.audio[0].metadata["TITLE"] == "Thé froid · C♯ minor · rainy"
        heard = sum(frame.samples for frame in container.decode(audio=0))
    assert heard >= sum(chunk.frames for chunk in chunks[10:]) - OPUS_FRAMES - OPUS_DELAY_FRAMES


@pytest.mark.parametrize("start_frame", [2**31 - 4096, 2**32 - 4096, 2**33 - 4096], ids=str)
@pytest.mark.parametrize(("make", "form"), [(AacEncoder, "aac"), (OpusEncoder, "ogg")], ids=["aac", "opus"])
def test_encoders_go_on_where_counters_would_wrap(make, form, start_frame):
    encoder = make()
    assert isinstance(encoder, CodecEncoder)
    encoder._frames_in = encoder._position_frames = start_frame  # as if it had run for so long
    encoder._pages = 2**32 - 3
    samples = expected(5)
    chunks = encode(encoder, samples, start_frame=start_frame)
    assert chunks[-1].start_frame + chunks[-1].frames >= start_frame + len(samples)
    head = encoder.head("x") if form == "ogg" else b""
    assert len(decode(head + b"".join(chunk.data for chunk in chunks), form)) >= len(samples) - OPUS_FRAMES


def ogg_pages(data):
    """Take an Ogg stream apart: (flags, position, serial, page bytes)."""
    at = 0
    while at < len(data):
        assert data[at : at + 4] == b"OggS"
        segments = data[at + 26]
        size = 27 + segments + sum(data[at + 27 : at + 27 + segments])
        flags, position, serial = struct.unpack("<BQI", data[at + 5 : at + 18])
        yield flags, position, serial, data[at : at + size]
        at += size


def test_a_new_title_begins_a_new_logical_stream_and_not_a_sample_is_lost():
    samples = expected(20)
    half = len(samples) // 2 // 2048 * 2048
    plain = OpusEncoder()
    whole = decode(plain.head("one") + b"".join(chunk.data for chunk in encode(plain, samples)), "ogg")
    encoder = OpusEncoder()
    chunks, data = [], encoder.head("one")
    for at in range(0, len(samples), 2048):
        if at == half:
            chunks.append(encoder.retitle("two"))
            data += chunks[-1].data + encoder.head("two")
        chunk = encoder.encode(AudioBlock(at, samples[at : at + 2048]))
        if chunk is not None:
            chunks.append(chunk)
            data += chunk.data
    data += encoder.flush().data
    pages = list(ogg_pages(data))
    assert len({serial for _, _, serial, _ in pages}) == 2
    assert [flags for flags, *_ in pages if flags] == [2, 4, 2, 4], "begin, end, begin, end"
    assert data.count(b"TITLE=one") == data.count(b"TITLE=two") == 1
    ends = [chunk.start_frame + chunk.frames for chunk in chunks]
    assert [chunk.start_frame for chunk in chunks[1:]] == ends[:-1]
    parts = data.split(pages[[flags for flags, *_ in pages].index(4)][3])  # between the streams
    heard = np.concatenate([decode(part, "ogg") for part in parts])
    np.testing.assert_allclose(heard[: len(whole)], whole[: len(heard)], atol=0.05)
    assert abs(len(heard) - len(whole)) < OPUS_FRAMES
    assert len(decode(data, "ogg")) >= len(whole) - OPUS_FRAMES, "ffmpeg goes on by itself"
