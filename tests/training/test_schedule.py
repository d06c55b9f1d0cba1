import pytest
import torch
from tiny import tiny_network

from training.schedule import Schedule, make_optimiser, parameter_groups, set_rate

PLAN = Schedule(first=1e-3, final=1e-5, warmup_steps=10, tokens=1000)


def test_the_rate_warms_up_then_falls_to_its_final_value():
    assert PLAN.rate(0, 0) == pytest.approx(1e-5)
    assert PLAN.rate(10, 0) == pytest.approx(1e-3)
    assert PLAN.rate(99, 0.5) == pytest.approx((1e-3 + 1e-5) / 2)
    assert PLAN.rate(99, 1) == pytest.approx(1e-5)


def test_progress_follows_the_budget_that_is_nearer_its_end():
    timed = Schedule(1e-3, 1e-5, 10, tokens=1000, minutes=10)
    assert PLAN.progress(250, elapsed_s=1e6) == 0.25
    assert timed.progress(250, elapsed_s=60) == 0.25
    assert timed.progress(250, elapsed_s=300) == 0.5
    assert timed.progress(2000, elapsed_s=0) == 1


def test_every_parameter_is_in_one_group_and_only_matrices_decay():
    network = tiny_network()
    groups = parameter_groups(network, 0.1)
    grouped = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(parameter) for parameter in network.parameters())
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    decayed = {names[id(p)] for g in groups if g["weight_decay"] for p in g["params"]}
    assert {"emb.weight", "head.weight", "blocks.1.ffn.key.weight"} <= decayed
    assert not any("time_" in name or "ln" in name for name in decayed)


def test_base_decays_learn_twice_as_fast():
    network = tiny_network()
    optimiser = make_optimiser(network, 0.1)
    set_rate(optimiser, 1e-3)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    rates = {names[id(p)]: group["lr"] for group in optimiser.param_groups for p in group["params"]}
    assert {rates[name] for name in rates if name.endswith("time_decay")} == {2e-3}
    assert {rates[name] for name in rates if not name.endswith("time_decay")} == {1e-3}
    assert isinstance(optimiser, torch.optim.AdamW)
