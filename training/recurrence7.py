"""The WKV-7 recurrence: by its definition and in chunks. Knows nothing about layers, tokens or training.

Each step the state decays, what it holds along `removed` is moved to `added`, and the new key and value come in:
S_t = diag(w_t) S + added_t (removed_t · S) + k_t v_t, with S [key, value] as in WKV-6 (RWKV-LM keeps it transposed).
Shapes: all inputs are [B, H, T, N], the state is [B, H, N key, N value].
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

CHUNK = 16


class Step7(NamedTuple):
    """The inputs of the recurrence, each [B, H, T, N]."""

    receptance: Tensor
    log_decay: Tensor
    key: Tensor
    value: Tensor
    removed: Tensor
    added: Tensor


def wkv7_naive(inputs: Step7, state: Tensor) -> tuple[Tensor, Tensor]:
    """Return (output [B, H, T, N], state), one step after the other: the definition."""
    outputs = []
    for t in range(inputs.key.shape[2]):
        receptance, log_decay, key, value, removed, added = (part[:, :, t] for part in inputs)
        found = (removed.unsqueeze(-1) * state).sum(2)
        state = log_decay.exp().unsqueeze(-1) * state
        state = state + added.unsqueeze(-1) * found.unsqueeze(2) + key.unsqueeze(-1) * value.unsqueeze(2)
        outputs.append((receptance.unsqueeze(-1) * state).sum(2))
    return torch.stack(outputs, 2), state


def _inverse(strict: Tensor) -> Tensor:
    """Return (1 - A)^-1 of strictly lower triangular A [.., 16, 16]; A^16 is zero, so four factors give it exactly."""
    total = torch.eye(CHUNK, device=strict.device, dtype=strict.dtype) + strict
    power = strict
    for _ in range(3):
        power = power @ power
        total = total + total @ power
    return total


def wkv7_chunked(inputs: Step7, state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the same as wkv7_naive, in chunks of 16 steps; T must be a multiple of 16.

    What each step finds along `removed` depends on the steps before it in the chunk: a triangular system, solved
    for all chunks at once. A step's decay is at least exp(-0.607), so a chunk's exponents stay below 10.
    """
    batch, heads, steps, size = inputs.key.shape
    assert steps % CHUNK == 0, f"expected a multiple of {CHUNK} steps, got {steps}"
    shape = (batch, heads, steps // CHUNK, CHUNK, size)
    receptance, log_decay, key, value, removed, added = (part.reshape(shape) for part in inputs)
    until = log_decay.cumsum(-2)
    total = until[..., -1:, :]
    asked = removed * (until - log_decay).exp()
    heard = receptance * until.exp()
    keys, moved = key * (-until).exp(), added * (-until).exp()
    solve = _inverse((asked @ moved.transpose(-1, -2)).tril(-1))
    from_state = solve @ asked  # what is found, as a function of the state at the chunk's start [.., 16, N]
    from_values = solve @ ((asked @ keys.transpose(-1, -2)).tril(-1) @ value)
    rest = (total - until).exp()
    late_moved, late_keys = (added * rest).transpose(-1, -2), (key * rest).transpose(-1, -2)
    change = late_moved @ from_state + torch.diag_embed(total.squeeze(-2).exp())
    gain = late_moved @ from_values + late_keys @ value
    states = []
    for chunk in range(shape[2]):
        states.append(state)
        state = change[:, :, chunk] @ state + gain[:, :, chunk]
    before = torch.stack(states, 2)
    found = from_state @ before + from_values
    output = heard @ before + (heard @ moved.transpose(-1, -2)).tril() @ found
    output = output + (heard @ keys.transpose(-1, -2)).tril() @ value
    return output.reshape(batch, heads, steps, size), state
