"""Seeded random generators whose state is a tree. Knows nothing about music or time."""

from __future__ import annotations

from typing import cast

import numpy as np

from engine.types import Tree


def generator(*seeds: int) -> np.random.Generator:
    """Return a generator that depends on the given numbers alone."""
    return np.random.default_rng(seeds)


def save_generator(rng: np.random.Generator) -> Tree:
    """Return the generator's state as a tree of JSON values."""
    state = cast(Tree, rng.bit_generator.state)
    inner = cast(dict[str, int], state["state"])
    # 128-bit integers travel as text: JSON readers outside Python round them
    return {
        "state": str(inner["state"]),
        "inc": str(inner["inc"]),
        "has_uint32": state["has_uint32"],
        "uinteger": state["uinteger"],
    }


def load_generator(tree: Tree) -> np.random.Generator:
    """Return a generator that goes on where the saved one stood."""
    bits = np.random.PCG64()
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": int(cast(str, tree["state"])), "inc": int(cast(str, tree["inc"]))},
        "has_uint32": cast(int, tree["has_uint32"]),
        "uinteger": cast(int, tree["uinteger"]),
    }
    return np.random.Generator(bits)


def round_by_chance(value: float, rng: np.random.Generator) -> int:
    """Round up or down so that the mean is the value: 2.4 is 2 in six cases of ten."""
    whole = int(np.floor(value))
    return whole + int(rng.random() < value - whole)
