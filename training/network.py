"""The RWKV-6 (x060) layers in plain torch, and the network of RWKV-6 or RWKV-7 layers, with the public parameter names.

Knows nothing about music or training. The state is the one of the runtime: shift [L, 2, B, D] (0 = attention,
1 = feed-forward: the value of the layer's normalised input one token ago) and wkv [L, B, H, 64 key, 64 value].
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from training.network7 import Attention7, FeedForward7
from training.recurrence import MAX_DECAY, wkv, wkv_naive
from training.size import GROUP_NORM_EPS, HEAD_SIZE, Size, State, float_norm, previous, size_of

MIX_RANK = 32
DECAY_RANK = 64
MIXES = "wkvrg"


class Attention(nn.Module):
    """Time mixing of one layer."""

    def __init__(self, size: Size, layer: int) -> None:
        super().__init__()
        width = size.width
        self.heads = size.heads
        depth = layer / max(size.layers - 1, 1)
        rest = 1 - layer / size.layers
        channel = torch.arange(width) / width
        step = torch.arange(width) / (width - 1)
        early = {"w": rest, "k": rest, "v": rest, "r": 0.5 * rest, "g": 0.5 * rest}
        self.time_maa_x = nn.Parameter((1 - channel**rest).view(1, 1, -1))
        for name in MIXES:
            mix = 1 - channel ** early[name] - (0.3 * depth if name == "v" else 0.0)
            setattr(self, f"time_maa_{name}", nn.Parameter(mix.view(1, 1, -1)))
        self.time_maa_w1 = nn.Parameter(torch.zeros(width, MIX_RANK * len(MIXES)))
        self.time_maa_w2 = nn.Parameter(torch.empty(len(MIXES), MIX_RANK, width).uniform_(-0.01, 0.01))
        self.time_decay = nn.Parameter((-6 + 5 * step ** (0.7 + 1.3 * depth)).view(1, 1, -1))
        self.time_decay_w1 = nn.Parameter(torch.zeros(width, DECAY_RANK))
        self.time_decay_w2 = nn.Parameter(torch.empty(DECAY_RANK, width).uniform_(-0.01, 0.01))
        zigzag = ((torch.arange(width) + 1) % 3 - 1) * 0.1
        self.time_faaaa = nn.Parameter((depth * (1 - step) + zigzag).view(size.heads, HEAD_SIZE))
        self.receptance, self.key, self.value, self.gate, self.output = (
            nn.Linear(width, width, bias=False) for _ in range(5)
        )
        for linear, gain in ((self.receptance, 1.0), (self.value, 1.0), (self.key, 0.1), (self.gate, 0.1)):
            nn.init.orthogonal_(linear.weight, gain)
        nn.init.zeros_(self.output.weight)
        self.ln_x = nn.GroupNorm(size.heads, width, eps=GROUP_NORM_EPS)
        nn.init.constant_(self.ln_x.weight, ((1 + layer) / size.layers) ** 0.7)

    def forward(
        self, now: Tensor, last: Tensor, state: Tensor, early: Tensor | None, naive: bool
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return (what the layer adds [B, T, D], state, what RWKV-7 would keep of its first layer's values)."""
        batch, steps, width = now.shape
        shifted = previous(now, last) - now
        low = torch.tanh((now + shifted * self.time_maa_x) @ self.time_maa_w1)
        low = low.view(batch * steps, len(MIXES), MIX_RANK).transpose(0, 1)
        mixes = torch.bmm(low, self.time_maa_w2).view(len(MIXES), batch, steps, width)
        base = torch.stack([getattr(self, f"time_maa_{name}").view(-1) for name in MIXES])
        for_decay, for_key, for_value, for_receptance, for_gate = (
            now + shifted * (base.view(len(MIXES), 1, 1, width) + mixes)
        ).unbind(0)
        decay = self.time_decay + (torch.tanh(for_decay @ self.time_decay_w1) @ self.time_decay_w2).float()
        log_decay = -torch.exp(decay.clamp(max=MAX_DECAY))

        def heads(flat: Tensor) -> Tensor:
            return flat.view(batch, steps, self.heads, HEAD_SIZE).transpose(1, 2).float()

        rkv = heads(self.receptance(for_receptance)), heads(self.key(for_key)), heads(self.value(for_value))
        with torch.autocast(now.device.type, enabled=False):
            mixer = wkv_naive if naive else wkv
            out, state = mixer(rkv, heads(log_decay), self.time_faaaa.float(), state)
            out = float_norm(self.ln_x, out.transpose(1, 2).reshape(batch * steps, width)).view(batch, steps, width)
        return self.output(out.to(now.dtype) * functional.silu(self.gate(for_gate))), state, early


