"""Where our piano would stand on the validation split of the first experiments, which cannot be rebuilt.

`PYTHONPATH=. python training/runs/recipe_split.py POP909_FOLDER FIRST_WEIGHTS OUR_WEIGHTS [PREPARED]`

That split is 45 places in a shuffled list of the 877 usable songs of 909. Of the 909 we have 846, and of the 63 others
we do not know which were usable, so most places name one of two to six songs; and ours were trained on most of those.
So both weights are scored on songs that ours never saw (the first ones may have seen 95 % of them, which flatters
them), and the first weights' published figure on that split is scaled by the ratio, with its spread over songs.
"""

import random
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from engine import tokens
from training.checkpoint import load_weights
from training.corpus import load_corpus
from training.evaluate import held_out_songs
from training.midi import read_midi
from training.network import Network, network_of
from training.recurrence import CHUNK

SONGS, USABLE, UNKNOWN_METRES = 909, 877, 28
PLACES, SEED = 45, 1
PUBLISHED = 60.9
"""Nats a bar of the first weights on that split (position tokens), by its own report."""
POP_BARS, LEAD_BARS = 3593, 265
LANES = 16


def without_first_tick(ids: list[int]) -> list[int]:
    """Return tokens in the first weights' grammar, which implies tick 0."""
    return [token for token in ids if token != tokens.POSITION_BASE]


@torch.no_grad()
def nats(network: Network, songs: list[list[int]]) -> list[float]:
    """Return the NLL of each song, nats."""
    out = []
    for at in range(0, len(songs), LANES):
        group = songs[at : at + LANES]
        length = -(-(max(map(len, group)) - 1) // CHUNK) * CHUNK
        inputs, targets = np.zeros((len(group), length), np.int64), np.full((len(group), length), -1)
        for row, ids in enumerate(group):
            inputs[row, : len(ids) - 1], targets[row, : len(ids) - 1] = ids[:-1], ids[1:]
        state, sums = network.initial_state(len(group)), np.zeros(len(group))
        for start in range(0, length, 16 * CHUNK):
            window = slice(start, min(start + 16 * CHUNK, length))
            logits, state = network(torch.from_numpy(inputs[:, window]), state)
            losses = functional.cross_entropy(
                logits.transpose(1, 2), torch.from_numpy(targets[:, window]), ignore_index=-1, reduction="none"
            )
            sums += losses.sum(1).double().numpy()
        out += sums.tolist()
    return out


def places(folder: Path, draws: int = 2000) -> dict[int, float]:
    """Return how likely each song is to be in the split: all ways to leave 32 songs out that fit what we know."""
    here = {int(path.name): read_midi(path / "chords_cl.mid") for path in folder.iterdir() if path.is_dir()}
    metres = {i for i, score in here.items() if any((upper, lower) != (4, 4) for _, upper, lower in score.metres)}
    keyless = {i for i, score in here.items() if not score.keys}
    rest = [i for i in range(1, SONGS + 1) if i not in metres | keyless]
    away = [i for i in rest if i not in here]
    order = list(range(USABLE))
    random.Random(SEED).shuffle(order)
    found: Counter[int] = Counter()
    rng = np.random.default_rng(0)
    for _ in range(draws):
        out = set(rng.choice(away, UNKNOWN_METRES - len(metres), replace=False).tolist())
        others = [i for i in rest if i not in out]
        out |= set(rng.choice(others, len(others) - USABLE, replace=False).tolist())
        usable = [i for i in rest if i not in out]
        found.update(usable[place] for place in order[:PLACES])
    print(f"{len(here)} songs here, {len(metres)} not in 4/4, {len(keyless)} without a key, {len(away)} unknown ones")
    return {song: count / draws for song, count in found.items()}


def main(arguments: list[str]) -> None:
    """Print where both weights stand."""
    torch.set_num_threads(1)
    folder, first_path, our_path = map(Path, arguments[:3])
    corpus = load_corpus(Path(arguments[3] if len(arguments) > 3 else "training/work") / "piano.npz")
    trained = {e.name for e in corpus.entries if not e.validation}
    chances = places(folder)
    sure = [song for song, chance in chances.items() if chance > 0.5]
    clean = [song for song in sure if f"pop909/{song:03d}" not in trained and (folder / f"{song:03d}").is_dir()]
    print(f"{len(sure)} of {PLACES} places are a song with even odds or more; unseen by ours are {sorted(clean)}")
    unseen = [e for e in corpus.entries if e.validation and e.name.startswith("pop909/")] + held_out_songs(folder)
    songs = [[int(token) for token in entry.ids] for entry in unseen]
    bars = np.array([song.count(tokens.BAR) for song in songs])
    first = np.array(nats(network_of(load_weights(first_path)), [without_first_tick(song) for song in songs]))
    ours = np.array(nats(network_of(load_weights(our_path)), songs))
    means = first.sum() / bars.sum(), ours.sum() / bars.sum()
    print(f"{len(songs)} unseen songs: first {means[0]:.2f}, ours {means[1]:.2f} nats a bar")
    weights = np.array([chances.get(int(entry.name[-3:]), 0.0) for entry in unseen])
    if weights.any():
        by_place = [float((each * weights).sum() / (bars * weights).sum()) for each in (first, ours)]
        print(f"weighted by their chance to be in it: first {by_place[0]:.2f}, ours {by_place[1]:.2f} nats a bar")
    rng = np.random.default_rng(0)
    picks = rng.integers(len(songs), size=(2000, PLACES))
    ratios = ours[picks].sum(1) / first[picks].sum(1)
    ratio, (low, high) = ours.sum() / first.sum(), np.percentile(ratios, [5, 95])
    share = POP_BARS / (POP_BARS + LEAD_BARS)
    print(f"ratio {ratio:.4f}, 45 songs at a time {low:.4f}-{high:.4f} (nine in ten)")
    print(f"that split, all bars in this ratio: {PUBLISHED * ratio:.1f} ({PUBLISHED * low:.1f}-{PUBLISHED * high:.1f})")
    kept = PUBLISHED * (share * ratio + 1 - share)
    print(f"that split, were its lead bars no better than the first weights' mean: {kept:.1f}")


if __name__ == "__main__":  # the songs are read in processes of their own, which import this file again
    main(sys.argv[1:])
