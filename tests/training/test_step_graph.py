import numpy as np
import torch
from tiny import arrays, tiny_weights

from training.runtime import OnnxStep, divergence, package_logits
from training.step_graph import BLOCK_SIZE, build_step, quantise

IDS = np.random.default_rng(5).integers(0, 320, 24).tolist()


def step(weights, bits):
    return OnnxStep(build_step(arrays(weights), bits).SerializeToString())


def test_the_float_graph_computes_what_the_rwkv_package_computes(tmp_path):
    weights = tiny_weights()
    torch.save(weights, tmp_path / "tiny.pth")
    difference = np.abs(step(weights, None).logits(IDS) - package_logits(tmp_path / "tiny.pth", IDS)).max()
    assert difference <= 1e-4


def test_eight_bits_cost_little_but_not_nothing():
    weights = tiny_weights()
    exact, small = step(weights, None).logits(IDS), step(weights, 8).logits(IDS)
    assert not np.array_equal(exact, small)
    assert divergence(exact, small) <= 0.01


def test_rows_of_a_batch_do_not_hear_each_other():
    model = step(tiny_weights(), None)
    state = model.initial_state(3)
    for token in IDS[:8]:
        logits, state = model.step(np.array([token, 7, token]), state)
    np.testing.assert_allclose(logits[0], logits[2], atol=1e-6)
    np.testing.assert_allclose(logits[0], model.logits(IDS[:8])[-1], atol=1e-5)
    assert np.abs(logits[0] - logits[1]).max() > 0.1


def test_the_interface_is_the_one_the_engine_reads():
    graph = build_step(arrays(tiny_weights(layers=3, width=128)), 8).graph

    def shapes(values):
        return {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}

    state = {"shift": [3, 2, "batch", 128], "wkv": [3, "batch", 2, 64, 64]}
    assert shapes(graph.input) == {"token": ["batch"], **state}
    assert shapes(graph.output) == {"logits": ["batch", 320], **{f"{k}_out": v for k, v in state.items()}}


def test_a_layer_takes_at_most_sixty_operators():
    few, many = (len(build_step(arrays(tiny_weights(layers=n)), 8).graph.node) for n in (2, 3))
    assert many - few <= 60


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
