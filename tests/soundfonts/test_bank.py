"""The bank that comes with the radio, as FluidSynth plays it: in tune, even, without clicks, complete, ours."""

import hashlib
import itertools
import struct

import numpy as np
import pytest

from engine.assets import bank_asset
from engine.banks import OWN_BANK
from engine.tokens import DRUM_PITCHES
from engine.types import SAMPLE_RATE_HZ
from soundfonts.maker.strings import sub_note
from soundfonts.maker.tone import loudest_lufs, record
from soundfonts.survey import INSTRUMENTS, Listener, Stroke, examine
from tests.soundfonts.test_sf2 import chunks

BANK_BYTES_MAX = 16_000_000
KITS = (0, 25, 40)


@pytest.fixture(scope="module")
def listener():
    listener = Listener(OWN_BANK)
    yield listener
    listener.close()


def some_keys(low, high, count):
    return [int(key) for key in np.linspace(low, high, count).round()]


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_instrument_is_in_tune_within_3_cents_and_even_within_1_5_lu(listener, name):
    program, low, high = INSTRUMENTS[name]
    notes = [examine(listener, program, key) for key in some_keys(low + 1, high, 4)]
    assert max(abs(note.cents) for note in notes) < 3.0
    levels = [note.loudness_lufs for note in notes]
    assert max(levels) - min(levels) < 3.0


@pytest.mark.parametrize(("program", "key"), [(0, 52), (4, 61), (5, 66), (24, 57), (32, 40), (11, 70)])
def test_a_harder_stroke_is_louder(listener, program, key):
    levels = [
        loudest_lufs(listener.play(Stroke(program, key, velocity, 0.6)), SAMPLE_RATE_HZ)
        for velocity in (25, 45, 56, 57, 66, 67, 84, 87, 105, 127)
    ]
    assert all(b > a for a, b in itertools.pairwise(levels))


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_note_held_for_20_s_has_no_click_at_its_loop(listener, name):
    program, low, high = INSTRUMENTS[name]
    sound = listener.play(Stroke(program, (low + high) // 2 + 1, 100, 20.0))
    bend = np.abs(np.diff(sound[SAMPLE_RATE_HZ // 2 :], 2))
    step = SAMPLE_RATE_HZ // 50
    peaks = bend[: len(bend) // step * step].reshape(-1, step).max(axis=1) + 1e-6  # -120 dBFS: below it voices end
    around = np.max([np.roll(peaks, by) for by in (-3, -2, -1, 1, 2, 3)], axis=0)
    assert (peaks / around)[3:-3].max() < 2.0


@pytest.mark.parametrize("kit", KITS)
def test_kit_has_every_drum_that_the_station_writes_and_it_ends(listener, kit):
    for key in DRUM_PITCHES:
        sound = np.abs(listener.play(Stroke(kit, key, 90, 2.5), bank=128))
        assert sound.max() > 0.003, key
        assert sound[-4800:].max() < 1e-4, key


def test_strokes_of_different_force_are_different_recordings(listener):
    for key in (36, 38, 42):
        soft, hard = (listener.play(Stroke(0, key, velocity, 0.5), bank=128) for velocity in (60, 100))
        assert np.corrcoef(soft[:9600], hard[:9600])[0, 1] < 0.99


def test_a_closed_hat_ends_an_open_one():
    found = chunks(OWN_BANK.read_bytes())
    generators = [struct.unpack_from("<Hh", found[b"igen"], at) for at in range(0, len(found[b"igen"]), 4)]
    assert (57, 1) in generators


def test_bank_is_ours_small_enough_and_the_one_that_its_readme_names(root):
    data = OWN_BANK.read_bytes()
    assert len(data) <= BANK_BYTES_MAX
    assert bank_asset(OWN_BANK).licence.startswith("CC0-1.0")
    assert hashlib.sha256(data).hexdigest() in (root / "soundfonts" / "README.md").read_text(encoding="utf-8")


def test_fluidsynth_has_nothing_to_say_about_it(capfd):
    Listener(OWN_BANK).close()
    assert capfd.readouterr().err == ""


def test_bank_is_what_the_script_makes():
    found = chunks(OWN_BANK.read_bytes())
    line = np.frombuffer(found[b"smpl"], "<i2")
    places = {
        found[b"shdr"][at : at + 20].rstrip(b"\0"): struct.unpack_from("<II", found[b"shdr"], at + 20)
        for at in range(0, len(found[b"shdr"]), 46)
    }
    take, note, decay_s = sub_note(38, 0.5)
    start, end = places[b"sub 38 0"]
    ours = np.round(record("sub", take, note, decay_s).sound * 32_767)
    assert end - start == len(ours)
    assert np.abs(line[start:end] - ours).max() <= 1