class FeedForward(nn.Module):
    """Channel mixing of one layer."""

    def __init__(self, size: Size, layer: int) -> None:
        super().__init__()
        channel = torch.arange(size.width) / size.width
        mix = (1 - channel ** ((1 - layer / size.layers) ** 3)).view(1, 1, -1)
        self.time_maa_k = nn.Parameter(mix.clone())
        self.time_maa_r = nn.Parameter(mix.clone())
        self.key = nn.Linear(size.width, size.hidden, bias=False)
        self.receptance = nn.Linear(size.width, size.width, bias=False)
        self.value = nn.Linear(size.hidden, size.width, bias=False)
        nn.init.orthogonal_(self.key.weight)
        nn.init.zeros_(self.receptance.weight)
        nn.init.zeros_(self.value.weight)

    def forward(self, now: Tensor, last: Tensor) -> Tensor:
        """Return what the layer adds [B, T, D]."""
        shifted = previous(now, last) - now
        hidden = torch.relu(self.key(now + shifted * self.time_maa_k)) ** 2
        added: Tensor = torch.sigmoid(self.receptance(now + shifted * self.time_maa_r)) * self.value(hidden)
        return added


class Block(nn.Module):
    """One layer of either generation; the first one also normalises the embedding."""

    def __init__(self, size: Size, layer: int, dropout: float) -> None:
        super().__init__()
        if layer == 0:
            self.ln0 = nn.LayerNorm(size.width)
        self.ln1 = nn.LayerNorm(size.width)
        self.ln2 = nn.LayerNorm(size.width)
        newer = size.architecture == "x070"
        self.att = Attention7(size, layer) if newer else Attention(size, layer)
        self.ffn = FeedForward7(size, layer) if newer else FeedForward(size, layer)
        self.drop = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, shift: Tensor, wkv_state: Tensor, early: Tensor | None, naive: bool
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Return (x [B, T, D], shift [2, B, D], wkv, the first layer's values) after this layer."""
        first = self.ln1(x)
        added, wkv_state, early = self.att(first, shift[0], wkv_state, early, naive)
        x = x + self.drop(added)
        second = self.ln2(x)
        x = x + self.drop(self.ffn(second, shift[1]))
        return x, torch.stack([first[:, -1].float(), second[:, -1].float()]), wkv_state, early


class Network(nn.Module):
    """The whole network; `naive` computes the recurrence by its definition."""

    recompute = False
    """Gradient checkpointing: keep only each layer's input and compute the layer again on the way back."""

    def __init__(self, size: Size, dropout: float = 0.0, naive: bool = False) -> None:
        super().__init__()
        self.size, self.naive = size, naive
        self.emb = nn.Embedding(size.vocabulary, size.width)
        self.blocks = nn.ModuleList(Block(size, layer, dropout) for layer in range(size.layers))
        self.ln_out = nn.LayerNorm(size.width)
        self.head = nn.Linear(size.width, size.vocabulary, bias=False)
        self.drop = nn.Dropout(dropout)
        nn.init.uniform_(self.emb.weight, -1e-4, 1e-4)
        wide = size.vocabulary > size.width
        nn.init.orthogonal_(self.head.weight, 0.5 * math.sqrt(size.vocabulary / size.width) if wide else 0.5)

    def initial_state(self, batch: int) -> State:
        """Return the state before the first token, on the network's device."""
        layers, width, heads = self.size.layers, self.size.width, self.size.heads
        device = self.emb.weight.device
        return (
            torch.zeros(layers, 2, batch, width, device=device),
            torch.zeros(layers, batch, heads, HEAD_SIZE, HEAD_SIZE, device=device),
        )

    def forward(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """Return (logits [B, T, V], state) for ids [B, T]; T a multiple of 16 unless naive."""
        shifts, wkvs = [], []
        first = self.blocks[0].get_submodule("ln0")
        x, early = self.drop(first(self.emb(ids))), None
        for block, shift, wkv_state in zip(self.blocks, state[0], state[1], strict=True):
            if self.recompute and self.training:
                x, shift, wkv_state, early = checkpoint(
                    block, x, shift, wkv_state, early, self.naive, use_reentrant=False
                )
            else:
                x, shift, wkv_state, early = block(x, shift, wkv_state, early, self.naive)
            shifts.append(shift)
            wkvs.append(wkv_state)
        return self.head(self.ln_out(x)), (torch.stack(shifts), torch.stack(wkvs))


def network_of(weights: dict[str, Tensor], naive: bool = False) -> Network:
    """Build a network in evaluation mode from public parameters."""
    network = Network(size_of(weights), naive=naive)
    network.load_state_dict({name: value.float() for name, value in weights.items()})
    return network.eval()


def public_weights(network: Network) -> dict[str, Tensor]:
    """Return the parameters as float32 copies under their public names."""
    return {name: value.detach().clone().float().contiguous() for name, value in network.state_dict().items()}
