"""The layers of RWKV-6 (x060) as an ONNX graph.

Knows nothing about music, training or files. At this size a step is bound by the number of operators, not by
arithmetic, so everything that can be folded is folded: ln0 into the embedding, residual sums into the layer norms that
follow, the five mixes into one block-diagonal product, minus signs into a division.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

from training.graph import GROUP_NORM_EPS, HEAD_SIZE, MICROSOFT, StepGraph, Writer
from training.quantisation import FloatArray

MIX_ORDER = "wkvrg"


class _Step6(StepGraph):
    name = "rwkv6_step"

    def _low_rank(self, value: str, name: str, bias: str = "") -> str:
        """Multiply by a matrix that is stored as [in, out]."""
        return self.write.product(value, self.weights[name], name, bias)

    def _mixes(self, prefix: str, y: str, change: str) -> list[str]:
        """Return the five data-dependent mixes of now and before, in the order w k v r g."""
        write = self.write
        low = write.op("Mul", change, self.vector(f"{prefix}time_maa_x"))
        low = write.op("Tanh", self._low_rank(write.op("Add", y, low), f"{prefix}time_maa_w1"))
        second = self.weights[f"{prefix}time_maa_w2"]  # [5, 32, D]
        rank = second.shape[1]
        diagonal = np.zeros((len(MIX_ORDER) * rank, len(MIX_ORDER) * self.width), np.float32)
        for index, block in enumerate(second):
            rows, columns = index * rank, index * self.width
            diagonal[rows : rows + rank, columns : columns + self.width] = block
        bases = np.concatenate([self.flat(f"{prefix}time_maa_{name}") for name in MIX_ORDER])
        base = write.constant(bases, f"{prefix}time_maa")
        shared = write.product(low, diagonal, f"{prefix}time_maa_w2", base)
        shares = write.reshape(shared, 0, len(MIX_ORDER), self.width)
        mixed = write.op("Add", y, write.op("Mul", change, shares))  # [B, 5, D]
        return write.split(mixed, len(MIX_ORDER), 1)

    def attention(self, layer: int, y: str, before: str, state: str) -> tuple[str, str]:
        """Return (what the layer adds, the new state)."""
        write, heads, prefix = self.write, self.heads, f"blocks.{layer}.att."
        change = write.op("Sub", before, y)
        for_decay, for_key, for_value, for_receptance, for_gate = self._mixes(prefix, y, change)
        row, column = (0, heads, 1, HEAD_SIZE), (0, heads, HEAD_SIZE, 1)
        receptance = write.reshape(self.linear(for_receptance, f"{prefix}receptance.weight"), *row)
        key = write.reshape(self.linear(for_key, f"{prefix}key.weight"), *column)
        value = write.reshape(self.linear(for_value, f"{prefix}value.weight"), *row)
        gate = self.linear(for_gate, f"{prefix}gate.weight")
        low = write.op("Tanh", self._low_rank(for_decay, f"{prefix}time_decay_w1"))
        decay = self._low_rank(low, f"{prefix}time_decay_w2", self.vector(f"{prefix}time_decay"))
        # State / exp(exp(decay)): an overflow to infinity forgets all, which is what it means.
        forget = write.reshape(write.op("Exp", write.op("Exp", decay)), *column)
        bonus = write.constant(self.weights[f"{prefix}time_faaaa"].reshape(heads, 1, HEAD_SIZE), f"{prefix}time_faaaa")
        now = write.op("MatMul", write.op("Mul", receptance, bonus), key)  # [B, H, 1, 1]
        heard = write.op("Add", write.op("MatMul", receptance, state), write.op("Mul", now, value))
        state = write.op("Add", write.op("Div", state, forget), write.op("Mul", key, value))
        ones = write.constant(np.ones(HEAD_SIZE, np.float32))
        normal = write.op("LayerNormalization", heard, ones, axis=-1, epsilon=GROUP_NORM_EPS)
        normal = write.reshape(normal, -1, 1, self.width)
        normal = write.op("Mul", normal, self.vector(f"{prefix}ln_x.weight"))
        normal = write.op("Add", normal, self.vector(f"{prefix}ln_x.bias"))
        gated = write.op("Mul", normal, write.op("QuickGelu", gate, domain=MICROSOFT, alpha=1.0))  # QuickGelu(1) = silu
        return self.linear(gated, f"{prefix}output.weight"), state

    def feed_forward(self, layer: int, y: str, before: str) -> str:
        write, prefix = self.write, f"blocks.{layer}.ffn."
        change = write.op("Sub", before, y)
        shares = np.stack([self.flat(f"{prefix}time_maa_k"), self.flat(f"{prefix}time_maa_r")])
        mixed = write.op("Add", y, write.op("Mul", change, write.constant(shares, f"{prefix}time_maa")))
        for_key, for_receptance = write.split(mixed, 2, 1)
        hidden = write.op("Relu", self.linear(for_key, f"{prefix}key.weight"))
        out = self.linear(write.op("Mul", hidden, hidden), f"{prefix}value.weight")
        passed = write.op("Sigmoid", self.linear(for_receptance, f"{prefix}receptance.weight"))
        return write.op("Mul", passed, out)


def build_step(weights: Mapping[str, FloatArray], bits: int | None = 8) -> onnx.ModelProto:
    """Return the model of one step from public x060 parameters; `bits` None keeps float32 weights."""
    return _Step6(weights, Writer(bits)).build()
