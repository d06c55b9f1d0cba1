"""RWKV-7 against its definition and against the `rwkv` package."""

import pytest
import torch
from tiny import tiny_weights

from training.errors import CheckpointError
from training.network import network_of, size_of
from training.recurrence7 import Step7, wkv7_chunked, wkv7_naive
from training.runtime import package_logits


def inputs(steps=48, seed=0):
    make = torch.Generator().manual_seed(seed)
    receptance, key, value, removed = (torch.randn(2, 3, steps, 64, generator=make) for _ in range(4))
    removed = torch.nn.functional.normalize(removed, dim=-1)
    log_decay = -0.6065 * torch.rand(2, 3, steps, 64, generator=make)
    learning = torch.rand(2, 3, steps, 64, generator=make)
    state = torch.randn(2, 3, 64, 64, generator=make)
    return Step7(receptance, log_decay, key, value, -removed, removed * learning), state


def test_chunks_compute_what_single_steps_compute():
    step, state = inputs()
    expected, expected_state = wkv7_naive(step, state)
    output, after = wkv7_chunked(step, state)
    torch.testing.assert_close(output, expected, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(after, expected_state, atol=1e-3, rtol=1e-4)


def test_the_fast_network_and_the_naive_one_agree_also_in_their_gradients():
    weights = tiny_weights(architecture="x070")
    ids = torch.randint(0, 320, (2, 32), generator=torch.Generator().manual_seed(1))
    gradients = []
    for network in (network_of(weights), network_of(weights, naive=True)):
        logits, state = network(ids, network.initial_state(2))
        (logits.logsumexp(-1).mean() + state[1].square().mean()).backward()
        gradients.append((logits.detach(), {name: p.grad for name, p in network.named_parameters()}))
    torch.testing.assert_close(gradients[0][0], gradients[1][0], atol=1e-4, rtol=1e-4)
    for name, gradient in gradients[0][1].items():
        torch.testing.assert_close(gradient, gradients[1][1][name], atol=1e-4, rtol=1e-3, msg=name)


def test_carried_state_makes_two_windows_one_sequence():
    network = network_of(tiny_weights(architecture="x070"))
    ids = torch.randint(0, 320, (2, 64), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        whole, _ = network(ids, network.initial_state(2))
        _, state = network(ids[:, :32], network.initial_state(2))
        second, _ = network(ids[:, 32:], state)
    torch.testing.assert_close(second, whole[:, 32:], atol=1e-4, rtol=1e-4)


def test_the_network_computes_what_the_rwkv_package_computes(tmp_path):
    weights = tiny_weights(architecture="x070")
    ids = torch.randint(0, 320, (24,), generator=torch.Generator().manual_seed(2))
    torch.save(weights, tmp_path / "tiny.pth")
    network = network_of(weights)
    with torch.no_grad():
        logits, _ = network(ids[None, :16], network.initial_state(1))
    assert abs(package_logits(tmp_path / "tiny.pth", ids.tolist())[:16] - logits[0].numpy()).max() <= 1e-4


def test_the_generation_is_read_off_the_parameters():
    assert size_of(tiny_weights(architecture="x070")).architecture == "x070"
    assert size_of(tiny_weights()).architecture == "x060"
    with pytest.raises(CheckpointError, match="neither RWKV-6 nor RWKV-7"):
        size_of({"emb.weight": torch.zeros(2, 2)})
