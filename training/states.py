"""State tuning: trains nothing but the state before the first token, from a handful of MIDI files.

`python -m training.train piano --states-only --data DIR --weights models/piano/model.pth --out states/rain`. The
network stays as it is; what is learned is 64 x 64 numbers a head and layer, as in RWKV-LM's `train_type states`. It
writes state.npz, which a mood names as `piano_state`, and state.pth with the same numbers for RWKV-LM and the `rwkv`
package (append its tensors to the model's).
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.checkpoint import load_weights, write_atomically
from training.corpus import corpus_sha256
from training.errors import TrainingError
from training.network import Network, network_of
from training.recurrence import CHUNK
from training.tuning_music import Passage, passages, read_tuning_songs

RATE, FINAL_RATE = 1.0, 0.01
"""RWKV-LM's advice: a trained state holds numbers of about 50-150, so small rates never get anywhere (0.03: -0.1 %)."""
PASSAGE_TOKENS = 384
LEAST_HELD_OUT = 4
"""From so many passages on, every fifth is held out to choose the best state by."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What decides a tuned state."""

    steps: int = 60
    batch: int = 4
    rate: float = RATE
    seed: int = 0
    style: str = "lead"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of state tuning to those of a run."""
    parser.add_argument("--states-only", action="store_true", help="train only the state before the first token")
    parser.add_argument("--data", type=Path, help="folder of MIDI files, for --states-only")
    parser.add_argument("--unseen", type=Path, help="folder of MIDI files to measure the tuned state on")
    parser.add_argument("--style", default="lead", help="style token of the moods that will use the state")
    parser.add_argument("--state-steps", type=int, default=60, help="steps of four passages")


def passage_losses(network: Network, wkv: Tensor, found: list[Passage]) -> Tensor:
    """Return (sum of the NLL, tokens) as a tensor of 2, nats, of passages that begin from a state [L, H, 64, 64]."""
    longest = max(len(passage.ids) - 1 for passage in found)
    length = -(-longest // CHUNK) * CHUNK
    inputs = torch.zeros(len(found), length, dtype=torch.long)
    targets = torch.full((len(found), length), -1)
    for row, passage in enumerate(found):
        ids = torch.from_numpy(passage.ids.astype(np.int64))
        inputs[row, : len(ids) - 1], targets[row, : len(ids) - 1] = ids[:-1], ids[1:]
    shift, _ = network.initial_state(len(found))
    state = wkv.unsqueeze(1).expand(-1, len(found), -1, -1, -1)
    with torch.autocast("cpu", torch.bfloat16):
        logits, _ = network(inputs, (shift, state))
    losses = functional.cross_entropy(
        logits.float().view(-1, logits.shape[-1]), targets.view(-1), ignore_index=-1, reduction="sum"
    )
    return torch.stack([losses, (targets >= 0).sum().to(losses.dtype)])


@torch.no_grad()
def mean_loss(network: Network, wkv: Tensor, found: list[Passage], batch: int = 4) -> float:
    """Return the NLL of passages, nats a token."""
    sums = torch.stack([passage_losses(network, wkv, found[at : at + batch]) for at in range(0, len(found), batch)])
    loss, tokens = sums.sum(0).tolist()
    return float(loss / tokens)


def split(found: list[Passage]) -> tuple[list[Passage], list[Passage]]:
    """Return (to learn from, to choose by); too few passages to hold any out are used for both."""
    held = found[4::5]
    if len(held) < LEAST_HELD_OUT:
        return found, found
    return [passage for place, passage in enumerate(found) if place % 5 != 4], held


def tune_state(network: Network, found: list[Passage], tuning: Tuning) -> tuple[Tensor, list[dict[str, float]]]:
    """Return the best state [L, H, 64, 64] by the held-out passages, and the curve; zero is where it begins."""
    network.requires_grad_(False)
    learn, judge = split(found)
    _, blank = network.initial_state(1)
    wkv = torch.zeros_like(blank[:, 0]).requires_grad_(True)
    optimiser = torch.optim.Adam([wkv], lr=tuning.rate, betas=(0.9, 0.99))
    rng = np.random.default_rng(tuning.seed)
    best = (mean_loss(network, wkv, judge), wkv.detach().clone())
    curve = [{"step": 0.0, "held_out": best[0]}]
    every = max(tuning.steps // 6, 1)
    for step in range(1, tuning.steps + 1):
        optimiser.param_groups[0]["lr"] = tuning.rate + (FINAL_RATE - tuning.rate) * step / tuning.steps
        chosen = [learn[place] for place in rng.choice(len(learn), min(tuning.batch, len(learn)), replace=False)]
        sums = passage_losses(network, wkv, chosen)
        loss = sums[0] / sums[1]
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([wkv], 1.0)
        optimiser.step()
        if step % every == 0 or step == tuning.steps:
            judged = mean_loss(network, wkv, judge)
            curve.append({"step": float(step), "loss": float(loss.detach()), "held_out": judged})
            print(f"step {step}: loss {float(loss.detach()):.4f}, held out {judged:.4f}", flush=True)
            if judged < best[0]:
                best = (judged, wkv.detach().clone())
    return best[1], curve


def save_state(wkv: Tensor, weights: Path, out: Path) -> Path:
    """Write state.npz for the station and state.pth for RWKV-LM; return the path of the first."""
    tensors = {
        f"blocks.{layer}.att.time_state": heads.transpose(1, 2).contiguous().cpu()  # both store the value index first
        for layer, heads in enumerate(wkv.detach().float())
    }
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(tensors, out / "state.pth")
    path = out / "state.npz"
    draft = out / "state.tmp.npz"
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    np.savez_compressed(draft, allow_pickle=False, weights_sha256=np.array(corpus_sha256(weights)), **arrays)
    os.replace(draft, path)
    return path


def tune(options: argparse.Namespace) -> None:
    """Tune a state as the flags ask.

    Raises:
        TrainingError: flags are missing, or there is nothing to learn from.
    """
    if options.part != "piano" or options.data is None:
        raise TrainingError("--states-only tunes the piano from MIDI files: train piano --states-only --data DIR.")
    weights = options.weights or Path("models/piano/model.pth")
    out = options.out or Path("training/work/state")
    tuning = Tuning(steps=options.state_steps, rate=options.rate or RATE, seed=options.seed, style=options.style)
    torch.manual_seed(options.seed)
    songs, skipped = read_tuning_songs(options.data, options.style)
    for reason in skipped:
        print(f"skipped: {reason}")
    found = [passage for song in songs for passage in passages(song, PASSAGE_TOKENS)]
    network = network_of(load_weights(weights))
    print(f"{len(songs)} songs, {len(found)} passages, {sum(len(s.ids) for s in found)} tokens")
    wkv, curve = tune_state(network, found, tuning)
    path = save_state(wkv, weights, out)
    (out / "curve.json").write_text(json.dumps(curve, indent=1), encoding="utf-8")
    if options.unseen is not None:
        _measure_unseen(network, wkv, options)
    before, after = curve[0]["held_out"], min(point["held_out"] for point in curve)
    print(f"{path}: {path.stat().st_size} bytes, held out {before:.4f} → {after:.4f} nats a token")


def _measure_unseen(network: Network, wkv: Tensor, options: argparse.Namespace) -> None:
    """Print the NLL of files that were not learned from, without and with the tuned state."""
    songs, _ = read_tuning_songs(options.unseen, options.style)
    for song in songs:
        found = passages(song, PASSAGE_TOKENS)
        before, after = mean_loss(network, torch.zeros_like(wkv), found), mean_loss(network, wkv, found)
        print(f"unseen {song.name}: {before:.4f} → {after:.4f} nats a token ({len(found)} passages)")
