"""How many ghost notes a drum model expects where the corpus plays on: `python -m training.calibration WEIGHTS`.

Given the true past, a calibrated model expects as many as there are; what it writes more of when it runs free is then
drift, not a wrong idea of the style. Knows nothing about sampling.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from engine import tokens
from training.checkpoint import load_weights
from training.corpus import Entry, load_corpus
from training.errors import told_plainly
from training.groove import ACCENT_BIN, SNARES
from training.measures import Measures
from training.network import Network, network_of
from training.recurrence import CHUNK
from training.songs import decode_drums

WINDOW = 16 * CHUNK
GHOSTS = [tokens.note(pitch, velocity) for pitch in SNARES for velocity in range(1, ACCENT_BIN)]
ACCENTS = [tokens.note(pitch, velocity) for pitch in SNARES for velocity in range(ACCENT_BIN, tokens.VELOCITY_BINS)]


@torch.no_grad()
def expected_ghosts(network: Network, entries: Sequence[Entry], lanes: int = 16) -> Measures:
    """Return the ghost share of the snares of songs, and the one that a network expects given all that came before."""
    played, expected = np.zeros(2), np.zeros(2)
    ordered = sorted(entries, key=lambda entry: -len(entry.ids))
    for at in range(0, len(ordered), lanes):
        group = [entry.ids.astype(np.int64) for entry in ordered[at : at + lanes]]
        length = -(-len(group[0]) // WINDOW) * WINDOW
        inputs = np.full((len(group), length), tokens.END)
        targets = np.full((len(group), length), -1)
        for row, ids in enumerate(group):
            inputs[row, : len(ids) - 1], targets[row, : len(ids) - 1] = ids[:-1], ids[1:]
        state = network.initial_state(len(group))
        for start in range(0, length, WINDOW):
            window = slice(start, start + WINDOW)
            logits, state = network(torch.from_numpy(inputs[:, window]), state)
            real = torch.from_numpy(targets[:, window] >= 0)
            shares = logits.float().softmax(-1)[real]
            expected += [float(shares[:, kind].sum()) for kind in (GHOSTS, ACCENTS)]
        played += [np.isin(targets, kind).sum() for kind in (GHOSTS, ACCENTS)]
    return {
        "snares": int(played.sum()),
        "ghost_share_played": float(played[0] / max(played.sum(), 1)),
        "ghost_share_expected": float(expected[0] / max(expected.sum(), 1e-9)),
    }


@told_plainly()
def main(arguments: list[str] | None = None) -> None:
    """Print played and expected shares by style, and what the training split has."""
    parser = argparse.ArgumentParser(prog="python -m training.calibration", description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--prepared", type=Path, default=Path("training/work"))
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    network, corpus = network_of(load_weights(options.weights)), load_corpus(options.prepared / "drums.npz")
    styles: dict[str, list[Entry]] = defaultdict(list)
    for entry in corpus.entries:
        if entry.validation:
            styles[decode_drums(entry.ids.tolist()).style].append(entry)
    styles["all"] = [entry for found in styles.values() for entry in found]
    for style, entries in sorted(styles.items(), key=lambda item: len(item[1])):
        found = expected_ghosts(network, entries)
        played, expected = found["ghost_share_played"], found["ghost_share_expected"]
        print(f"{style}: {found['snares']} snares, ghosts {played:.2f}, expected {expected:.2f}", flush=True)
    for variant in (0, 1):
        stream = np.concatenate([e.ids for e in corpus.entries if not e.validation and e.variant == variant])
        ghosts, accents = (int(np.isin(stream, kind).sum()) for kind in (GHOSTS, ACCENTS))
        print(f"training split, variant {variant}: ghosts {ghosts / max(ghosts + accents, 1):.2f}")


if __name__ == "__main__":
    main()
