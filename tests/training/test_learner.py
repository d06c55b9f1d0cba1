from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny import tiny_corpus, tiny_network
from torch.nn import functional

from training.corpus import Corpus, Entry, as_ids
from training.learner import pulled_loss
from training.schedule import make_optimiser, set_rate
from training.validation import exact, validate
from training.windows import IGNORED, Progress, Windows


def test_the_loss_pulls_the_largest_logit_of_each_position_and_reports_cross_entropy_alone():
    logits = torch.tensor([[[1.0, 3.0, -9.0], [0.5, 0.0, -2.0]]], requires_grad=True)
    targets = torch.tensor([[0, 2]])
    total, reported = pulled_loss(logits, targets, 1e-4)
    plain = functional.cross_entropy(logits.view(-1, 3), targets.view(-1))
    assert float(reported) == pytest.approx(float(plain))
    (pull,) = torch.autograd.grad(total - plain, logits)
    expected = torch.tensor([[[0, 3.0, 0], [0.5, 0, 0]]]) * 1e-4 / 2
    torch.testing.assert_close(pull, expected, atol=1e-9, rtol=1e-3)


def test_tokens_left_out_neither_count_nor_pull_on_the_others():
    logits = torch.randn(1, 4, 5, generator=torch.Generator().manual_seed(0))
    _, every = pulled_loss(logits[:, [0, 2]], torch.tensor([[1, 3]]), 0.0)
    total, some = pulled_loss(logits, torch.tensor([[1, IGNORED, 3, IGNORED]]), 0.0)
    assert float(some) == float(total) == pytest.approx(float(every))
    _, none = pulled_loss(logits, torch.full((1, 4), IGNORED), 0.0)
    assert float(none) == 0.0


def test_windows_leave_out_the_tokens_that_do_not_count():
    ids, marks = as_ids(range(20, 60)), np.arange(40) % 3 > 0
    corpus = Corpus((Entry("a", False, -1, ids, marks),))
    window = next(iter(Windows(corpus, Progress(), SimpleNamespace(lanes=3, window=12, seed=0), slice(0, 3))))
    assert window.inputs.flatten().tolist() == [*range(20, 32), *range(33, 45), *range(46, 58)]
    following = (window.inputs + 1).flatten().tolist()
    assert window.targets.flatten().tolist() == [t if (t - 20) % 3 else IGNORED for t in following]


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
