"""The RWKV-6 (x060) network in plain torch, with the public parameter names. Knows nothing about music or training.

The state is the one of the runtime: shift [L, 2, B, D] (0 = attention, 1 = feed-forward: the value of the layer's
normalised input one token ago) and wkv [L, B, H, 64 key, 64 value].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.recurrence import MAX_DECAY, wkv_chunked, wkv_naive

HEAD_SIZE = 64
MIX_RANK = 32
DECAY_RANK = 64
GROUP_NORM_EPS = 64e-5
MIXES = "wkvrg"

State = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Size:
    """What decides the shapes of a network."""

    layers: int
    width: int
    vocabulary: int

    @property
    def heads(self) -> int:
        """Return the number of heads of 64 channels."""
        return self.width // HEAD_SIZE

    @property
    def hidden(self) -> int:
        """Return the width of the feed-forward layer: 3.5 times the width, rounded down to 32."""
        return int(self.width * 3.5) // 32 * 32


def _previous(now: Tensor, last: Tensor) -> Tensor:
    """Return the sequence one step late: now is [B, T, D], last [B, D]."""
    return torch.cat([last.unsqueeze(1).to(now.dtype), now[:, :-1]], 1)


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

    def forward(self, now: Tensor, last: Tensor, state: Tensor, naive: bool) -> tuple[Tensor, Tensor]:
        """Return (what the layer adds [B, T, D], state)."""
        batch, steps, width = now.shape
        shifted = _previous(now, last) - now
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
            mixer = wkv_naive if naive else wkv_chunked
            out, state = mixer(rkv, heads(log_decay), self.time_faaaa.float(), state)
            out = self.ln_x(out.transpose(1, 2).reshape(batch * steps, width)).view(batch, steps, width)
        return self.output(out * functional.silu(self.gate(for_gate))), state


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
        shifted = _previous(now, last) - now
        hidden = torch.relu(self.key(now + shifted * self.time_maa_k)) ** 2
        return torch.sigmoid(self.receptance(now + shifted * self.time_maa_r)) * self.value(hidden)


class Block(nn.Module):
    """One layer; the first one also normalises the embedding."""

    def __init__(self, size: Size, layer: int, dropout: float) -> None:
        super().__init__()
        if layer == 0:
            self.ln0 = nn.LayerNorm(size.width)
        self.ln1 = nn.LayerNorm(size.width)
        self.ln2 = nn.LayerNorm(size.width)
        self.att = Attention(size, layer)
        self.ffn = FeedForward(size, layer)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, shift: Tensor, wkv: Tensor, naive: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Return (x [B, T, D], shift [2, B, D], wkv) after this layer."""
        first = self.ln1(x)
        added, wkv = self.att(first, shift[0], wkv, naive)
        x = x + self.drop(added)
        second = self.ln2(x)
        x = x + self.drop(self.ffn(second, shift[1]))
        return x, torch.stack([first[:, -1].float(), second[:, -1].float()]), wkv


class Network(nn.Module):
    """The whole network; `naive` computes the recurrence by its definition."""

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
        """Return the state before the first token."""
        layers, width, heads = self.size.layers, self.size.width, self.size.heads
        return torch.zeros(layers, 2, batch, width), torch.zeros(layers, batch, heads, HEAD_SIZE, HEAD_SIZE)

    def forward(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """Return (logits [B, T, V], state) for ids [B, T]; T a multiple of 16 unless naive."""
        shifts, wkvs = [], []
        x = self.drop(self.blocks[0].ln0(self.emb(ids)))
        for block, shift, wkv in zip(self.blocks, state[0], state[1], strict=True):
            x, shift, wkv = block(x, shift, wkv, self.naive)
            shifts.append(shift)
            wkvs.append(wkv)
        return self.head(self.ln_out(x)), (torch.stack(shifts), torch.stack(wkvs))


def size_of(weights: dict[str, Tensor]) -> Size:
    """Read the size of a network off its parameters."""
    vocabulary, width = weights["emb.weight"].shape
    layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
    return Size(layers, width, vocabulary)


def network_of(weights: dict[str, Tensor], naive: bool = False) -> Network:
    """Build a network in evaluation mode from public parameters."""
    network = Network(size_of(weights), naive=naive)
    network.load_state_dict({name: value.float() for name, value in weights.items()})
    return network.eval()


def public_weights(network: Network) -> dict[str, Tensor]:
    """Return the parameters as float32 copies under their public names."""
    return {name: value.detach().clone().float().contiguous() for name, value in network.state_dict().items()}
