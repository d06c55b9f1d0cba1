from __future__ import annotations

import json

import numpy as np

from engine.chance import generator, load_generator, round_by_chance, save_generator


def test_a_saved_generator_goes_on_where_it_stood():
    rng = generator(3, 1)
    rng.integers(5, size=3, dtype=np.int32)  # leaves half a draw in the generator's buffer
    tree = json.loads(json.dumps(save_generator(rng)))
    assert load_generator(tree).random(20).tolist() == rng.random(20).tolist()


def test_generators_of_other_numbers_are_other_generators():
    draws = {tuple(generator(*seeds).random(3)) for seeds in ((1,), (2,), (1, 1), (1, 2), (2, 1))}
    assert len(draws) == 5


def test_rounding_by_chance_keeps_the_mean():
    rng = generator(0)
    drawn = [round_by_chance(2.3, rng) for _ in range(4000)]
    assert set(drawn) == {2, 3}
    assert abs(np.mean(drawn) - 2.3) < 0.03
    assert {round_by_chance(2.0, rng) for _ in range(50)} == {2}
