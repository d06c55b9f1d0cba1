"""One contract for the real synthesiser and its fake, then what only the real one does."""

import os
import subprocess
import sys

import numpy as np
import pytest

from engine.banks import GENERAL_ONLY, OWN_BANK, find_bank
from engine.errors import SoundBankError
from engine.snapshot import pack, unpack
from engine.synth import PARTS, FluidSynth
from engine.types import GRID_FRAMES, SAMPLE_RATE_HZ, Part, SynthEvent
from tests.fakes import RecordingSynth

BAR_FRAMES = 1500 * GRID_FRAMES


@pytest.fixture(scope="module")
def bank():
    """The distribution's sound bank, or a skip with the package's name."""
    try:
        return find_bank(None)
    except SoundBankError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["fluidsynth", "fake"])
def make_synth(request):
    """A function that makes a synthesiser; all are freed at the end."""
    made = []
    bank = request.getfixturevalue("bank") if request.param == "fluidsynth" else None

    def make():
        made.append(FluidSynth(bank) if bank else RecordingSynth())
        return made[-1]

    yield make
    for synth in made:
        synth.close()


def stroke(frame, part=Part.KEYS, key=60, frames=12_800, velocity=90):
    return [SynthEvent(frame, "on", part, key, velocity), SynthEvent(frame + frames, "off", part, key, 0)]


def programs():
    return [
        SynthEvent(0, "program", part, number, 128 if part is Part.DRUMS else 0)
        for part, number in ((Part.KEYS, 4), (Part.DRUMS, 0), (Part.BASS, 32), (Part.SECOND, 11))
    ]


def bar(start, seed):
    """Strokes of all parts, in order, whose releases lie in the same bar."""
    rng = np.random.default_rng(seed)
    events = []
    for part in PARTS:
        for place in range(8):
            frame = start + (place * 120 + int(rng.integers(100))) * GRID_FRAMES
            events += stroke(frame, part, int(rng.integers(36, 50)) + (24 if part is Part.KEYS else 0), 9600)
    return sorted(events, key=lambda e: (e.frame, e.kind))


def loud_frames(sound, level=1e-4):
    return np.flatnonzero(np.abs(sound).max(axis=0) > level)


class TestContract:
    @pytest.mark.parametrize("part", PARTS, ids=str)
    def test_a_note_sounds_at_its_frame_in_its_part_alone(self, make_synth, part):
        synth = make_synth()
        key = 38 if part is Part.DRUMS else 60
        sound = synth.render([*programs(), *stroke(6400, part, key)], 48_000)
        assert sound.shape == (len(PARTS), 2, 48_000)
        assert sound.dtype == np.float32
        heard = loud_frames(sound[PARTS.index(part)])
        assert 6400 <= heard[0] < 6400 + 480
        for row, other in enumerate(PARTS):
            if other is not part:
                assert np.abs(sound[row]).max() == 0.0

    def test_blocks_of_any_size_on_the_grid_give_the_same_sound(self, make_synth):
        events = sorted([*programs(), *bar(0, 1)], key=lambda e: e.frame)
        whole = make_synth().render(events, BAR_FRAMES)
        synth, pieces = make_synth(), []
        for start, end in ((0, 64), (64, 6400), (6400, 6464), (6464, BAR_FRAMES)):
            pieces.append(synth.render([e for e in events if start <= e.frame < end], end - start))
        np.testing.assert_allclose(np.concatenate(pieces, axis=2), whole, atol=1e-6)

    def test_it_goes_on_from_a_snapshot_within_minus_100_db(self, make_synth):
        one = make_synth()
        for number in range(8):
            events = bar(number * BAR_FRAMES, number)
            one.render([*programs(), *events] if number == 0 else events, BAR_FRAMES)
        held = [SynthEvent(8 * BAR_FRAMES, "on", Part.KEYS, 55, 100)]
        one.render(held, BAR_FRAMES)
        other = make_synth()
        other.restore(unpack(pack(one.snapshot())))
        events = bar(9 * BAR_FRAMES, 99)
        np.testing.assert_allclose(other.render(events, BAR_FRAMES), one.render(events, BAR_FRAMES), atol=1e-5)


