from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.moods import Sampling
from engine.sampling import choose, counted, penalised, probabilities

LOGITS = np.array([3.0, 2.0, 1.0, 0.0, -1.0], np.float32)


def draw(logits, allowed, sampling, count=4000, seed=0):
    rng = np.random.default_rng(seed)
    return np.bincount([choose(logits, allowed, sampling, rng, 0) for _ in range(count)], minlength=len(logits))


@settings(max_examples=50)
@given(st.integers(0, 2**20), st.floats(0.05, 3), st.floats(0.05, 1), st.integers(0, 40))
def test_what_is_not_allowed_is_never_chosen(seed, temperature, top_p, top_k):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 5, 64).astype(np.float32)
    allowed = rng.random(64) < 0.3
    allowed[int(rng.integers(64))] = True
    sampling = Sampling(temperature=temperature, top_p=top_p, top_k=top_k)
    assert all(allowed[choose(logits, allowed, sampling, rng, 0)] for _ in range(50))


def test_the_safe_token_is_said_when_nothing_is_allowed():
    assert choose(LOGITS, np.zeros(5, bool), Sampling(), np.random.default_rng(0), 4) == 4


def test_chances_are_the_softmax_when_nothing_is_cut():
    expected = np.exp(LOGITS) / np.exp(LOGITS).sum()
    np.testing.assert_allclose(probabilities(LOGITS, Sampling(top_p=1.0)), expected, rtol=1e-6)
    counts = draw(LOGITS, np.ones(5, bool), Sampling(top_p=1.0), 20_000)
    np.testing.assert_allclose(counts / 20_000, expected, atol=0.015)


def test_top_p_keeps_the_fewest_that_reach_it():
    assert np.count_nonzero(probabilities(LOGITS, Sampling(top_p=0.5))) == 1
    assert np.count_nonzero(probabilities(LOGITS, Sampling(top_p=0.8))) == 2


def test_top_k_keeps_that_many():
    assert np.count_nonzero(probabilities(LOGITS, Sampling(top_p=1.0, top_k=3))) == 3


def test_temperature_comes_last_and_does_not_widen_the_choice():
    hot = probabilities(LOGITS, Sampling(temperature=3.0, top_p=0.8))
    assert np.count_nonzero(hot) == 2
    assert hot[1] / hot[0] > np.exp(-1)


def test_no_temperature_is_the_best_always():
    assert set(np.flatnonzero(draw(LOGITS, np.ones(5, bool), Sampling(temperature=0.0), 50))) == {0}


@pytest.mark.parametrize("temperature", [5e-324, 1e-4, 1e-3])
def test_hardly_any_temperature_is_the_best_always(temperature):
    flat = np.array([0.0, 0.3, 0.1, 0.2], np.float32)
    assert set(np.flatnonzero(draw(flat, np.ones(4, bool), Sampling(temperature=temperature, top_p=1.0), 50))) == {1}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_do_no_harm(bad):
    logits = LOGITS.copy()
    logits[2] = bad
    assert draw(logits, np.ones(5, bool), Sampling(), 50).sum() == 50
    assert draw(np.full(5, bad, np.float32), np.ones(5, bool), Sampling(), 50).sum() == 50


def test_penalties_lower_what_was_said_and_fade():
    sampling = Sampling(presence=0.5, frequency=0.25, penalty_decay=0.5)
    counts = counted(counted(np.zeros(5, np.float32), 1, sampling), 1, sampling)
    assert counts[1] == pytest.approx(1.5)
    np.testing.assert_allclose(penalised(LOGITS, counts, sampling), [3, 2 - 0.5 - 0.375, 1, 0, -1])
    for _ in range(20):
        counts = counted(counts, 0, sampling)
    np.testing.assert_allclose(penalised(LOGITS, counts, sampling)[1:], LOGITS[1:])


def test_the_same_seed_chooses_the_same():
    allowed = np.ones(5, bool)
    one, two = (np.random.default_rng(7) for _ in range(2))
    assert [choose(LOGITS, allowed, Sampling(), one, 0) for _ in range(50)] == [
        choose(LOGITS, allowed, Sampling(), two, 0) for _ in range(50)
    ]
