"""Small networks, corpora and files that training tests share."""

from pathlib import Path

import mido
import numpy as np
import torch

from engine import tokens
from engine.types import Chord
from training.charts import Chart
from training.comping import render
from training.corpus import Corpus, Entry, as_ids
from training.network import Network, public_weights
from training.size import Size
from training.songs import encode_piano


def tiny_network(vocabulary=320, layers=2, width=128, seed=0, naive=False, architecture="x060"):
    """A network whose every parameter matters (zero-initialised ones would hide mistakes)."""
    torch.manual_seed(seed)
    network = Network(Size(layers, width, vocabulary, architecture), naive=naive)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return network.eval()


def tiny_weights(**options):
    return public_weights(tiny_network(**options))


def arrays(weights):
    return {name: value.numpy() for name, value in weights.items()}


def loop_chart(bars=8, name="progressions/test"):
    loop = (Chord(2, "min7"), Chord(7, "7"), Chord(0, "maj7"), Chord(9, "min7"))
    return Chart(name, False, tuple((loop[bar % 4], loop[bar % 4]) for bar in range(bars)))


def comped_tokens(seed=0, bars=8):
    return encode_piano(render(loop_chart(bars), np.random.default_rng(seed)))


def tiny_corpus(songs=6, song_tokens=150):
    entries = [Entry(f"progressions/{n}", n < 2, -1, as_ids(comped_tokens(seed=n)[:song_tokens])) for n in range(songs)]
    return Corpus(tuple(entries))


def write_drum_file(path: Path, bars=2, early_ticks=0):
    """Boom-bap at 480 ticks a beat: kick on 1, snare on 2 and 4, hats in eighths."""
    hits = [(bar * 1920 + beat * 480, key) for bar in range(bars) for beat, key in ((0, 36), (1, 38), (3, 38))]
    hits += [(bar * 1920 + eighth * 240, 42) for bar in range(bars) for eighth in range(8)]
    track = mido.MidiTrack()
    now = 0
    for tick, key in sorted((max(tick - early_ticks, 0), key) for tick, key in hits):
        track.append(mido.Message("note_on", channel=9, note=key, velocity=90, time=tick - now))
        track.append(mido.Message("note_off", channel=9, note=key, velocity=0, time=0))
        now = tick
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(track)
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(path)


def write_groove_set(folder: Path, rows):
    """An info.csv as our copy of the set has it; rows are (file name, style, beat type, metre, split)."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split,lofi_weight"
    ]
    lines += [
        f"drummer1,drummer1/s1,{Path(name).stem},{style},90,{kind},{metre},{name},,9.6,{split},3"
        for name, style, kind, metre, split in rows
    ]
    (folder / "info.csv").write_text("\n".join(lines) + "\n")


def write_e_gmd(folder: Path, rows):
    """E-GMD as it is published: a line a recording, 43 drum kits a performance, each some ticks off the others.

    Rows are (id of the performance, split, file name); its last digit says how many bars the performance has.
    """
    head = "drummer,session,id,style,bpm,beat_type,time_signature,duration,split,midi_filename,audio_filename,kit_name"
    lines = [
        f"drummer1,drummer1/s1,{ident},funk/rock,138,beat,4-4,27.8,{split},{name},{Path(name).stem}.wav,Acoustic Kit"
        for ident, split, name in rows
    ]
    folder.mkdir()
    (folder / "e-gmd-v1.0.0.csv").write_text("\n".join([head, *lines]) + "\n")
    for place, (ident, _, name) in enumerate(rows):
        write_drum_file(folder / name, bars=1 + int(ident[-1]), early_ticks=20 + place)


VOCABULARY = tokens.VOCABULARY_SIZE
