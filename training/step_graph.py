"""Writes one RWKV-6 step as an ONNX graph: few, large operators, dynamic batch, 8-bit or float weights.

Knows nothing about music, training or files. At this size a step is bound by the number of operators, not by
arithmetic, so everything that can be folded is folded: ln0 into the embedding, residual sums into the layer norms that
follow, the five mixes into one block-diagonal product, minus signs into a division.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

FloatArray = npt.NDArray[np.float32]

OPSET = 21
MICROSOFT = "com.microsoft"
HEAD_SIZE = 64
NORM_EPS = 1e-5
GROUP_NORM_EPS = 64e-5
BLOCK_SIZE = 32
"""Weights that share a scale in 8-bit products."""
ACCURACY_LEVEL = 4
"""Activations of 8-bit products in int8 as well: 4 in onnxruntime's numbering."""
MIX_ORDER = "wkvrg"
FEW_BITS = tuple(f".att.{name}.weight" for name in ("receptance", "key", "value", "gate", "output")) + tuple(
    f".ffn.{name}.weight" for name in ("key", "receptance", "value")
)
"""What 4 bits are for; the head and the products of low rank are small, and stay at 8."""
_REACHES = (8.4, 8.0, 7.6, 7.2, 6.8, 6.4, 6.0, 5.6)
"""How many steps the largest weight of a block may be from zero; its sign decides which side has eight."""


def quantise(matrix: FloatArray, bits: int = 8) -> tuple[npt.NDArray[np.uint8], FloatArray]:
    """Quantise [K, N] to 8 bits around 128 or to 4 around 8, one scale per block of K.

    Returns:
        values [N, K / block, block] bytes, or half as many with the even inputs in the low half, and scales
        [N * K / block], as MatMulNBits reads them.
    """
    rows, columns = matrix.shape
    blocks = matrix.T.reshape(columns, rows // BLOCK_SIZE, BLOCK_SIZE)
    if bits == 8:
        scales = np.maximum(np.abs(blocks).max(-1) / 127, 1e-12).astype(np.float32)
        values = np.clip(np.rint(blocks / scales[..., None]) + 128, 1, 255).astype(np.uint8)
        return values, scales.reshape(-1)
    scales = _best_scales(blocks)
    values = np.clip(np.rint(blocks / scales[..., None]) + 8, 0, 15).astype(np.uint8)
    return values[..., 0::2] | values[..., 1::2] << 4, scales.reshape(-1)


def _best_scales(blocks: FloatArray) -> FloatArray:
    """Return for each block the 4-bit scale of least squared error; sixteen steps reach one further below zero."""
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)[..., 0]
    best, least = np.full(largest.shape, 1e-12, np.float32), np.full(largest.shape, np.inf, np.float32)
    for reach in _REACHES:
        scales = np.where(np.abs(largest) < 1e-11, np.float32(1e-12), -largest / np.float32(reach))
        steps = np.clip(np.rint(blocks / scales[..., None]), -8, 7)
        error = np.square(steps * scales[..., None] - blocks).sum(-1)
        better = error < least
        best[better], least[better] = scales[better], error[better]
    return best


class _Writer:
    """Collects nodes and initialisers."""

    def __init__(self, bits: int | None) -> None:
        self.bits = bits
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: list[onnx.TensorProto] = []
        self._names = 0

    def name(self, stem: str) -> str:
        """Return a fresh name."""
        self._names += 1
        return f"{stem}_{self._names}"

    def constant(self, value: npt.NDArray[np.generic], name: str = "") -> str:
        """Store an array under a name of its own, or under any; return the name."""
        name = name or self.name("c")
        self.initialisers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> list[str]:  # noqa: ANN401 - onnx takes any
        """Add a node; return the names of its outputs."""
        names = [self.name(kind.lower()) for _ in range(outputs)]
        domain = str(attributes.pop("domain", ""))
        self.nodes.append(helper.make_node(kind, list(inputs), names, None, None, domain, **attributes))
        return names

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401 - onnx takes any
        """Add a node with one output; return its name."""
        return self.node(kind, inputs, **attributes)[0]

    def product(self, value: str, matrix: FloatArray, name: str, bias: str = "") -> str:
        """Multiply by a matrix [K, N], in few bits if asked, and add a constant [N]."""
        if self.bits is None:
            out = self.op("MatMul", value, self.constant(matrix, name))
            return self.op("Add", out, bias) if bias else out
        bits = self.bits if name.endswith(FEW_BITS) else 8
        packed, scales = quantise(matrix, bits)
        inputs = [value, self.constant(packed, f"{name}:values"), self.constant(scales, f"{name}:scales")]
        inputs += ["", "", bias] if bias else []
        rows, columns = matrix.shape
        return self.op(
            "MatMulNBits", *inputs, domain=MICROSOFT, K=rows, N=columns, bits=bits, block_size=BLOCK_SIZE,
            accuracy_level=ACCURACY_LEVEL,
        )  # fmt: skip

    def reshape(self, value: str, *shape: int) -> str:
        """Give a value another shape; 0 keeps an axis."""
        return self.op("Reshape", value, self.constant(np.array(shape, np.int64)))

    def split(self, value: str, parts: int, axis: int) -> list[str]:
        """Cut a value into equal parts."""
        return self.node("Split", [value], parts, axis=axis, num_outputs=parts)


