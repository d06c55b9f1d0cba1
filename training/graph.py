"""Writes ONNX graphs of few, large operators: constants, products with 8-bit or float weights, the model around them.

Knows nothing about networks beyond the interface that the engine reads: token, shift and wkv in, logits and both out.
"""

from __future__ import annotations

from collections.abc import Sequence
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


class Writer:
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

    def node(self, kind: str, inputs: Sequence[str], outputs: int | Sequence[str] = 1, **attributes: Any) -> list[str]:  # noqa: ANN401 - onnx takes any
        """Add a node with so many outputs, or with named ones; return their names."""
        names = [self.name(kind.lower()) for _ in range(outputs)] if isinstance(outputs, int) else list(outputs)
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

    def cut(self, value: str, axis: int, *lengths: int) -> list[str]:
        """Cut a value into parts of given lengths."""
        return self.node("Split", [value, self.constant(np.array(lengths, np.int64))], len(lengths), axis=axis)

    def norm(self, x: str, added: str | None, scale: FloatArray, bias: FloatArray) -> tuple[str, str]:
        """Return (x + added, its layer norm)."""
        weights = self.constant(scale), self.constant(bias)
        if added is None:
            return x, self.op("LayerNormalization", x, *weights, axis=-1, epsilon=NORM_EPS)
        names = [self.name("norm"), "", "", self.name("sum")]
        self.node("SkipLayerNormalization", [x, added, *weights], names, domain=MICROSOFT, epsilon=NORM_EPS)
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


def normal_embedding(table: FloatArray, scale: FloatArray, bias: FloatArray) -> FloatArray:
    """Return the embedding with its layer norm folded in."""
    wide = table.astype(np.float64)
    centred = wide - wide.mean(1, keepdims=True)
    normal = centred / np.sqrt((centred**2).mean(1, keepdims=True) + NORM_EPS)
    return np.asarray(normal * scale + bias, np.float32)
