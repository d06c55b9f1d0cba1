"""Matrices in few bits, as MatMulNBits and our own step read them. Knows nothing about graphs or networks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

BLOCK_SIZE = 32
"""Weights that share a scale."""
_REACHES = (8.4, 8.0, 7.6, 7.2, 6.8, 6.4, 6.0, 5.6)
"""How many steps the largest weight of a block may be from zero; its sign decides which side has eight."""


def quantise(matrix: FloatArray, bits: int = 8) -> tuple[npt.NDArray[np.uint8], FloatArray]:
    """Quantise [K, N] to 8 bits around 128 or to 4 around 8, one scale per block of K.

    Returns:
        values [N, K / block, block] bytes, or half as many with the even inputs in the low half, and scales
        [N * K / block], as MatMulNBits reads them.
    """
    rows, columns = matrix.shape
    blocks = matrix.T.reshape(columns, rows // BLOCK_SIZE, BLOCK_SIZE)
    if bits == 8:
        scales = np.maximum(np.abs(blocks).max(-1) / 127, 1e-12).astype(np.float32)
        values = np.clip(np.rint(blocks / scales[..., None]) + 128, 1, 255).astype(np.uint8)
        return values, scales.reshape(-1)
    scales = _best_scales(blocks)
    values = np.clip(np.rint(blocks / scales[..., None]) + 8, 0, 15).astype(np.uint8)
    return values[..., 0::2] | values[..., 1::2] << 4, scales.reshape(-1)


def _best_scales(blocks: FloatArray) -> FloatArray:
    """Return for each block the 4-bit scale of least squared error; sixteen steps reach one further below zero."""
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)[..., 0]
    best, least = np.full(largest.shape, 1e-12, np.float32), np.full(largest.shape, np.inf, np.float32)
    for reach in _REACHES:
        scales = np.where(np.abs(largest) < 1e-11, np.float32(1e-12), -largest / np.float32(reach))
        steps = np.clip(np.rint(blocks / scales[..., None]), -8, 7)
        error = np.square(steps * scales[..., None] - blocks).sum(-1)
        better = error < least
        best[better], least[better] = scales[better], error[better]
    return best
