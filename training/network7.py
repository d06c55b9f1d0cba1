"""The RWKV-7 (x070) layers in plain torch, with the public parameter names. Knows nothing about music or training.

They keep the state of RWKV-6's shape, so both generations train and compare behind one interface. Source of equations
and initial values: RWKV-LM, RWKV-v7/train_temp (Apache-2.0), written anew.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.recurrence7 import Step7, wkv7_chunked, wkv7_naive
from training.size import GROUP_NORM_EPS, HEAD_SIZE, Size, float_norm, previous

RANKS = {"w": 2.5, "a": 2.5, "v": 1.7, "g": 5.0}
"""Ranks of the small matrices over the root of the width, rounded to 32."""
MIX_POWERS = {"r": 0.2, "w": 0.9, "k": 0.7, "v": 0.7, "a": 0.9, "g": 0.2}
FASTEST_DECAY = math.exp(-0.5)
"""A step's log decay lies between 0 and minus this."""


def _rank(name: str, width: int) -> int:
    return max(32, round(RANKS[name] * math.sqrt(width) / 32) * 32)


def _small_orthogonal(rows: int, columns: int) -> Tensor:
    gain = math.sqrt(rows / columns) if rows > columns else 1.0
    return nn.init.orthogonal_(torch.empty(rows, columns), 0.1 * gain)


class Attention7(nn.Module):
    """Time mixing of one layer."""

    def __init__(self, size: Size, layer: int) -> None:
        super().__init__()
        width = size.width
        self.heads, self.first = size.heads, layer == 0
        depth = layer / max(size.layers - 1, 1)
        rest = 1 - layer / size.layers
        channel = torch.arange(width) / width
        step = torch.arange(width) / (width - 1)
        zigzag = ((torch.arange(width) % HEAD_SIZE) - (HEAD_SIZE - 1) / 2) / ((HEAD_SIZE - 1) / 2)
        zigzag = zigzag * zigzag.abs()
        for name, power in MIX_POWERS.items():
            setattr(self, f"x_{name}", nn.Parameter((1 - channel ** (power * rest)).view(1, 1, -1)))
        bases = {
            "w": -6 + 6 * step ** (1 + depth**0.3) + 0.5 + 2.5 * zigzag,
            "a": -0.19 + 0.3 * zigzag + 0.4 * (step - 0.5),
            "v": 0.73 - 0.4 * (step - 0.5),
        }
        if self.first:  # the first layer's values are the ones the others look back at
            del bases["v"]
        for name, base in bases.items():
            setattr(self, f"{name}0", nn.Parameter(base.view(1, 1, -1)))
        for name in (*bases, "g"):
            rank = _rank(name, width)
            setattr(self, f"{name}1", nn.Parameter(torch.zeros(width, rank)))
            setattr(self, f"{name}2", nn.Parameter(_small_orthogonal(rank, width)))
        self.k_k = nn.Parameter((0.71 - 0.1 * (step - 0.5)).view(1, 1, -1))
        self.k_a = nn.Parameter(torch.full((1, 1, width), 1.02))
        self.r_k = nn.Parameter(torch.full((size.heads, HEAD_SIZE), -0.04))
        self.receptance, self.key, self.value, self.output = (nn.Linear(width, width, bias=False) for _ in range(4))
        for linear, scale in ((self.receptance, 0.5), (self.key, 0.05), (self.value, 0.5)):
            nn.init.uniform_(linear.weight, -scale / math.sqrt(width), scale / math.sqrt(width))
        nn.init.zeros_(self.output.weight)
        self.ln_x = nn.GroupNorm(size.heads, width, eps=GROUP_NORM_EPS)

    def _low(self, name: str, value: Tensor) -> Tensor:
        """Return a data-dependent base: its constant plus a product of low rank."""
        base, down, up = (getattr(self, f"{name}{place}") for place in range(3))
        low: Tensor = base + (value @ down) @ up
        return low

    def _decay(self, value: Tensor) -> Tensor:
        base, down, up = (getattr(self, f"w{place}") for place in range(3))
        decay: Tensor = base + torch.tanh(value @ down) @ up
        return decay

    def _gate(self, value: Tensor) -> Tensor:
        down, up = self.get_parameter("g1"), self.get_parameter("g2")
        return torch.sigmoid(value @ down) @ up

    def forward(
        self, now: Tensor, last: Tensor, state: Tensor, early: Tensor | None, naive: bool
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return (what the layer adds [B, T, D], state, the first layer's values)."""
        batch, steps, width = now.shape
        shifted = previous(now, last) - now
        mixed = {name: now + shifted * getattr(self, f"x_{name}") for name in MIX_POWERS}
        receptance, key, value = self.receptance(mixed["r"]), self.key(mixed["k"]), self.value(mixed["v"])
        decay = self._decay(mixed["w"])
        if self.first or early is None:
            early = value
        else:
            value = value + (early - value) * torch.sigmoid(self._low("v", mixed["v"]))
        learning = torch.sigmoid(self._low("a", mixed["a"]))
        gate = self._gate(mixed["g"])

        def heads(flat: Tensor) -> Tensor:
            return flat.view(batch, steps, self.heads, HEAD_SIZE).transpose(1, 2).float()

        with torch.autocast(now.device.type, enabled=False):
            removed = functional.normalize(heads(key * self.k_k), dim=-1)
            keys = heads(key * (1 + (learning - 1) * self.k_a))
            log_decay = -FASTEST_DECAY * torch.sigmoid(heads(decay))
            inputs = Step7(heads(receptance), log_decay, keys, heads(value), -removed, removed * heads(learning))
            out, state = (wkv7_naive if naive else wkv7_chunked)(inputs, state)
            weight = self.r_k.view(1, self.heads, 1, HEAD_SIZE).float()
            bonus = (inputs.receptance * keys * weight).sum(-1, keepdim=True)
            normal = float_norm(self.ln_x, out.transpose(1, 2).reshape(batch * steps, width)).view(batch, steps, width)
            out = normal + (bonus * inputs.value).transpose(1, 2).reshape(batch, steps, width)
        return self.output(out.to(now.dtype) * gate), state, early


class FeedForward7(nn.Module):
    """Channel mixing of one layer."""

    def __init__(self, size: Size, layer: int) -> None:
        super().__init__()
        channel = torch.arange(size.width) / size.width
        self.x_k = nn.Parameter((1 - channel ** ((1 - layer / size.layers) ** 4)).view(1, 1, -1))
        self.key = nn.Linear(size.width, size.hidden, bias=False)
        self.value = nn.Linear(size.hidden, size.width, bias=False)
        bound = 0.5 / math.sqrt(size.width)
        nn.init.uniform_(self.key.weight, -bound, bound)
        nn.init.zeros_(self.value.weight)

    def forward(self, now: Tensor, last: Tensor) -> Tensor:
        """Return what the layer adds [B, T, D]."""
        added: Tensor = self.value(torch.relu(self.key(now + (previous(now, last) - now) * self.x_k)) ** 2)
        return added