def test_a_long_night_keeps_only_the_events_of_the_last_seconds(bank):
    synth = FluidSynth(bank)
    sizes = []
    for number in range(16):
        events = bar(number * BAR_FRAMES, number)
        synth.render([*programs(), *events] if number == 0 else events, BAR_FRAMES)
        sizes.append(len(pack(synth.snapshot())))
    synth.close()
    assert sizes[-1] < sizes[8] * 1.05


def test_an_instrument_changed_long_ago_is_restored(bank):
    synth, other = FluidSynth(bank), FluidSynth(bank)
    synth.render([SynthEvent(0, "program", Part.KEYS, 11, 0)], 64)
    for _ in range(13):
        synth.render([], 750 * 64)
    other.restore(unpack(pack(synth.snapshot())))
    frame = 64 + 13 * 750 * 64
    events = stroke(frame)
    ours, theirs = other.render(events, 48_000), synth.render(events, 48_000)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert np.abs(ours).max() > 0.001
    synth.close()
    other.close()


def test_an_instrument_the_bank_lacks_is_replaced_and_still_heard(bank):
    synth = FluidSynth(bank)
    events = [SynthEvent(0, "program", Part.KEYS, 4, 77), SynthEvent(0, "program", Part.DRUMS, 99, 128)]
    strokes = sorted([*stroke(0), *stroke(0, Part.DRUMS, 38)], key=lambda e: e.frame)
    sound = synth.render([*events, *strokes], 24_000)
    synth.close()
    assert np.abs(sound[PARTS.index(Part.KEYS)]).max() > 0.001
    assert np.abs(sound[PARTS.index(Part.DRUMS)]).max() > 0.001


def test_an_event_off_the_grid_is_an_error_of_ours(bank):
    synth = FluidSynth(bank)
    with pytest.raises(AssertionError, match="64"):
        synth.render(stroke(100), 6400)
    synth.close()


@pytest.mark.parametrize("content", [b"", b"RIFF\x10\0\0\0sfbkLIST", b"\0" * 5000], ids=["empty", "cut", "zeros"])
def test_a_damaged_bank_is_named_with_the_package_to_install(tmp_path, content):
    path = tmp_path / "broken.sf2"
    path.write_bytes(content)
    with pytest.raises(SoundBankError, match=r"broken\.sf2.*musescore-general-soundfont-small"):
        FluidSynth(path)


def test_a_bank_behind_the_first_is_opened_when_it_is_needed_and_replaced_where_it_is_damaged(tmp_path, caplog):
    broken = tmp_path / "general.sf3"
    broken.write_bytes(b"RIFF\x10\0\0\0sfbkLIST")
    synth = FluidSynth(OWN_BANK, broken)
    own = SynthEvent(0, "program", Part.KEYS, 4, 0)
    synth.render([own, *stroke(0)], 6400)
    assert not caplog.messages
    only_general = SynthEvent(6400, "program", Part.KEYS, 59, GENERAL_ONLY)
    sound = synth.render([only_general, *stroke(6400)], 6400)
    synth.close()
    assert np.abs(sound[PARTS.index(Part.KEYS)]).max() > 1e-3
    assert [message.split(": ")[0] for message in caplog.messages] == [str(broken)]


def test_a_missing_bank_is_named_with_the_package_to_install(tmp_path):
    with pytest.raises(SoundBankError, match=r"none\.sf2.*musescore-general-soundfont-small"):
        find_bank(tmp_path / "none.sf2")


def test_a_missing_library_is_named_with_the_package_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    with pytest.raises(SoundBankError, match="libfluidsynth3"):
        FluidSynth(tmp_path / "any.sf2")


def test_what_the_binding_says_where_ci_is_set_leaves_standard_output_alone(bank):
    script = f"from pathlib import Path; from engine.synth import FluidSynth; FluidSynth(Path({str(bank)!r})).close()"
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {"CI": "true"}, capture_output=True, check=True
    )
    assert done.stdout == b""
    assert b"fluidsynth" in done.stderr


def test_the_clock_of_the_synthesiser_may_stand_anywhere(bank):
    frame = (2**32 // GRID_FRAMES + 5) * GRID_FRAMES
    synth = FluidSynth(bank)
    synth.restore({"frame": frame, "programs": [["keys", 0, 4]], "events": []})
    sound = synth.render(stroke(frame + 640), SAMPLE_RATE_HZ)
    synth.close()
    assert 640 <= loud_frames(sound[PARTS.index(Part.KEYS)])[0] < 1200
