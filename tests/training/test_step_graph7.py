import numpy as np
import torch
from tiny import VOCABULARY, arrays, comped_tokens, tiny_corpus, tiny_weights

from engine import load_recurrence
from engine.recurrence import StateBatch
from training.corpus import save_corpus
from training.export import main
from training.network import network_of
from training.runtime import OnnxStep, divergence
from training.step_graph7 import build_step7

IDS = np.random.default_rng(5).integers(0, 320, 24).tolist()


def newer(**options):
    return tiny_weights(architecture="x070", **options)


def test_the_state_it_carries_is_the_one_that_training_carries():
    weights = newer(layers=3)
    model = OnnxStep(build_step7(arrays(weights), None).SerializeToString())
    network = network_of(weights)
    state = model.initial_state()
    for token in IDS[:16]:
        _, state = model.step(np.array([token]), state)
    with torch.no_grad():
        _, (shift, wkv) = network(torch.tensor([IDS[:16]]), network.initial_state(1))
    np.testing.assert_allclose(state[0], shift.numpy(), atol=1e-4)
    np.testing.assert_allclose(state[1], wkv.numpy(), atol=1e-4)


def test_an_exported_rwkv_7_plays_in_the_engine_on_either_back_end(tmp_path):
    save_corpus(tiny_corpus(song_tokens=2500), tmp_path / "prepared" / "drums.npz")
    torch.save(newer(vocabulary=VOCABULARY), tmp_path / "best.pth")
    out = tmp_path / "model"
    main([
        "drums", "--prepared", str(tmp_path / "prepared"), "--weights", str(tmp_path / "best.pth"), "--out", str(out),
        "--compared-tokens", "33",
    ])  # fmt: skip
    assert "RWKV-7 (x070), 2 layers of width 128" in (out / "README.md").read_text()
    ids = comped_tokens()[:24]
    quick, exact = load_recurrence(out), load_recurrence(out, "rwkv")
    states = quick.initial_state(), exact.initial_state()
    for token in ids:
        (some, states0), (all_, states1) = quick.step(token, states[0]), exact.step(token, states[1])
        states = states0, states1
    assert divergence(all_[None], some[None]) <= 0.01
    np.testing.assert_allclose(states[0].wkv, states[1].wkv, atol=0.2)
    # a state goes from one back end to the other, through a snapshot and into a batch
    again = type(states[1]).restore(states[1].snapshot())
    logits, after = quick.step_batch([5, 6], StateBatch.repeat(again, 2))
    expected, _ = exact.step(6, again)
    assert divergence(expected[None], logits[1:]) <= 0.01
    assert not np.array_equal(after.row(0).wkv, after.row(1).wkv)
