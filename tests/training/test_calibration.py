import numpy as np
import pytest
import torch
from tiny import VOCABULARY, tiny_network, tiny_weights

from engine import tokens
from training.calibration import ACCENTS, GHOSTS, expected_ghosts, main
from training.corpus import EVERY_EPOCH, Corpus, Entry, as_ids, save_corpus
from training.groove import GHOST_VELOCITY


def entries():
    bar = "<bar> <hiphop> <beat> <density2> @6 24:c 2a:8 @30 2a:6 @53 26:d @102 24:b 26:3 @126 2a:6 @150 26:d 2a:8"
    return [
        Entry(f"gmd/{bars}", True, EVERY_EPOCH, as_ids(tokens.parse("<start> " + " ".join([bar] * bars) + " <end>")))
        for bars in (1, 14, 3)
    ]


def test_ghosts_are_snares_up_to_the_velocity_of_the_measures():
    velocities = [tokens.bin_to_velocity(tokens.note_parts(token)[1]) for token in GHOSTS]
    assert max(velocities) <= GHOST_VELOCITY < tokens.bin_to_velocity(tokens.note_parts(min(ACCENTS))[1])
    assert len(GHOSTS) + len(ACCENTS) == 2 * (tokens.VELOCITY_BINS - 1)


def test_what_is_expected_is_the_sum_of_the_chances_at_every_place():
    network = tiny_network(vocabulary=VOCABULARY, layers=1, width=64, naive=True)
    found = expected_ghosts(network, entries(), lanes=2)
    sums = np.zeros(2)
    for entry in entries():
        with torch.no_grad():
            logits, _ = network(torch.from_numpy(entry.ids[None, :-1].astype(np.int64)), network.initial_state(1))
        shares = logits[0].softmax(-1)
        sums += [float(shares[:, kind].sum()) for kind in (GHOSTS, ACCENTS)]
    assert found["ghost_share_expected"] == pytest.approx(sums[0] / sums.sum(), abs=1e-4)
    assert found["ghost_share_played"] == pytest.approx(1 / 3)
    assert found["snares"] == 3 * 18


def test_the_command_tells_each_style_and_the_training_split(tmp_path, capsys):
    torch.save(tiny_weights(vocabulary=VOCABULARY, layers=1, width=64), tmp_path / "w.pth")
    training = [Entry("gmd/t", False, variant, entries()[0].ids) for variant in (0, 1)]
    save_corpus(Corpus((*entries(), *training)), tmp_path / "drums.npz")
    main([str(tmp_path / "w.pth"), "--prepared", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "hiphop: 54 snares, ghosts 0.33, expected 0." in printed
    assert "training split, variant 1: ghosts 0.33" in printed
