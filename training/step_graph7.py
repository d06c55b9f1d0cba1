"""The layers of RWKV-7 (x070) as an ONNX graph with the inputs and outputs of RWKV-6's: the engine plays either.

Knows nothing about music, training or files. Its mixes of now and before do not depend on the data, so they can be
folded into the products that follow: one product of [now, before] makes the first halves of all four small products.
For receptance, key and value the same would read twice the weights, and gains nothing from 4 x 192 to 6 x 256.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from training.graph import GROUP_NORM_EPS, HEAD_SIZE, StepGraph, Writer
from training.quantisation import FloatArray

FASTEST_DECAY = float(np.exp(-0.5))
"""A step's log decay lies between 0 and minus this."""
_LARGE = {"r": "receptance", "k": "key", "v": "value"}


class _Step7(StepGraph):
    name = "rwkv7_step"

    def __init__(self, weights: Mapping[str, FloatArray], write: Writer) -> None:
        super().__init__(weights, write)
        self._first_value = ""
        """The first layer's values, which the others look back at."""

    def _small(self, layer: int) -> list[str]:
        """Return the small products of a layer; the sigmoid ones first. The first layer has no `v`."""
        return ["w", "g", "a", "v"] if layer else ["w", "g", "a"]

    def _inputs(self, layer: int, y: str, before: str) -> tuple[list[str], str]:
        """Return receptance, key and value, and the low-rank halves side by side, before their activations."""
        write, prefix = self.write, f"blocks.{layer}.att."
        # tanh(x) = 2 sigmoid(2x) - 1, so that one sigmoid serves decay and gate.
        low = [(n, self.weights[f"{prefix}{n}1"] * (2 if n == "w" else 1)) for n in self._small(layer)]
        halves = write.product(write.op("Concat", y, before, axis=2), self._folded(prefix, low))
        shares = write.constant(np.stack([self.flat(f"{prefix}x_{name}") for name in _LARGE]))
        mixed = write.op("Add", y, write.op("Mul", write.op("Sub", before, y), shares))
        parts = [
            self.linear(part, f"{prefix}{kind}.weight")
            for part, kind in zip(write.split(mixed, len(_LARGE), 1), _LARGE.values(), strict=True)
        ]
        return parts, halves

    def _folded(self, prefix: str, matrices: Sequence[tuple[str, FloatArray]]) -> FloatArray:
        """Return one matrix for [now, before] that mixes both for each of the given ones and multiplies."""
        columns = []
        for name, matrix in matrices:
            share = self.flat(f"{prefix}x_{name}")[:, None]
            columns.append(np.concatenate([(1 - share) * matrix, share * matrix]))
        return np.concatenate(columns, 1)

    def _second_halves(self, layer: int, halves: str) -> tuple[str, str, str, str]:
        """Return decay, learning rate and value mix before their sigmoids as one, and the gate."""
        write, prefix, width = self.write, f"blocks.{layer}.att.", self.width
        small = self._small(layer)
        second = {name: self.weights[f"{prefix}{name}2"] for name in small}
        second["w"] = 2 * second["w"]
        ranks = [matrix.shape[0] for matrix in second.values()]
        curved, straight = write.cut(halves, 2, sum(ranks[:2]), sum(ranks[2:]))
        low = write.op("Concat", write.op("Sigmoid", curved), straight, axis=2)
        order = [name for name in "wavg" if name in second]
        diagonal = np.zeros((sum(ranks), len(order) * width), np.float32)
        base = np.zeros(len(order) * width, np.float32)
        for row, (name, matrix) in zip(np.cumsum([0, *ranks[:-1]]), second.items(), strict=True):
            column = order.index(name) * width
            diagonal[row : row + matrix.shape[0], column : column + width] = matrix
            if name != "g":
                base[column : column + width] = self.flat(f"{prefix}{name}0")
            if name == "w":
                base[column : column + width] -= matrix.sum(0) / 2
        shares, gate = write.cut(
            write.product(low, diagonal, bias=write.constant(base)), 2, (len(order) - 1) * width, width
        )
        decay, *rest = write.split(write.op("Sigmoid", shares), len(order) - 1, 2)
        return decay, rest[0], rest[1] if layer else "", gate

    def attention(self, layer: int, y: str, before: str, state: str) -> tuple[str, str]:
        """Return (what the layer adds, the new state)."""
        write, heads, prefix = self.write, self.heads, f"blocks.{layer}.att."
        (receptance, key, value), halves = self._inputs(layer, y, before)
        decay, learning, looked_back, gate = self._second_halves(layer, halves)
        row, column = (1, -1, heads, 1, HEAD_SIZE), (1, -1, heads, HEAD_SIZE, 1)  # as the layer's state
        if layer:
            back = write.op("Mul", write.op("Sub", self._first_value, value), looked_back)
            value = write.op("Add", value, back)
        else:
            self._first_value = value
        forget = write.op("Exp", write.op("Mul", decay, write.constant(np.float32([-FASTEST_DECAY]))))
        direction = write.op("Mul", key, self.vector(f"{prefix}k_k"))
        removed = write.op("LpNormalization", write.reshape(direction, *row), axis=-1, p=2)
        weight = self.flat(f"{prefix}k_a")
        grown = write.op("Mul", learning, write.constant(weight))
        key = write.op("Mul", key, write.op("Add", grown, write.constant(1 - weight)))
        receptance, key, learning = (write.reshape(part, *row) for part in (receptance, key, learning))
        value_row = write.reshape(value, *row)
        # state <- forget state - (removed learning) (removed state) + key value, both outer products as one
        moved = write.op("Neg", write.op("Mul", removed, learning))
        columns = write.op("Transpose", write.op("Concat", moved, key, axis=3), perm=[0, 1, 2, 4, 3])
        found = write.op("MatMul", removed, state)
        rows = write.op("Concat", found, value_row, axis=3)
        state = write.op(
            "Add", write.op("Mul", state, write.reshape(forget, *column)), write.op("MatMul", columns, rows)
        )
        heard = write.op("MatMul", receptance, state)
        ones = write.constant(np.ones(HEAD_SIZE, np.float32))
        normal = write.op("LayerNormalization", heard, ones, axis=-1, epsilon=GROUP_NORM_EPS)
        shape = (1, heads, 1, HEAD_SIZE)
        normal = write.op("Mul", normal, write.constant(self.weights[f"{prefix}ln_x.weight"].reshape(shape)))
        normal = write.op("Add", normal, write.constant(self.weights[f"{prefix}ln_x.bias"].reshape(shape)))
        bonus = write.constant(self.weights[f"{prefix}r_k"].reshape(heads, HEAD_SIZE, 1))
        now = write.op("MatMul", write.op("Mul", receptance, key), bonus)  # one a head
        out = write.reshape(write.op("Add", normal, write.op("Mul", now, value_row)), -1, 1, self.width)
        return self.linear(write.op("Mul", out, gate), f"{prefix}output.weight"), state

    def feed_forward(self, layer: int, y: str, before: str) -> str:
        write, prefix = self.write, f"blocks.{layer}.ffn."
        change = write.op("Mul", write.op("Sub", before, y), self.vector(f"{prefix}x_k"))
        hidden = write.op("Relu", self.linear(write.op("Add", y, change), f"{prefix}key.weight"))
        return self.linear(write.op("Mul", hidden, hidden), f"{prefix}value.weight")


def build_step7(weights: Mapping[str, FloatArray], bits: int | None = 8) -> onnx.ModelProto:
    """Return the model of one step from public x070 parameters; `bits` None keeps float32 weights."""
    return _Step7(weights, Writer(bits)).build()
