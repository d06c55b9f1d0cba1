import pytest
import torch
from tiny import tiny_corpus, tiny_network
from torch.nn import functional

from training.learner import pulled_loss
from training.schedule import make_optimiser, set_rate
from training.validation import exact, validate


def test_the_loss_pulls_the_largest_logit_of_each_position_and_reports_cross_entropy_alone():
    logits = torch.tensor([[[1.0, 3.0, -9.0], [0.5, 0.0, -2.0]]], requires_grad=True)
    targets = torch.tensor([[0, 2]])
    total, reported = pulled_loss(logits, targets, 1e-4)
    plain = functional.cross_entropy(logits.view(-1, 3), targets.view(-1))
    assert float(reported) == pytest.approx(float(plain))
    (pull,) = torch.autograd.grad(total - plain, logits)
    expected = torch.tensor([[[0, 3.0, 0], [0.5, 0, 0]]]) * 1e-4 / 2
    torch.testing.assert_close(pull, expected, atol=1e-9, rtol=1e-3)


def test_base_decays_of_the_newer_generation_learn_twice_as_fast_too():
    network = tiny_network(architecture="x070")
    optimiser = make_optimiser(network, 0.1)
    set_rate(optimiser, 1e-3)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    rates = {
        names[id(p)]: (group["lr"], group["weight_decay"]) for group in optimiser.param_groups for p in group["params"]
    }
    assert set(rates) == set(names.values())
    assert rates["blocks.1.att.w0"] == (2e-3, 0)
    assert rates["blocks.1.att.a0"] == rates["blocks.1.att.w1"] == rates["blocks.1.att.r_k"] == (1e-3, 0)
    assert rates["blocks.1.att.key.weight"] == (1e-3, 0.1)


def test_validation_in_float32_is_more_exact_than_in_bfloat16():
    network = tiny_network(vocabulary=2560, layers=1, width=64)
    stream = tiny_corpus().validation()
    inputs = torch.from_numpy(stream[:97].astype("int64"))
    with torch.no_grad():
        logits, _ = network(inputs[None, :96], network.initial_state(1))
    expected = float(functional.cross_entropy(logits[0], inputs[1:97]))
    fine = validate(network, exact(network), stream[:97], lanes=1, window=32)["nll_per_token"]
    coarse = validate(network, network, stream[:97], lanes=1, window=32)["nll_per_token"]
    assert fine == pytest.approx(expected, abs=2e-4)
    assert coarse == pytest.approx(expected, abs=0.05)
    assert coarse != fine
