from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compiled import compiled
from engine.moods import Sampling
from engine.sampling import chances_of, choose, chosen, counted, exponential, penalised

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
    chances = chances_of(LOGITS, Sampling(top_p=1.0))
    np.testing.assert_allclose(chances / chances.sum(), expected, rtol=1e-6)
    counts = draw(LOGITS, np.ones(5, bool), Sampling(top_p=1.0), 20_000)
    np.testing.assert_allclose(counts / 20_000, expected, atol=0.015)


def test_top_p_keeps_the_fewest_that_reach_it():
    assert np.count_nonzero(chances_of(LOGITS, Sampling(top_p=0.5))) == 1
    assert np.count_nonzero(chances_of(LOGITS, Sampling(top_p=0.8))) == 2


def test_top_k_keeps_that_many():
    assert np.count_nonzero(chances_of(LOGITS, Sampling(top_p=1.0, top_k=3))) == 3


def test_temperature_comes_last_and_does_not_widen_the_choice():
    hot = chances_of(LOGITS, Sampling(temperature=3.0, top_p=0.8))
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


@pytest.mark.skipif(compiled() is None, reason="the engine's C code was not built: there is no C compiler")
@settings(max_examples=300)
@given(
    st.integers(0, 2**20), st.sampled_from([0.0, 1e-4, 0.7, 1.0, 1.05, 3.0]), st.sampled_from([0.05, 0.8, 0.95, 1.0]),
    st.sampled_from([0, 1, 8, 63, 64, 200]), st.sampled_from([np.nan, np.inf, -np.inf, 0.0]),
)  # fmt: skip
def test_compiled_and_numpy_choose_the_same_bit_for_bit(seed, temperature, top_p, top_k, odd):
    rng = np.random.default_rng(seed)
    size = 64 + seed % 9
    logits = rng.normal(0, rng.choice([0.1, 3, 300]), size).astype(np.float32)
    logits[rng.random(size) < 0.1] = odd
    logits[32:40] = logits[32]  # equal ones share a threshold
    allowed = rng.random(size) < rng.choice([0.02, 0.5, 1.0])
    allowed[int(rng.integers(size))] = True
    logits.setflags(write=bool(seed % 2))
    sampling = Sampling(temperature=temperature, top_p=top_p, top_k=top_k)
    one, two = np.random.default_rng(seed), np.random.default_rng(seed)
    ours = [choose(logits, allowed, sampling, one, 0) for _ in range(20)]
    assert ours == [chosen(logits, allowed, sampling, two.random()) for _ in range(20)]


def test_our_exponential_is_right_to_the_last_bits_and_nothing_far_below():
    values = -np.geomspace(1e-12, 690, 4000)
    np.testing.assert_allclose(exponential(values), np.exp(values), rtol=4e-16)
    assert exponential(np.array([0.0, -np.inf, -1e300])).tolist() == [1.0, 0.0, 0.0]
