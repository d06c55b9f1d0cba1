"""The thesis's vocabulary, MIDICompact: trained, exported, and played by the station's engine on both back ends."""

from itertools import islice

import numpy as np
import pytest
from tiny import tiny_weights

from engine import tokens
from engine.composer import compose_models
from engine.moods import MOODS
from engine.recurrence import load_recurrence
from engine.types import Part
from training import export as exporting
from training.corpus import Corpus, Entry, as_ids, save_corpus
from training.errors import ExportError
from training.export import Origin, export
from training.runtime import package_logits
from training.train import main


def tunes(count=6):
    """Scales in eighths, as MIDICompact says them: each note off where the next begins."""
    songs = []
    for song in range(count):
        ids = [tokens.START]
        for step in range(90):
            pitch = 60 + song + (0, 2, 4, 5, 7, 9, 11, 12)[step % 8]
            ids += [tokens.note(pitch, 8), tokens.wait(30), tokens.note(pitch, 0)]
        songs.append(Entry(f"tunes/{song}", song < 2, -1, as_ids([*ids, tokens.END])))
    return Corpus(tuple(songs), vocabulary_size=tokens.MIDICOMPACT_SIZE, sources={"irish_cre": "0" * 64})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A trained and exported model, small."""
    out = tmp_path_factory.mktemp("thesis")
    save_corpus(tunes(), out / "thesis.npz")
    size = ["--layers", "2", "--width", "128", "--lanes", "2", "--window", "32", "--rate", "3e-3", "--dropout", "0"]
    budget = ["--tokens", str(64 * 30), "--validate-tokens", str(64 * 15)]
    main(["thesis", "--prepared", str(out), "--out", str(out), "--eager", "--threads", "1", *size, *budget])
    exporting.main(["thesis", "--prepared", str(out), "--weights", str(out / "best.pth"), "--out", str(out / "model"),
                    "--compared-tokens", "65"])  # fmt: skip
    return out


def test_it_learns_what_tunes_are(folder):
    losses = [float(line.split(",")[1]) for line in (folder / "losses.csv").read_text().splitlines()[1:]]
    assert len(losses) == 30
    assert losses[-1] < losses[0] - 1


def test_its_card_names_vocabulary_and_data(folder):
    card = exporting.json.loads((folder / "model" / "card.json").read_text())
    sha256 = tokens.vocabulary_sha256(tokens.MIDICOMPACT_SIZE)
    assert card["vocabulary"] == {"name": "midicompact", "size": 2176, "sha256": sha256}
    assert [item["licence"] for item in card["data"]] == ["CC BY 4.0"]
    assert "nll_per_bar" not in card["validation"], "MIDICompact has no bars"


def test_both_back_ends_compute_the_same(folder):
    onnx, package = (load_recurrence(folder / "model", backend) for backend in ("onnx", "rwkv"))
    assert onnx.vocabulary_size == package.vocabulary_size == 2176
    states = [onnx.initial_state(), package.initial_state()]
    for token in tunes(1).entries[0].ids[:20]:
        one, states[0] = onnx.step(int(token), states[0])
        two, states[1] = package.step(int(token), states[1])
    assert np.abs(one - two).max() < 0.1, "8 bits against 32"


@pytest.mark.parametrize("backend", ["onnx", "rwkv"])
def test_the_station_composes_with_it(folder, root, backend):
    piano = load_recurrence(folder / "model", backend)
    drums = load_recurrence(root / "models" / "drums")
    bars = list(islice(compose_models(MOODS["study"], 1, piano, drums), 3))
    assert all(any(event.part is Part.KEYS for event in bar.events) for bar in bars)


def test_the_package_reads_the_pth_as_it_is_stored(folder):
    ids = [int(token) for token in tunes(1).entries[0].ids[:30]]
    assert np.isfinite(package_logits(folder / "model" / "model.pth", ids)).all()


def test_weights_of_another_part_are_refused(folder, tmp_path):
    origin = Origin("thesis", "", "", 0)
    with pytest.raises(ExportError, match="weights of 2560 tokens, the corpus has 2176"):
        export(tiny_weights(vocabulary=2560, layers=1, width=64), origin, folder, tmp_path)
