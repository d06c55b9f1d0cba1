"""The fake engine's sound as the real encoders write it."""

from fakes_station import expected

from engine import AudioBlock
from radio.encoders import AacEncoder, Mp3Encoder


def mp3_chunks(bars=60):
    encoder, sound = Mp3Encoder(), expected(bars)
    chunks = [encoder.encode(AudioBlock(at, sound[at : at + 2048])) for at in range(0, len(sound), 2048)]
    return [chunk for chunk in chunks if chunk is not None]


def aac_chunks():
    encoder, sound = AacEncoder(), expected(61)
    chunks = [encoder.encode(AudioBlock(at, sound[at : at + 8192])) for at in range(0, len(sound), 8192)]
    return [chunk for chunk in chunks if chunk is not None]


MP3_CHUNKS = mp3_chunks()
AAC_CHUNKS = aac_chunks()
"""12.2 s: three segments."""
AAC_FRAMES = AAC_CHUNKS[-1].start_frame + AAC_CHUNKS[-1].frames - AAC_CHUNKS[0].start_frame
