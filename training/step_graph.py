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


def quantise(matrix: FloatArray, block: int = BLOCK_SIZE) -> tuple[npt.NDArray[np.uint8], FloatArray]:
    """Quantise [K, N] to 8 bits around 128, one scale per block of K.

    Returns:
        bytes [N, K / block, block] and scales [N * K / block], as MatMulNBits reads them.
    """
    rows, columns = matrix.shape
    blocks = matrix.T.reshape(columns, rows // block, block)
    scales = np.maximum(np.abs(blocks).max(-1) / 127, 1e-12).astype(np.float32)
    values = np.clip(np.rint(blocks / scales[..., None]) + 128, 1, 255).astype(np.uint8)
    return values, scales.reshape(-1)


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

    def constant(self, value: npt.NDArray[np.generic], stem: str = "c") -> str:
        """Store an array; return its name."""
        name = self.name(stem)
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

    def product(self, value: str, matrix: FloatArray, bias: FloatArray | None = None) -> str:
        """Multiply by a matrix [K, N], in 8 bits if asked, and add a bias [N]."""
        if self.bits is None:
            out = self.op("MatMul", value, self.constant(matrix, "w"))
            return out if bias is None else self.op("Add", out, self.constant(bias))
        packed, scales = quantise(matrix)
        inputs = [value, self.constant(packed, "q"), self.constant(scales, "s")]
        if bias is not None:
            inputs += ["", "", self.constant(bias)]
        rows, columns = matrix.shape
        return self.op(
            "MatMulNBits", *inputs, domain=MICROSOFT, K=rows, N=columns, bits=8, block_size=BLOCK_SIZE,
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
        logits = write.product(last, self._matrix("head.weight"))
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

    def _embedding(self) -> FloatArray:
        table = self.weights["emb.weight"].astype(np.float64)
        centred = table - table.mean(1, keepdims=True)
        normal = centred / np.sqrt((centred**2).mean(1, keepdims=True) + NORM_EPS)
        folded = normal * self.weights["blocks.0.ln0.weight"] + self.weights["blocks.0.ln0.bias"]
        return np.asarray(folded, np.float32)

    def _norm(self, x: str, added: str | None, name: str) -> tuple[str, str]:
        """Return (x + added, its layer norm)."""
        write = self.write
        scale, bias = write.constant(self._flat(f"{name}.weight")), write.constant(self._flat(f"{name}.bias"))
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
        low = write.op("Mul", change, write.constant(self._flat(f"{prefix}time_maa_x")))
        low = write.op("Tanh", write.product(write.op("Add", y, low), self.weights[f"{prefix}time_maa_w1"]))
        second = self.weights[f"{prefix}time_maa_w2"]  # [5, 32, D]
        rank = second.shape[1]
        diagonal = np.zeros((len(MIX_ORDER) * rank, len(MIX_ORDER) * self.width), np.float32)
        for index, block in enumerate(second):
            rows, columns = index * rank, index * self.width
            diagonal[rows : rows + rank, columns : columns + self.width] = block
        base = np.concatenate([self._flat(f"{prefix}time_maa_{name}") for name in MIX_ORDER])
        shares = write.reshape(write.product(low, diagonal, base), 0, len(MIX_ORDER), self.width)
        mixed = write.op("Add", y, write.op("Mul", change, shares))  # [B, 5, D]
        return write.split(mixed, len(MIX_ORDER), 1)

    def _attention(self, layer: int, y: str, before: str, state: str) -> tuple[str, str]:
        """Return (what the layer adds, the new state)."""
        write, heads, prefix = self.write, self.heads, f"blocks.{layer}.att."
        change = write.op("Sub", before, y)
        for_decay, for_key, for_value, for_receptance, for_gate = self._mixes(prefix, y, change)
        row, column = (0, heads, 1, HEAD_SIZE), (0, heads, HEAD_SIZE, 1)
        receptance = write.reshape(write.product(for_receptance, self._matrix(f"{prefix}receptance.weight")), *row)
        key = write.reshape(write.product(for_key, self._matrix(f"{prefix}key.weight")), *column)
        value = write.reshape(write.product(for_value, self._matrix(f"{prefix}value.weight")), *row)
        gate = write.product(for_gate, self._matrix(f"{prefix}gate.weight"))
        low = write.op("Tanh", write.product(for_decay, self.weights[f"{prefix}time_decay_w1"]))
        decay = write.product(low, self.weights[f"{prefix}time_decay_w2"], self._flat(f"{prefix}time_decay"))
        # State / exp(exp(decay)): an overflow to infinity forgets all, which is what it means.
        forget = write.reshape(write.op("Exp", write.op("Exp", decay)), *column)
        bonus = write.constant(self.weights[f"{prefix}time_faaaa"].reshape(heads, 1, HEAD_SIZE))
        now = write.op("MatMul", write.op("Mul", receptance, bonus), key)  # [B, H, 1, 1]
        heard = write.op("Add", write.op("MatMul", receptance, state), write.op("Mul", now, value))
        state = write.op("Add", write.op("Div", state, forget), write.op("Mul", key, value))
        ones = write.constant(np.ones(HEAD_SIZE, np.float32))
        normal = write.op("LayerNormalization", heard, ones, axis=-1, epsilon=GROUP_NORM_EPS)
        normal = write.reshape(normal, -1, 1, self.width)
        normal = write.op("Mul", normal, write.constant(self._flat(f"{prefix}ln_x.weight")))
        normal = write.op("Add", normal, write.constant(self._flat(f"{prefix}ln_x.bias")))
        gated = write.op("Mul", normal, write.op("QuickGelu", gate, domain=MICROSOFT, alpha=1.0))  # QuickGelu(1) = silu
        return write.product(gated, self._matrix(f"{prefix}output.weight")), state

    def _feed_forward(self, layer: int, y: str, before: str) -> str:
        write, prefix = self.write, f"blocks.{layer}.ffn."
        change = write.op("Sub", before, y)
        shares = np.stack([self._flat(f"{prefix}time_maa_k"), self._flat(f"{prefix}time_maa_r")])
        mixed = write.op("Add", y, write.op("Mul", change, write.constant(shares)))  # [B, 2, D]
        for_key, for_receptance = write.split(mixed, 2, 1)
        hidden = write.op("Relu", write.product(for_key, self._matrix(f"{prefix}key.weight")))
        out = write.product(write.op("Mul", hidden, hidden), self._matrix(f"{prefix}value.weight"))
        passed = write.op("Sigmoid", write.product(for_receptance, self._matrix(f"{prefix}receptance.weight")))
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
