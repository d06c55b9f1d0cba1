"""Noise to put through an effect."""

import numpy as np

FRAMES = 30_000


def noise(frames=FRAMES, seed=0, level=0.2):
    return (np.random.default_rng(seed).standard_normal((2, frames)) * level).astype(np.float32)
