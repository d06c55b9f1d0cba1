"""What the graphs of both generations have in common; what RWKV-7 alone has is in test_step_graph7.py."""

import numpy as np
import pytest
import torch
from tiny import arrays, tiny_weights

from training.runtime import OnnxStep, divergence, package_logits
from training.step_graph import build_step
from training.step_graph7 import build_step7

IDS = np.random.default_rng(5).integers(0, 320, 24).tolist()
BUILD = {"x060": build_step, "x070": build_step7}
OPERATORS_A_LAYER = {"x060": 60, "x070": 65}

either = pytest.mark.parametrize("generation", BUILD)


def graph(generation, bits, **size):
    return BUILD[generation](arrays(tiny_weights(architecture=generation, **size)), bits)


def step(generation, bits):
    return OnnxStep(graph(generation, bits).SerializeToString())


@either
def test_the_float_graph_computes_what_the_rwkv_package_computes(generation, tmp_path):
    torch.save(tiny_weights(architecture=generation), tmp_path / "tiny.pth")
    difference = np.abs(step(generation, None).logits(IDS) - package_logits(tmp_path / "tiny.pth", IDS)).max()
    assert difference <= 1e-4


@either
def test_eight_bits_cost_little_but_not_nothing(generation):
    exact, small = step(generation, None).logits(IDS), step(generation, 8).logits(IDS)
    assert not np.array_equal(exact, small)
    assert divergence(exact, small) <= 0.01


@either
def test_four_bits_are_four_where_it_counts_and_cost_more(generation):
    few, eight = (graph(generation, bits) for bits in (4, 8))
    products = [
        next(one.i for one in node.attribute if one.name == "bits")
        for node in few.graph.node
        if node.op_type == "MatMulNBits"
    ]
    assert set(products) == {4, 8}, "the head stays at 8"
    assert len(few.SerializeToString()) < len(eight.SerializeToString())
    exact = step(generation, None).logits(IDS)
    assert divergence(exact, step(generation, 8).logits(IDS)) < divergence(exact, step(generation, 4).logits(IDS)) < 0.5


@either
def test_rows_of_a_batch_do_not_hear_each_other(generation):
    model = step(generation, None)
    state = model.initial_state(3)
    for token in IDS[:8]:
        logits, state = model.step(np.array([token, 7, token]), state)
    np.testing.assert_allclose(logits[0], logits[2], atol=1e-6)
    np.testing.assert_allclose(logits[0], model.logits(IDS[:8])[-1], atol=1e-5)
    assert np.abs(logits[0] - logits[1]).max() > 0.1


@either
def test_the_interface_is_the_one_the_engine_reads(generation):
    made = graph(generation, 8, layers=3, width=128).graph

    def shapes(values):
        return {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}

    state = {"shift": [3, 2, "batch", 128], "wkv": [3, "batch", 2, 64, 64]}
    assert shapes(made.input) == {"token": ["batch"], **state}
    assert shapes(made.output) == {"logits": ["batch", 320], **{f"{k}_out": v for k, v in state.items()}}


@either
def test_a_layer_takes_few_operators(generation):
    few, many = (len(graph(generation, 8, layers=n).graph.node) for n in (2, 3))
    assert many - few <= OPERATORS_A_LAYER[generation]


@either
def test_weights_that_are_not_folded_bear_their_public_names(generation):
    stored = {one.name for one in graph(generation, 8).graph.initializer}
    public = {f"blocks.1.{name}.weight" for name in ("att.receptance", "att.output", "ffn.key", "ffn.value")}
    assert {f"{name}:{part}" for name in (*public, "head.weight") for part in ("values", "scales")} <= stored
    assert "blocks.1.ln2.weight" in stored
