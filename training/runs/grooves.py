"""Grooves that keep the backbeat as pieces of their own: `PYTHONPATH=. python training/runs/grooves.py WORK OUT SHARE`.

Reads WORK/drums.npz and writes OUT/drums.npz: the training split's runs of four and more <backbeat> bars, all of
hip-hop and soul, SHARE of the rest, and the whole validation split. Then, tried from the weights of commit 332d39a,
not shipped (LOG.md, 2026-11-26):
`python -m training.train drums --prepared OUT --weights models/drums/model.pth --tokens 450000 --rate 5e-4
--final-rate 1e-5 --threads 1 --seed 6 --validate-tokens 150000 --patience 60` for SHARE 0 (B), and for SHARE .4
`--tokens 600000 --rate 3e-4 --seed 5` (A).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from engine import tokens
from training.corpus import Entry, as_ids, load_corpus, save_corpus

LEAST_BARS = 4
LOFI = {tokens.style(style) for style in ("hiphop", "soul")}


def bars_of(entry: Entry) -> list[list[int]]:
    """Return the tokens of each bar."""
    ids = entry.ids.tolist()
    places = [place for place, token in enumerate(ids) if token == tokens.BAR]
    return [ids[start:stop] for start, stop in pairwise([*places, len(ids) - (ids[-1] == tokens.END)])]


def grooves(entry: Entry) -> Iterator[Entry]:
    """Yield the runs of bars that keep the backbeat."""
    for kept, run in groupby(bars_of(entry), key=lambda bar: bar[2] == tokens.BACKBEAT):
        bars = list(run)
        if kept and len(bars) >= LEAST_BARS:
            yield replace(entry, ids=as_ids([tokens.START, *(token for bar in bars for token in bar), tokens.END]))


work, out, share = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
corpus = load_corpus(work / "drums.npz")
rng = np.random.default_rng(0)
learned = [entry for entry in corpus.entries if not entry.validation]
whole = [entry for entry in learned if rng.random() < share or entry.ids[2] in LOFI]
pieces = [piece for entry in learned for piece in grooves(entry)]
held_out = [entry for entry in corpus.entries if entry.validation]
save_corpus(replace(corpus, entries=(*whole, *pieces, *held_out)), out / "drums.npz")
print(f"{len(whole)} sequences, {len(pieces)} grooves, {len(held_out)} held out")
