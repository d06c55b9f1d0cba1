"""Recordings that somebody brings are decoded, or refused with a reason."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
import soundfile

from engine import PITCH_RATE_HZ, SAMPLE_RATE_HZ, PromptError
from radio.sound_file import SUFFIXES, open_sound
from radio.sound_in import decode_sound


def tone(seconds=2.0):
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ)
    return np.stack([wave, wave], axis=1).astype(np.float32)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_common_format_is_read_as_mono_at_the_models_rate(suffix, tmp_path):
    path = tmp_path / f"x{suffix}"
    with open_sound(path, suffix, {}) as writer:
        writer.write(tone())
    for source in (path, path.read_bytes()):
        sound = decode_sound(source, path.name, 60)
        assert len(sound) == pytest.approx(2 * PITCH_RATE_HZ, rel=0.05)
        spectrum = np.abs(np.fft.rfft(sound))
        assert np.argmax(spectrum) * PITCH_RATE_HZ / len(sound) == pytest.approx(440, abs=2)


def wav(samples, rate=44_100):
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="WAV")
    return out.getvalue()


def test_only_the_first_seconds_are_listened_to():
    assert len(decode_sound(wav(tone(3.0), SAMPLE_RATE_HZ), "x.wav", 1.5)) == round(1.5 * PITCH_RATE_HZ)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no sound that can be read"),
        (b"hello, this is text and not sound" * 40, "no sound that can be read"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/hostname\n", "no sound that can be read"),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "no sound that can be read"),
        (wav(np.zeros((44_100, 2))), "silence"),
        (wav(np.full((3000, 2), 0.2)), "too short"),
    ],
    ids=["empty", "text", "playlist", "concat", "silence", "short"],
)
def test_what_is_no_recording_is_refused_with_a_reason(data, said):
    with pytest.raises(PromptError, match=said):
        decode_sound(data, "x", 60)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(PromptError, match="cannot be read"):
        decode_sound(tmp_path / "none.wav", "none.wav", 60)


def reason_for(data):
    try:
        decode_sound(data, "x", 5)
    except PromptError as problem:
        return str(problem)
    return ""


def test_damaged_recordings_never_raise_anything_but_a_reason(tmp_path):
    rng = random.Random(7)
    whole = []
    for suffix in SUFFIXES:
        with open_sound(tmp_path / "x", suffix, {}) as writer:
            writer.write(tone(0.8))
        whole.append((tmp_path / "x").read_bytes())
    refused = 0
    for number in range(40):
        data = bytearray(whole[number % len(whole)])
        for _ in range(rng.randrange(1, 40)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if number % 3 == 0:
            del data[rng.randrange(len(data)) :]
        refused += reason_for(bytes(data)).startswith("x: ")
    assert refused > 0
