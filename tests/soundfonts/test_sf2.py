"""The writer: what it writes is what the format's specification asks for, and FluidSynth plays it in tune."""

import itertools
import struct

import numpy as np
import pytest

from soundfonts.maker.sf2 import SILENCE_FRAMES, Generator, Labels, Preset, Sample, Zone, bank_bytes, timecents
from soundfonts.maker.tone import hz_of
from soundfonts.survey import Listener, Stroke, lowest_partial_hz

LABELS = Labels("test", "CC0-1.0", "2026", "nothing")
RATE_HZ = 44_100


def sine(name="sine", key=69, loop=(100, 22_150), frames=22_300):
    sound = 0.5 * np.sin(2 * np.pi * hz_of(key) * np.arange(frames) / RATE_HZ)
    return Sample(name, sound, RATE_HZ, key, loop)


def chunks(data):
    """Every chunk below the lists, by tag."""
    found, at = {}, 12
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 4)[0]
        end = at + 8 + size
        inside = at + 12
        while inside < end:
            tag, inner = struct.unpack_from("<4sI", data, inside)
            found[tag] = data[inside + 8 : inside + 8 + inner]
            inside += 8 + inner + inner % 2
        at = end + size % 2
    return found


@pytest.fixture(scope="module")
def bank():
    shared = sine()
    zone = Zone(shared, (0, 80), (1, 100), {Generator.RELEASE: timecents(0.3), Generator.ATTACK: timecents(0.002)})
    presets = [Preset("Late", 128, 0, (zone,)), Preset("Early", 0, 4, (zone, Zone(sine("other", 81), (81, 127))))]
    return bank_bytes(LABELS, presets)


def test_the_file_says_its_own_size_and_version(bank):
    assert struct.unpack_from("<4sI4s", bank) == (b"RIFF", len(bank) - 8, b"sfbk")
    assert struct.unpack("<HH", chunks(bank)[b"ifil"]) == (2, 4)
    assert all(len(chunks(bank)[tag]) % 2 == 0 for tag in (b"INAM", b"ICOP", b"isng"))


def test_samples_are_stored_once_each_with_its_silence(bank):
    found = chunks(bank)
    headers = [struct.unpack_from("<20sIIIIIBbHH", found[b"shdr"], at) for at in range(0, len(found[b"shdr"]), 46)]
    assert [name.rstrip(b"\0") for name, *_ in headers] == [b"sine", b"other", b"EOS"]
    line = np.frombuffer(found[b"smpl"], "<i2")
    assert len(line) == 2 * (22_300 + SILENCE_FRAMES)
    for _, _, end, loop_start, loop_end, *_ in headers[:2]:
        assert not line[end : end + SILENCE_FRAMES].any()
        assert loop_end - loop_start == 22_050


def test_presets_are_in_order_and_every_list_ends_with_its_terminal_record(bank):
    found = chunks(bank)
    names = [found[b"phdr"][at : at + 20].rstrip(b"\0") for at in range(0, len(found[b"phdr"]), 38)]
    assert names == [b"Early", b"Late", b"EOP"]
    assert found[b"inst"][-22:-2].rstrip(b"\0") == b"EOI"
    bags = struct.unpack(f"<{len(found[b'ibag']) // 2}H", found[b"ibag"])[::2]
    assert bags[-1] == len(found[b"igen"]) // 4 - 1


def test_ranges_come_first_and_the_sample_last_in_every_zone(bank):
    found = chunks(bank)
    bags = struct.unpack(f"<{len(found[b'ibag']) // 2}H", found[b"ibag"])[::2]
    for first, last in itertools.pairwise(bags):
        numbers = [struct.unpack_from("<H", found[b"igen"], 4 * at)[0] for at in range(first, last)]
        assert numbers[:2] == [Generator.KEY_RANGE, Generator.VELOCITY_RANGE]
        assert numbers[-1] == Generator.SAMPLE_ID


def test_fluidsynth_plays_it_in_tune_and_without_a_warning(bank, tmp_path, capfd):
    path = tmp_path / "test.sf2"
    path.write_bytes(bank)
    listener = Listener(path)
    for key in (57, 64, 72):
        sound = listener.play(Stroke(4, key, 90, 2.0))
        assert abs(1200 * np.log2(lowest_partial_hz(sound, hz_of(key)) / hz_of(key))) < 0.3
    listener.close()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (sine(loop=(0, 22_050)), "margins"),
        (sine(loop=(249, 22_299)), "margins"),
        (Sample("loud", np.full(100, 1.5), RATE_HZ, 60), "inside ±1"),
        (sine(name="a name that is far too long"), "19 characters"),
    ],
    ids=["loop at the start", "loop at the end", "too loud", "long name"],
)
def test_what_does_not_fit_the_format_is_refused(sample, said):
    with pytest.raises(ValueError, match=said):
        bank_bytes(LABELS, [Preset("p", 0, 0, (Zone(sample),))])
