import json
from argparse import Namespace

import mido
import numpy as np
import pytest
import torch
from tiny import VOCABULARY, comped_tokens, tiny_weights

from engine.recurrence import RecurrentState
from engine.recurrence_rwkv import RwkvRecurrence
from engine.tuned_state import read_tuned_state
from training.corpus import as_ids, corpus_sha256
from training.errors import CorpusError, TrainingError
from training.network import network_of
from training.states import Tuning, mean_loss, save_state, split, tune, tune_state
from training.train import main
from training.tuning_music import Passage, key_of, passages, read_tuning_song, read_tuning_songs


def write_midi(path, tonic=62, key=None, notes=40, metre=(4, 4)):
    """Broken triads of I and V in eighths, two bars each."""
    track = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=metre[0], denominator=metre[1])])
    if key:
        track.append(mido.MetaMessage("key_signature", key=key))
    for number in range(notes):
        root = tonic + (7 if number // 16 % 2 else 0)
        pitch = root + (0, 4, 7, 12)[number % 4]
        track += [mido.Message("note_on", note=pitch, velocity=70), mido.Message("note_off", note=pitch, time=240)]
    file = mido.MidiFile(ticks_per_beat=480, tracks=[track])
    file.save(path)
    return path


def test_the_key_is_found_from_what_sounds():
    scale = np.array([5, 0, 2, 0, 3, 2, 0, 4, 0, 2, 0, 1], float)
    assert key_of(scale) == (0, False)
    assert key_of(np.roll(scale, 3)) == (3, False)


@pytest.mark.parametrize("key", [None, "C", "D"])
def test_a_file_is_moved_to_c_major_and_its_chords_are_named(tmp_path, key):
    song = read_tuning_song(write_midi(tmp_path / "a.mid", key=key), "lead")
    assert not song.minor
    assert min(note.pitch for note in song.notes) % 12 == 0
    assert [(chord.root, chord.quality) for chord in song.chords[0]] == [(0, "maj"), (0, "maj")]
    assert song.chords[2][0].root == 7


def test_files_of_no_use_are_left_out_by_name(tmp_path):
    write_midi(tmp_path / "good.mid")
    write_midi(tmp_path / "waltz.mid", metre=(3, 4))
    write_midi(tmp_path / "short.mid", notes=5)
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    songs, skipped = read_tuning_songs(tmp_path, "lead")
    assert [song.name for song in songs] == ["good"]
    assert sorted(reason.split(":")[0].rpartition("/")[2] for reason in skipped) == [
        "broken.mid", "short.mid", "waltz.mid",
    ]  # fmt: skip
    (tmp_path / "good.mid").unlink()
    with pytest.raises(CorpusError, match="3 MIDI files, none of use"):
        read_tuning_songs(tmp_path, "lead")


def test_passages_are_pieces_of_their_own_and_lose_no_bar(tmp_path):
    song = read_tuning_song(write_midi(tmp_path / "a.mid", notes=160), "lead")
    found = passages(song, 60)
    assert len(found) > 3
    assert all((passage.ids[:3] == found[0].ids[:3]).all() for passage in found)
    assert sum(list(passage.ids).count(2176) for passage in found) == len(song.chords)


@pytest.fixture(params=["x060", "x070"])
def network(request):
    return network_of(tiny_weights(vocabulary=VOCABULARY, layers=2, width=64, architecture=request.param))


def found(count=3):
    return [Passage(f"x:{n}", as_ids(comped_tokens(seed=n)[:80])) for n in range(count)]


def test_a_tuned_state_makes_its_music_likelier_and_leaves_the_network_alone(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    wkv, curve = tune_state(network, found(), Tuning(steps=12, rate=0.3))
    blank = torch.zeros_like(wkv)
    assert mean_loss(network, wkv, found()) < mean_loss(network, blank, found()) - 0.05
    assert curve[0]["held_out"] == pytest.approx(mean_loss(network, blank, found()))
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_every_fifth_of_many_passages_is_held_out():
    learn, judge = split(found(21))
    assert len(judge) == 4
    assert not {passage.name for passage in learn} & {passage.name for passage in judge}
    assert [len(part) for part in split(found(3))] == [3, 3], "too few to hold any out"


@pytest.mark.parametrize("architecture", ["x060", "x070"])
def test_the_files_are_read_alike_by_the_station_and_by_the_rwkv_package(tmp_path, architecture):
    weights = tiny_weights(vocabulary=VOCABULARY, layers=2, width=128, architecture=architecture)
    torch.save(weights, tmp_path / "model.pth")
    wkv = torch.randn(2, 2, 64, 64, generator=torch.Generator().manual_seed(5))
    path = save_state(wkv, tmp_path / "model.pth", tmp_path / "state")
    sha256 = corpus_sha256(tmp_path / "model.pth")
    read = read_tuned_state(path, RecurrentState.zero(2, 128), sha256)
    np.testing.assert_array_equal(read.wkv, wkv.numpy())
    torch.save(weights | torch.load(tmp_path / "state" / "state.pth"), tmp_path / "tuned.pth")
    np.testing.assert_array_equal(RwkvRecurrence(tmp_path / "tuned.pth").initial_state().wkv, wkv.numpy())


def test_the_command_tunes_a_state_from_a_folder(tmp_path, capsys):
    torch.save(tiny_weights(vocabulary=VOCABULARY, layers=1, width=64), tmp_path / "model.pth")
    (tmp_path / "midi").mkdir()
    write_midi(tmp_path / "midi" / "a.mid", notes=80)
    flags = ["--states-only", "--state-steps", "3", "--threads", "1", "--weights", str(tmp_path / "model.pth")]
    folder = str(tmp_path / "midi")
    main(["piano", *flags, "--data", folder, "--unseen", folder, "--out", str(tmp_path / "out")])
    assert "unseen a: " in capsys.readouterr().out
    assert (tmp_path / "out" / "state.npz").is_file()
    assert json.loads((tmp_path / "out" / "curve.json").read_text())[0]["step"] == 0


def test_states_without_data_are_refused():
    with pytest.raises(TrainingError, match="train piano --states-only --data DIR"):
        tune(Namespace(part="piano", data=None))