class _Step:
    """One token through all layers. Activations are [B, 1, D]."""

    def __init__(self, weights: Mapping[str, FloatArray], bits: int | None) -> None:
        self.weights = weights
        self.write = _Writer(bits)
        self.width = weights["emb.weight"].shape[1]
        self.vocabulary = weights["emb.weight"].shape[0]
        self.layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
        self.heads = self.width // HEAD_SIZE

    def build(self) -> onnx.ModelProto:
        """Return the model."""
        write, layers = self.write, self.layers
        table = write.constant(self._embedding(), "embedding")
        x = write.op("Unsqueeze", write.op("Gather", table, "token"), write.constant(np.array([1], np.int64)))
        flat = write.reshape("shift", 2 * layers, -1, self.width)
        shifts = write.split(write.op("Transpose", flat, perm=[1, 0, 2]), 2 * layers, 1)
        states = write.split("wkv", layers, 0) if layers > 1 else ["wkv"]
        seen, kept = [], []
        added: str | None = None
        for layer in range(layers):
            x, y = self._norm(x, added, f"blocks.{layer}.ln1")
            attended, state = self._attention(layer, y, shifts[2 * layer], states[layer])
            x, z = self._norm(x, attended, f"blocks.{layer}.ln2")
            added = self._feed_forward(layer, z, shifts[2 * layer + 1])
            seen += [y, z]
            kept.append(state)
        _, last = self._norm(x, added, "ln_out")
        logits = self._linear(last, "head.weight")
        write.nodes.append(helper.make_node("Squeeze", [logits, write.constant(np.array([1], np.int64))], ["logits"]))
        joined = write.op("Transpose", write.op("Concat", *seen, axis=1), perm=[1, 0, 2])
        shape = write.constant(np.array([layers, 2, -1, self.width], np.int64))
        write.nodes.append(helper.make_node("Reshape", [joined, shape], ["shift_out"]))
        write.nodes.append(helper.make_node("Concat", kept, ["wkv_out"], axis=0))
        return self._model()

    def _matrix(self, name: str) -> FloatArray:
        """Return a linear layer's weights as [in, out]."""
        return np.ascontiguousarray(self.weights[name].T)

    def _flat(self, name: str) -> FloatArray:
        return np.ravel(self.weights[name])

    def _constant(self, name: str) -> str:
        """Store a vector under its public name."""
        return self.write.constant(self._flat(name), name)

    def _linear(self, value: str, name: str) -> str:
        return self.write.product(value, self._matrix(name), name)

    def _low_rank(self, value: str, name: str, bias: str = "") -> str:
        """Multiply by a matrix that is stored as [in, out]."""
        return self.write.product(value, self.weights[name], name, bias)

    def _embedding(self) -> FloatArray:
        table = self.weights["emb.weight"].astype(np.float64)
        centred = table - table.mean(1, keepdims=True)
        normal = centred / np.sqrt((centred**2).mean(1, keepdims=True) + NORM_EPS)
        folded = normal * self.weights["blocks.0.ln0.weight"] + self.weights["blocks.0.ln0.bias"]
        return np.asarray(folded, np.float32)

    def _norm(self, x: str, added: str | None, name: str) -> tuple[str, str]:
        """Return (x + added, its layer norm)."""
        write = self.write
        scale, bias = self._constant(f"{name}.weight"), self._constant(f"{name}.bias")
        if added is None:
            return x, write.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=NORM_EPS)
        normal, total = write.name("norm"), write.name("sum")
        write.nodes.append(
            helper.make_node(
                "SkipLayerNormalization", [x, added, scale, bias], [normal, "", "", total],
                domain=MICROSOFT, epsilon=NORM_EPS,
            )
        )  # fmt: skip
        return total, normal

    def _mixes(self, prefix: str, y: str, change: str) -> list[str]:
        """Return the five data-dependent mixes of now and before, in the order w k v r g."""
        write = self.write
        low = write.op("Mul", change, self._constant(f"{prefix}time_maa_x"))
        low = write.op("Tanh", self._low_rank(write.op("Add", y, low), f"{prefix}time_maa_w1"))
        second = self.weights[f"{prefix}time_maa_w2"]  # [5, 32, D]
        rank = second.shape[1]
        diagonal = np.zeros((len(MIX_ORDER) * rank, len(MIX_ORDER) * self.width), np.float32)
        for index, block in enumerate(second):
            rows, columns = index * rank, index * self.width
            diagonal[rows : rows + rank, columns : columns + self.width] = block
        bases = np.concatenate([self._flat(f"{prefix}time_maa_{name}") for name in MIX_ORDER])
        base = write.constant(bases, f"{prefix}time_maa")
        shared = write.product(low, diagonal, f"{prefix}time_maa_w2", base)
        shares = write.reshape(shared, 0, len(MIX_ORDER), self.width)
        mixed = write.op("Add", y, write.op("Mul", change, shares))  # [B, 5, D]
        return write.split(mixed, len(MIX_ORDER), 1)

    def _attention(self, layer: int, y: str, before: str, state: str) -> tuple[str, str]:
        """Return (what the layer adds, the new state)."""
        write, heads, prefix = self.write, self.heads, f"blocks.{layer}.att."
        change = write.op("Sub", before, y)
        for_decay, for_key, for_value, for_receptance, for_gate = self._mixes(prefix, y, change)
        row, column = (0, heads, 1, HEAD_SIZE), (0, heads, HEAD_SIZE, 1)
        receptance = write.reshape(self._linear(for_receptance, f"{prefix}receptance.weight"), *row)
        key = write.reshape(self._linear(for_key, f"{prefix}key.weight"), *column)
        value = write.reshape(self._linear(for_value, f"{prefix}value.weight"), *row)
        gate = self._linear(for_gate, f"{prefix}gate.weight")
        low = write.op("Tanh", self._low_rank(for_decay, f"{prefix}time_decay_w1"))
        decay = self._low_rank(low, f"{prefix}time_decay_w2", self._constant(f"{prefix}time_decay"))
        # State / exp(exp(decay)): an overflow to infinity forgets all, which is what it means.
        forget = write.reshape(write.op("Exp", write.op("Exp", decay)), *column)
        bonus = write.constant(self.weights[f"{prefix}time_faaaa"].reshape(heads, 1, HEAD_SIZE), f"{prefix}time_faaaa")
        now = write.op("MatMul", write.op("Mul", receptance, bonus), key)  # [B, H, 1, 1]
        heard = write.op("Add", write.op("MatMul", receptance, state), write.op("Mul", now, value))
        state = write.op("Add", write.op("Div", state, forget), write.op("Mul", key, value))
        ones = write.constant(np.ones(HEAD_SIZE, np.float32))
        normal = write.op("LayerNormalization", heard, ones, axis=-1, epsilon=GROUP_NORM_EPS)
        normal = write.reshape(normal, -1, 1, self.width)
        normal = write.op("Mul", normal, self._constant(f"{prefix}ln_x.weight"))
        normal = write.op("Add", normal, self._constant(f"{prefix}ln_x.bias"))
        gated = write.op("Mul", normal, write.op("QuickGelu", gate, domain=MICROSOFT, alpha=1.0))  # QuickGelu(1) = silu
        return self._linear(gated, f"{prefix}output.weight"), state

    def _feed_forward(self, layer: int, y: str, before: str) -> str:
        write, prefix = self.write, f"blocks.{layer}.ffn."
        change = write.op("Sub", before, y)
        shares = np.stack([self._flat(f"{prefix}time_maa_k"), self._flat(f"{prefix}time_maa_r")])
        mixed = write.op("Add", y, write.op("Mul", change, write.constant(shares, f"{prefix}time_maa")))
        for_key, for_receptance = write.split(mixed, 2, 1)
        hidden = write.op("Relu", self._linear(for_key, f"{prefix}key.weight"))
        out = self._linear(write.op("Mul", hidden, hidden), f"{prefix}value.weight")
        passed = write.op("Sigmoid", self._linear(for_receptance, f"{prefix}receptance.weight"))
        return write.op("Mul", passed, out)

    def _model(self) -> onnx.ModelProto:
        layers, width, heads = self.layers, self.width, self.heads
        shift: list[int | str] = [layers, 2, "batch", width]
        wkv: list[int | str] = [layers, "batch", heads, HEAD_SIZE, HEAD_SIZE]

        def value(name: str, kind: int, shape: list[int | str]) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, kind, shape)

        graph = helper.make_graph(
            self.write.nodes,
            "rwkv6_step",
            [
                value("token", TensorProto.INT64, ["batch"]),
                value("shift", TensorProto.FLOAT, shift),
                value("wkv", TensorProto.FLOAT, wkv),
            ],
            [
                value("logits", TensorProto.FLOAT, ["batch", self.vocabulary]),
                value("shift_out", TensorProto.FLOAT, shift),
                value("wkv_out", TensorProto.FLOAT, wkv),
            ],
            self.write.initialisers,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="lofi-radio")


def build_step(weights: Mapping[str, FloatArray], bits: int | None = 8) -> onnx.ModelProto:
    """Return the model of one step from public x060 parameters; `bits` None keeps float32 weights."""
    return _Step(weights, bits).build()
