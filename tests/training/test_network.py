import pytest
import torch
from tiny import tiny_network, tiny_weights

from training.network import Network, network_of, public_weights
from training.runtime import package_logits
from training.size import Size, size_of


def test_the_fast_network_and_the_naive_one_agree():
    weights = tiny_weights()
    ids = torch.randint(0, 320, (2, 48), generator=torch.Generator().manual_seed(1))
    fast, naive = network_of(weights), network_of(weights, naive=True)
    with torch.no_grad():
        logits, state = fast(ids, fast.initial_state(2))
        expected, expected_state = naive(ids, naive.initial_state(2))
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(state[1], expected_state[1], atol=1e-3, rtol=1e-3)


def test_the_network_computes_what_the_rwkv_package_computes(tmp_path):
    weights = tiny_weights()
    torch.save(weights, tmp_path / "tiny.pth")
    ids = torch.randint(0, 320, (32,), generator=torch.Generator().manual_seed(2))
    network = network_of(weights)
    with torch.no_grad():
        logits, _ = network(ids[None], network.initial_state(1))
    expected = torch.from_numpy(package_logits(tmp_path / "tiny.pth", ids.tolist()))
    assert float((logits[0] - expected).abs().max()) <= 1e-4


def test_carried_state_makes_two_windows_one_sequence():
    network = tiny_network()
    ids = torch.randint(0, 320, (2, 64), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        whole, _ = network(ids, network.initial_state(2))
        _, state = network(ids[:, :32], network.initial_state(2))
        second, _ = network(ids[:, 32:], state)
    torch.testing.assert_close(second, whole[:, 32:], atol=1e-4, rtol=1e-4)


def test_parameters_have_the_public_names_and_shapes():
    weights = tiny_weights(vocabulary=320, layers=2, width=128)
    expected = {
        "emb.weight": (320, 128), "head.weight": (320, 128), "ln_out.bias": (128,), "blocks.0.ln0.weight": (128,),
        "blocks.1.att.time_maa_x": (1, 1, 128), "blocks.1.att.time_maa_w1": (128, 160),
        "blocks.1.att.time_maa_w2": (5, 32, 128), "blocks.1.att.time_decay": (1, 1, 128),
        "blocks.1.att.time_decay_w1": (128, 64), "blocks.1.att.time_decay_w2": (64, 128),
        "blocks.1.att.time_faaaa": (2, 64), "blocks.1.att.ln_x.weight": (128,),
        "blocks.1.att.receptance.weight": (128, 128), "blocks.1.ffn.time_maa_k": (1, 1, 128),
        "blocks.1.ffn.key.weight": (448, 128), "blocks.1.ffn.value.weight": (128, 448),
    }  # fmt: skip
    assert {name: tuple(weights[name].shape) for name in expected} == expected
    assert "blocks.1.ln0.weight" not in weights
    assert len(weights) == 2 + 2 + 2 + 2 * (4 + 12 + 5 + 2 + 5)


def test_the_size_is_read_off_the_parameters():
    size = size_of(tiny_weights(vocabulary=320, layers=3, width=64))
    assert (size.layers, size.width, size.vocabulary, size.heads, size.hidden) == (3, 64, 320, 1, 224)


def test_public_weights_are_copies():
    network = tiny_network()
    weights = public_weights(network)
    with torch.no_grad():
        network.head.weight.zero_()
    assert float(weights["head.weight"].abs().sum()) > 0


@pytest.mark.parametrize("layers", [1, 2])
def test_a_fresh_network_predicts_almost_evenly(layers):
    network = Network(Size(layers, 64, 320)).eval()
    with torch.no_grad():
        logits, _ = network(torch.zeros(1, 16, dtype=torch.long), network.initial_state(1))
    assert torch.isfinite(logits).all()
    assert float(torch.log_softmax(logits, -1).max()) < -2


@pytest.mark.parametrize("architecture", ["x060", "x070"])
def test_weights_in_bfloat16_compute_nearly_the_same(architecture):
    """DeepSpeed keeps all parameters in bfloat16, and there is no autocast around them."""
    weights = tiny_weights(architecture=architecture)
    ids = torch.randint(0, 320, (2, 32), generator=torch.Generator().manual_seed(1))
    exact, short = network_of(weights), network_of(weights).bfloat16()
    with torch.no_grad():
        expected, _ = exact(ids, exact.initial_state(2))
    logits, (shift, wkv) = short(ids, short.initial_state(2))
    logits.float().square().mean().backward()
    assert (logits.dtype, shift.dtype, wkv.dtype) == (torch.bfloat16, torch.float32, torch.float32)
    assert float((logits.detach().float() - expected).abs().mean()) <= 0.05 * float(expected.abs().mean())
    assert all(torch.isfinite(parameter.grad).all() for parameter in short.parameters() if parameter.grad is not None)
