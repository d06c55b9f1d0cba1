"""What it costs to listen to one's own station: `python -m bench.ear`, processor time as a share of one core.

Knows nothing about the station; the sound is noise at the level of music, which costs a decoder most.
"""

from __future__ import annotations

import time

import numpy as np

from engine import SAMPLE_RATE_HZ, AudioBlock
from radio.ear import PERIOD_S, WINDOW_FRAMES, decoded_level_dbfs
from radio.encoders import AacEncoder, Encoder, Mp3Encoder
from radio.encoders_opus import OpusEncoder
from radio.hub import Hub

TIMES = 50
_BLOCK_FRAMES = 2048


def main() -> None:
    """Decode the newest second of each format many times, and print what one look every two seconds costs."""
    noise = np.random.default_rng(1).normal(0.0, 0.1, (4 * SAMPLE_RATE_HZ, 2)).astype(np.float32)
    print("| format | one look, ms | share of a core, one look in 2 s |\n|---|---|---|")
    encoders: tuple[Encoder, ...] = (Mp3Encoder(128), AacEncoder(128), OpusEncoder(96))
    for encoder in encoders:
        hub = Hub(65_536)
        for at in range(0, len(noise), _BLOCK_FRAMES):
            chunk = encoder.encode(AudioBlock(at, noise[at : at + _BLOCK_FRAMES]))
            if chunk is not None:
                hub.publish(chunk, "", encoder.head)
        sounds = hub.latest(WINDOW_FRAMES)
        decoded_level_dbfs(encoder.content_type, sounds)
        began_s = time.process_time()
        for _ in range(TIMES):
            decoded_level_dbfs(encoder.content_type, sounds)
        look_s = (time.process_time() - began_s) / TIMES
        print(f"| {encoder.content_type} | {look_s * 1000:.1f} | {look_s / PERIOD_S:.2%} |")


if __name__ == "__main__":
    main()
