"""What decides the shapes of a network, of either generation. Knows nothing about its equations or about training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.errors import CheckpointError

HEAD_SIZE = 64
GROUP_NORM_EPS = 64e-5
ARCHITECTURES = ("x060", "x070")
"""RWKV-6 and RWKV-7 by their public version numbers."""

State = tuple[Tensor, Tensor]
"""shift [L, 2, B, D] (0 = attention, 1 = feed-forward) and wkv [L, B, H, 64 key, 64 value]."""


@dataclass(frozen=True, slots=True)
class Size:
    """What decides the shapes of a network."""

    layers: int
    width: int
    vocabulary: int
    architecture: str = "x060"

    @property
    def heads(self) -> int:
        """Return the number of heads of 64 channels."""
        return self.width // HEAD_SIZE

    @property
    def hidden(self) -> int:
        """Return the width of the feed-forward layer: 4 widths in RWKV-7; 3.5 in RWKV-6, rounded down to 32."""
        return self.width * 4 if self.architecture == "x070" else int(self.width * 3.5) // 32 * 32


def size_of(weights: dict[str, Tensor]) -> Size:
    """Read the size of a network off its parameters.

    Raises:
        CheckpointError: they are of neither generation.
    """
    if "blocks.0.att.time_maa_x" in weights:
        architecture = "x060"
    elif "blocks.0.att.r_k" in weights:
        architecture = "x070"
    else:
        raise CheckpointError("the weights have neither RWKV-6 nor RWKV-7 names. Use a .pth of x060 or x070.")
    vocabulary, width = weights["emb.weight"].shape
    layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
    return Size(layers, width, vocabulary, architecture)


def previous(now: Tensor, last: Tensor) -> Tensor:
    """Return the sequence one step late: now is [B, T, D], last [B, D]."""
    return torch.cat([last.unsqueeze(1).to(now.dtype), now[:, :-1]], 1)


def float_norm(norm: nn.GroupNorm, value: Tensor) -> Tensor:
    """Normalise in float32 whatever the parameters are stored in: DeepSpeed keeps all of them in bfloat16."""
    return functional.group_norm(value, norm.num_groups, norm.weight.float(), norm.bias.float(), norm.eps)
