import hashlib

import mido
import numpy as np
import pytest
import soundfile
from fakes_web import BAR_FRAMES, bar_start

from engine import MOODS, SAMPLE_RATE_HZ, AudioBlock, RenderedBar
from radio.encoders import MP3_FRAMES
from radio.errors import RenderError
from radio.render import FADE_IN_FRAMES, Order, envelope, render


class Tone:
    """Plays one loud steady value for ever, in bars of three seconds."""

    def __init__(self, fails_at=99):
        self.bars = 0
        self.fails_at = fails_at

    def render_bar(self):
        if self.bars == self.fails_at:
            raise OSError(28, "No space left on device")
        samples = np.full((BAR_FRAMES, 2), 0.5, np.float32)
        start = bar_start(self.bars, piece_bar=self.bars)
        self.bars += 1
        return RenderedBar(AudioBlock(start.frame, samples, (start,)), b"")


def order(tmp_path, name="x.flac", seconds=7.0, **more):
    return Order(MOODS["rainy"], seconds, 5, tmp_path / name, **more)


@pytest.mark.parametrize("name", ["x.flac", "x.wav", "X.WAV"])
def test_lossless_files_have_exactly_the_length_asked_for(name, tmp_path):
    bars = render(order(tmp_path, name), Tone())
    samples, rate = soundfile.read(tmp_path / name)
    assert rate == SAMPLE_RATE_HZ
    assert samples.shape == (7 * SAMPLE_RATE_HZ, 2)
    assert len(bars) == 3
    assert soundfile.info(tmp_path / name).subtype == "PCM_24"
    with soundfile.SoundFile(tmp_path / name) as file:
        assert file.title == "lofi-radio: rainy, seed 5"


def test_mp3_has_the_length_asked_for_and_is_the_same_sound(tmp_path):
    render(order(tmp_path, "x.mp3"), Tone())
    samples, rate = soundfile.read(tmp_path / "x.mp3")
    assert rate == SAMPLE_RATE_HZ
    assert abs(len(samples) - 7 * SAMPLE_RATE_HZ) <= 2 * MP3_FRAMES
    assert abs(np.abs(samples[SAMPLE_RATE_HZ : 2 * SAMPLE_RATE_HZ]).mean() - 0.5) < 0.2


def test_it_fades_in_and_out_without_a_step(tmp_path):
    render(order(tmp_path, seconds=20.0), Tone())
    samples = soundfile.read(tmp_path / "x.flac")[0][:, 0]
    assert samples[0] == 0
    assert samples[-1] == 0
    assert samples[FADE_IN_FRAMES : 12 * SAMPLE_RATE_HZ] == pytest.approx(0.5, abs=1e-6)
    assert np.abs(np.diff(samples)).max() < 0.5 * 4 / FADE_IN_FRAMES
    assert (np.diff(samples[14 * SAMPLE_RATE_HZ :]) <= 1e-6).all()


def test_the_envelope_is_the_same_in_pieces_of_any_size():
    whole = envelope(0, 100_000, 100_000)
    for size in (64, 65, 8191):
        pieces = [envelope(at, min(size, 100_000 - at), 100_000) for at in range(0, 100_000, size)]
        assert np.array_equal(np.concatenate(pieces), whole)


def test_the_same_order_gives_the_same_file(tmp_path):
    digests = set()
    for name in ("a.wav", "b.wav"):
        render(order(tmp_path, name), Tone())
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_the_notes_are_written_beside_the_sound(tmp_path):
    render(order(tmp_path, midi=tmp_path / "x.mid"), Tone())
    file = mido.MidiFile(tmp_path / "x.mid")
    assert file.ticks_per_beat % 48 == 0
    assert file.length == pytest.approx(3 * 4 * 60 / 80, abs=0.1)


def test_progress_is_told_up_to_the_end(tmp_path):
    told = []
    render(order(tmp_path), Tone(), told.append)
    assert told == sorted(told)
    assert told[-1] == 7 * SAMPLE_RATE_HZ


@pytest.mark.parametrize("name", ["x.flac", "x.mp3"])
def test_a_failure_leaves_an_older_file_alone_and_no_other_behind(name, tmp_path):
    (tmp_path / name).write_bytes(b"older")
    with pytest.raises(RenderError, match=r"cannot be written .*No space left.*free space"):
        render(order(tmp_path, name), Tone(fails_at=2))
    assert (tmp_path / name).read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "seconds", "seed", "midi", "wanted"),
    [
        ("x.ogg", 5, 1, None, r"cannot write \.ogg. Use \.flac, \.wav or \.mp3\."),
        ("x", 5, 1, None, "cannot write a file without an ending"),
        ("none/x.wav", 5, 1, None, "there is no folder"),
        ("x.wav", 0, 1, None, "--seconds 0: must be 1 to 14400"),
        ("x.wav", float("nan"), 1, None, "--seconds nan: must be 1 to 14400"),
        ("x.wav", 5, -1, None, "--seed -1: must be 0 to"),
        ("x.wav", 5, 1, "x.midd", "a MIDI file ends in .mid"),
        ("folder.wav", 5, 1, None, "this is a folder"),
    ],
)
def test_an_order_that_cannot_be_done_is_refused_before_any_work(name, seconds, seed, midi, wanted, tmp_path):
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(RenderError, match=wanted):
        Order(MOODS["rainy"], seconds, seed, tmp_path / name, tmp_path / midi if midi else None)
