import hashlib
import json
import os
from dataclasses import replace

import av
import mido
import numpy as np
import pyloudnorm
import pytest
import soundfile
from fakes_web import BAR_FRAMES, bar_start

from engine import MOODS, SAMPLE_RATE_HZ, STEMS, AudioBlock, Extent, RenderedBar, StationSetup
from engine.track import FADE_IN_FRAMES
from radio.encoders import MP3_FRAMES
from radio.errors import RenderError
from radio.render import render, sweep
from radio.render_order import Order, numbered, parse_parts, parse_seconds
from radio.sound_file import SUFFIXES, read_comment


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
        stems = {name: samples / len(STEMS) for name in STEMS}
        return RenderedBar(AudioBlock(start.frame, samples, (start,)), b"", None, stems)

    ring_out = render_bar


def order(tmp_path, name="x.flac", seconds=7.0, seed=5, **more):
    return Order(StationSetup(MOODS["rainy"], seed), Extent(seconds), tmp_path / name, **more)


@pytest.mark.parametrize("name", ["x.flac", "x.wav", "X.WAV"])
def test_lossless_files_have_exactly_the_length_asked_for(name, tmp_path):
    done = render(order(tmp_path, name), Tone())
    samples, rate = soundfile.read(tmp_path / name)
    assert rate == SAMPLE_RATE_HZ
    assert samples.shape == (7 * SAMPLE_RATE_HZ, 2)
    assert len(done.bars) == 3
    assert soundfile.info(tmp_path / name).subtype == "PCM_24"
    with soundfile.SoundFile(tmp_path / name) as file:
        assert file.title == done.pieces[0]


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
    render(order(tmp_path), Tone(), (), lambda *news: told.append(news))
    assert told == sorted(told)
    assert told[-1] == (7 * SAMPLE_RATE_HZ, 7 * SAMPLE_RATE_HZ)


@pytest.mark.parametrize("name", ["x.flac", "x.mp3"])
def test_a_failure_leaves_an_older_file_alone_and_no_other_behind(name, tmp_path):
    (tmp_path / name).write_bytes(b"older")
    with pytest.raises(RenderError, match=r"cannot be written .*No space left.*free space"):
        render(order(tmp_path, name), Tone(fails_at=2))
    assert (tmp_path / name).read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "more", "wanted"),
    [
        ("x.ogg", {}, r"cannot write \.ogg. Use \.flac, \.wav, \.mp3, \.opus or \.m4a\."),
        ("x", {}, "cannot write a file without an ending"),
        ("none/x.wav", {}, "there is no folder"),
        ("x.wav", {"seed": -1}, "--seed -1: must be 0 to"),
        ("x.wav", {"midi": "x.midd"}, "a MIDI file ends in .mid"),
        ("x.wav", {"lufs": 0.0}, "--lufs 0: must be -40 to -8"),
        ("x.wav", {"stems": "file"}, "this is a file. --stems names a folder"),
        ("folder.wav", {}, "this is a folder"),
    ],
)
def test_an_order_that_cannot_be_done_is_refused_before_any_work(name, more, wanted, tmp_path):
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "file").touch()
    paths = {key: tmp_path / value for key, value in more.items() if key in ("midi", "stems")}
    with pytest.raises(RenderError, match=wanted):
        order(tmp_path, name, **more | paths)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_carries_title_licence_seed_and_where_it_comes_from(suffix, tmp_path):
    wanted = order(tmp_path, f"x{suffix}", seconds=2.0, title="Tea & rain")
    render(wanted, Tone())
    told = json.loads(read_comment(wanted.out))
    assert told["seed"] == 5
    assert told["order"] == wanted.digest
    with av.open(str(wanted.out)) as container:
        tags = {**container.metadata, **container.streams.audio[0].metadata}
        tags = {key.lower(): value for key, value in tags.items()}
        assert container.streams.audio[0].rate == SAMPLE_RATE_HZ
        frames = sum(frame.samples for frame in container.decode(audio=0))
    assert tags["title"] == "Tea & rain"
    assert tags["copyright"].startswith("CC0")
    assert abs(frames - 2 * SAMPLE_RATE_HZ) <= 2 * MP3_FRAMES


def test_the_whole_track_has_the_loudness_asked_for_and_stems_still_add_up(tmp_path):
    class Noise(Tone):
        def render_bar(self):
            rendered = super().render_bar()
            noise = np.random.default_rng(self.bars).normal(0, 0.05, rendered.block.samples.shape).astype(np.float32)
            stems = {name: noise / len(STEMS) for name in STEMS}
            return RenderedBar(replace(rendered.block, samples=noise), b"", None, stems)

    done = render(order(tmp_path, lufs=-20.0, stems=tmp_path / "parts"), Noise())
    mix = soundfile.read(tmp_path / "x.flac")[0]
    assert done.lufs == pytest.approx(-20, abs=0.1)
    assert pyloudnorm.Meter(SAMPLE_RATE_HZ).integrated_loudness(mix) == pytest.approx(-20, abs=0.1)
    assert sorted(path.stem for path in (tmp_path / "parts").iterdir()) == sorted(STEMS)
    together = sum(soundfile.read(path)[0] for path in (tmp_path / "parts").iterdir())
    assert np.abs(together - mix).max() < 1e-5


def test_peaks_come_before_loudness(tmp_path):
    done = render(order(tmp_path, seconds=3.0, lufs=-8.0), Tone())
    assert done.true_peak_dbtp <= -1.0 + 1e-6


def test_what_a_killed_render_left_is_swept_and_that_of_a_living_one_is_not(tmp_path):
    dead, living = tmp_path / ".x.flac.4194399.part", tmp_path / f".x.flac.{os.getpid()}.part"
    dead.touch(), living.touch()
    sweep(order(tmp_path))
    assert not dead.exists()
    assert living.exists()


def test_a_batch_has_numbers_or_what_the_name_says(tmp_path):
    plain = list(numbered(order(tmp_path, midi=tmp_path / "x.mid", stems=tmp_path / "parts"), 2))
    assert [one.out.name for one in plain] == ["x-001.flac", "x-002.flac"]
    assert [one.midi.name for one in plain] == ["x-001.mid", "x-002.mid"]
    assert [one.stems.name for one in plain] == ["x-001", "x-002"]
    assert [one.setup.seed for one in plain] == [5, 6]
    named = list(numbered(order(tmp_path, "a{n}-{seed}.mp3"), 1))
    assert named[0].out.name == "a001-5.mp3"
    assert len({one.digest for one in plain}) == 2


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("1:30", 90), ("1:02:03.5", 3723.5), ("0:05", 5)]
)  # fmt: skip
def test_lengths_are_seconds_or_minutes_and_seconds(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "two", "1:75", "1:-5", "1:2:3:4"])
def test_what_is_no_length_is_refused(text):
    with pytest.raises(RenderError, match="not a length"):
        parse_seconds(text)


def test_parts_are_named():
    assert parse_parts("drums, keys") == ("drums", "keys")
    with pytest.raises(RenderError, match="'piano' is no part"):
        parse_parts("piano")
