"""Writes one step of an RWKV as an ONNX graph of few, large operators: dynamic batch, float weights or few bits.

Knows nothing about music, training, files or what a layer of either generation computes (`step_graph.py`,
`step_graph7.py`); what both share is here: the interface that the engine reads, the embedding, norms, states and head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from training.quantisation import BLOCK_SIZE, FloatArray, quantise

OPSET = 21
MICROSOFT = "com.microsoft"
HEAD_SIZE = 64
NORM_EPS = 1e-5
GROUP_NORM_EPS = 64e-5
ACCURACY_LEVEL = 4
"""Activations of quantised products in int8 as well: 4 in onnxruntime's numbering."""


FEW_BITS = tuple(f".att.{name}.weight" for name in ("receptance", "key", "value", "gate", "output")) + tuple(
    f".ffn.{name}.weight" for name in ("key", "receptance", "value")
)
"""What 4 bits are for; the head and the products of low rank are small, and stay at 8 in either generation."""


class Writer:
    """Collects nodes and initialisers."""

    def __init__(self, bits: int | None) -> None:
        """Write products in so many bits; fewer than 8 only those of `FEW_BITS`."""
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

    def node(self, kind: str, inputs: Sequence[str], outputs: int | Sequence[str] = 1, **attributes: Any) -> list[str]:  # noqa: ANN401 - onnx takes any
        """Add a node with so many outputs, or with named ones; return their names."""
        names = [self.name(kind.lower()) for _ in range(outputs)] if isinstance(outputs, int) else list(outputs)
        domain = str(attributes.pop("domain", ""))
        self.nodes.append(helper.make_node(kind, list(inputs), names, None, None, domain, **attributes))
        return names

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401 - onnx takes any
        """Add a node with one output; return its name."""
        return self.node(kind, inputs, **attributes)[0]

    def product(self, value: str, matrix: FloatArray, name: str = "", bias: str = "") -> str:
        """Multiply by a matrix [K, N], in few bits if asked, and add a constant [N]."""
        name = name or self.name("w")
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

    def cut(self, value: str, axis: int, *lengths: int) -> list[str]:
        """Cut a value into parts of given lengths."""
        return self.node("Split", [value, self.constant(np.array(lengths, np.int64))], len(lengths), axis=axis)

    def norm(self, x: str, added: str | None, scale: str, bias: str) -> tuple[str, str]:
        """Return (x + added, its layer norm)."""
        if added is None:
            return x, self.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=NORM_EPS)
        names = [self.name("norm"), "", "", self.name("sum")]
        self.node("SkipLayerNormalization", [x, added, scale, bias], names, domain=MICROSOFT, epsilon=NORM_EPS)
        return names[3], names[0]

    def model(self, name: str, layers: int, width: int, vocabulary: int) -> onnx.ModelProto:
        """Return the model: `token`, `shift` and `wkv` to `logits`, `shift_out` and `wkv_out`, any batch."""
        shift: list[int | str] = [layers, 2, "batch", width]
        wkv: list[int | str] = [layers, "batch", width // HEAD_SIZE, HEAD_SIZE, HEAD_SIZE]

        def value(name: str, kind: int, shape: list[int | str]) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, kind, shape)

        graph = helper.make_graph(
            self.nodes,
            name,
            [
                value("token", TensorProto.INT64, ["batch"]),
                value("shift", TensorProto.FLOAT, shift),
                value("wkv", TensorProto.FLOAT, wkv),
            ],
            [
                value("logits", TensorProto.FLOAT, ["batch", vocabulary]),
                value("shift_out", TensorProto.FLOAT, shift),
                value("wkv_out", TensorProto.FLOAT, wkv),
            ],
            self.initialisers,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="lofi-radio")


class StepGraph(ABC):
    """One token through all layers. Activations are [B, 1, D]."""

    name: str
    """Of the graph."""

    def __init__(self, weights: Mapping[str, FloatArray], write: Writer) -> None:
        self.weights = weights
        self.write = write
        self.vocabulary, self.width = weights["emb.weight"].shape
        self.layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
        self.heads = self.width // HEAD_SIZE

    def build(self) -> onnx.ModelProto:
        """Return the model."""
        write, layers = self.write, self.layers
        row = write.op("Gather", write.constant(self._embedding(), "embedding"), "token")
        x = write.op("Unsqueeze", row, write.constant(np.array([1], np.int64)))
        flat = write.reshape("shift", 2 * layers, -1, self.width)
        shifts = write.split(write.op("Transpose", flat, perm=[1, 0, 2]), 2 * layers, 1)
        states = write.split("wkv", layers, 0) if layers > 1 else ["wkv"]
        seen, kept = [], []
        added: str | None = None
        for layer in range(layers):
            x, y = self._norm(x, added, f"blocks.{layer}.ln1")
            attended, state = self.attention(layer, y, shifts[2 * layer], states[layer])
            x, z = self._norm(x, attended, f"blocks.{layer}.ln2")
            added = self.feed_forward(layer, z, shifts[2 * layer + 1])
            seen += [y, z]
            kept.append(state)
        _, last = self._norm(x, added, "ln_out")
        logits = self.linear(last, "head.weight")
        write.node("Squeeze", [logits, write.constant(np.array([1], np.int64))], ["logits"])
        joined = write.op("Transpose", write.op("Concat", *seen, axis=1), perm=[1, 0, 2])
        shape = write.constant(np.array([layers, 2, -1, self.width], np.int64))
        write.node("Reshape", [joined, shape], ["shift_out"])
        write.node("Concat", kept, ["wkv_out"], axis=0)
        return write.model(self.name, layers, self.width, self.vocabulary)

    @abstractmethod
    def attention(self, layer: int, y: str, before: str, state: str) -> tuple[str, str]:
        """Return (what the layer adds, the new state)."""

    @abstractmethod
    def feed_forward(self, layer: int, y: str, before: str) -> str:
        """Return what the layer adds."""

    def matrix(self, name: str) -> FloatArray:
        """Return a linear layer's weights as [in, out]."""
        return np.ascontiguousarray(self.weights[name].T)

    def flat(self, name: str) -> FloatArray:
        """Return weights as a vector."""
        return np.ravel(self.weights[name])

    def vector(self, name: str) -> str:
        """Store a vector under its public name."""
        return self.write.constant(self.flat(name), name)

    def linear(self, value: str, name: str) -> str:
        """Multiply by a linear layer's weights, under their public name."""
        return self.write.product(value, self.matrix(name), name)

    def _norm(self, x: str, added: str | None, name: str) -> tuple[str, str]:
        return self.write.norm(x, added, self.vector(f"{name}.weight"), self.vector(f"{name}.bias"))

    def _embedding(self) -> FloatArray:
        """Return the embedding with its layer norm folded in."""
        table = self.weights["emb.weight"].astype(np.float64)
        centred = table - table.mean(1, keepdims=True)
        normal = centred / np.sqrt((centred**2).mean(1, keepdims=True) + NORM_EPS)
        scale, bias = self.flat("blocks.0.ln0.weight"), self.flat("blocks.0.ln0.bias")
        return np.asarray(normal * scale + bias, np.float32)
