"""What a recurrence remembers: a value of constant size that can be copied, saved and shared by candidates.

Knows nothing about the models that change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, cast

import numpy as np

from engine.types import FloatArray, Tree

HEAD_CHANNELS = 64


@dataclass(frozen=True, slots=True, eq=False)
class RecurrentState:
    """The memory of one stream; constant size, never changed in place."""

    shift: FloatArray
    """float32 [layers, 2, width]: the previous inputs of attention and of the feed-forward net."""
    wkv: FloatArray
    """float32 [layers, heads, 64, 64]: key index, then value index."""

    @classmethod
    def zero(cls, layers: int, width: int) -> Self:
        """Return the state before the first token."""
        heads = width // HEAD_CHANNELS
        return cls(
            np.zeros((layers, 2, width), np.float32),
            np.zeros((layers, heads, HEAD_CHANNELS, HEAD_CHANNELS), np.float32),
        )

    def snapshot(self) -> Tree:
        """Return the state as a tree of arrays."""
        return {"shift": self.shift, "wkv": self.wkv}

    @classmethod
    def restore(cls, tree: Tree) -> Self:
        """Return the state that a tree holds."""
        return cls(cast(FloatArray, tree["shift"]), cast(FloatArray, tree["wkv"]))


@dataclass(frozen=True, slots=True, eq=False)
class StateBatch:
    """The memories of several streams side by side, so that they step as one."""

    shift: FloatArray
    """float32 [layers, 2, streams, width]"""
    wkv: FloatArray
    """float32 [layers, streams, heads, 64, 64]"""

    @classmethod
    def repeat(cls, state: RecurrentState, streams: int) -> Self:
        """Return the same memory for several streams."""
        return cls(
            np.repeat(state.shift[:, :, np.newaxis], streams, axis=2),
            np.repeat(state.wkv[:, np.newaxis], streams, axis=1),
        )

    def row(self, stream: int) -> RecurrentState:
        """Return one stream's memory, a copy."""
        return RecurrentState(self.shift[:, :, stream].copy(), self.wkv[:, stream].copy())

    def keep(self, streams: Sequence[int]) -> StateBatch:
        """Return the batch of the named streams alone."""
        rows = list(streams)
        return StateBatch(np.ascontiguousarray(self.shift[:, :, rows]), np.ascontiguousarray(self.wkv[:, rows]))
