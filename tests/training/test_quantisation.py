import numpy as np

from training.quantisation import BLOCK_SIZE, quantise


def test_quantised_weights_are_near_and_a_quarter_of_the_size():
    matrix = np.random.default_rng(0).normal(size=(128, 32)).astype(np.float32)
    values, scales = quantise(matrix)
    back = ((values.astype(np.float32) - 128) * scales.reshape(32, -1, 1)).reshape(32, 128).T
    limit = np.abs(matrix).reshape(-1, BLOCK_SIZE, 32).max(1).repeat(BLOCK_SIZE, 0) / 127 / 2 + 1e-6
    assert (np.abs(back - matrix) <= limit).all()
    assert values.nbytes == matrix.nbytes / 4


def test_a_matrix_of_zeros_survives_quantising():
    values, scales = quantise(np.zeros((64, 8), np.float32))
    assert (values == 128).all()
    assert np.isfinite(scales).all()


def test_four_bits_are_half_of_eight_and_no_further_than_a_step_away():
    matrix = np.random.default_rng(1).normal(size=(64, 8)).astype(np.float32)
    values, scales = quantise(matrix, 4)
    low, high = values & 15, values >> 4
    steps = np.stack([low, high], -1).reshape(8, 2, BLOCK_SIZE).astype(np.float32) - 8
    back = (steps * scales.reshape(8, 2, 1)).reshape(8, 64).T
    assert (np.abs(back - matrix) <= np.abs(scales).reshape(8, 2).repeat(BLOCK_SIZE, 1).T * 1.5).all()
    assert values.nbytes == matrix.nbytes / 8
