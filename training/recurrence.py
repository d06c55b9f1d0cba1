"""The WKV-6 recurrence: by definition, in chunks, or by flash-linear-attention's kernel where there is one.

Knows nothing about layers, tokens or training.

Shapes: receptance, key, value, log_decay are [B, H, T, N]; bonus is [H, N]; state is [B, H, N key, N value].
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

CHUNK = 16
MAX_DECAY = 2.3
"""Largest pre-activation of the decay. exp(2.3) x 8 = 80 stays under the 88 at which float32 overflows in a chunk;
1.1 % of the prototype's decays went above 1.6 (largest 4.7), which cost 0.1 logit between trainer and runtime."""


def wkv_naive(
    rkv: tuple[Tensor, Tensor, Tensor], log_decay: Tensor, bonus: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Return (output [B, H, T, N], state), one step after the other: the definition."""
    receptance, key, value = rkv
    outputs = []
    for t in range(receptance.shape[2]):
        outer = key[:, :, t, :, None] * value[:, :, t, None, :]
        mixed = state + bonus[None, :, :, None] * outer
        outputs.append((receptance[:, :, t, :, None] * mixed).sum(2))
        state = torch.exp(log_decay[:, :, t, :, None]) * state + outer
    return torch.stack(outputs, 2), state


def wkv_chunked(
    rkv: tuple[Tensor, Tensor, Tensor], log_decay: Tensor, bonus: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the same as wkv_naive, in chunks of 16 steps; T must be a multiple of 16.

    Inside a chunk the decays between two steps are a difference of running sums. Both exponents are taken from the
    middle of the chunk, which halves the range that float32 has to hold.
    """
    batch, heads, steps, size = log_decay.shape
    assert steps % CHUNK == 0, f"expected a multiple of {CHUNK} steps, got {steps}"
    shape = (batch, heads, steps // CHUNK, CHUNK, size)
    receptance, key, value = (part.reshape(shape) for part in rkv)
    log_decay = log_decay.reshape(shape)
    until = log_decay.cumsum(-2)  # decay from the chunk's start to the end of each step
    before = until - log_decay
    total = until[..., -1:, :]
    middle = until[..., CHUNK // 2 - 1 : CHUNK // 2, :].detach()
    queries = receptance * (before - middle).exp()
    keys = key * (middle - until).exp()
    scores = (queries @ keys.transpose(-1, -2)).tril(-1)
    scores = scores + torch.diag_embed((receptance * bonus[None, :, None, None, :] * key).sum(-1))
    added = (key * (total - until).exp()).transpose(-1, -2) @ value  # what each chunk adds to the state
    kept = total.transpose(-1, -2).exp()
    states = []
    for chunk in range(shape[2]):
        states.append(state)
        state = kept[:, :, chunk] * state + added[:, :, chunk]
    output = scores @ value + (receptance * before.exp()) @ torch.stack(states, 2)
    return output.reshape(batch, heads, steps, size), state


@cache
def fused_kernel() -> Any:  # noqa: ANN401 - a function of an optional package
    """Return flash-linear-attention's chunk_rwkv6, or None where the package or CUDA is missing."""
    if not torch.cuda.is_available() or find_spec("fla") is None:
        return None
    return import_module("fla.ops.rwkv6").chunk_rwkv6


def wkv_fused(
    rkv: tuple[Tensor, Tensor, Tensor], log_decay: Tensor, bonus: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the same as wkv_naive from the kernel of flash-linear-attention, whose layout is [B, T, H, N]."""
    receptance, key, value = (part.transpose(1, 2).contiguous() for part in rkv)
    output, state = fused_kernel()(
        receptance, key, value, log_decay.transpose(1, 2).contiguous(), bonus,
        scale=1.0, initial_state=state, output_final_state=True,
    )  # fmt: skip
    return output.transpose(1, 2), state


def wkv(rkv: tuple[Tensor, Tensor, Tensor], log_decay: Tensor, bonus: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the same as wkv_naive by the fastest way there is on this device."""
    fused = log_decay.is_cuda and fused_kernel() is not None
    return wkv_fused(rkv, log_decay, bonus, state) if fused else wkv_chunked(rkv, log_decay, bonus, state)
