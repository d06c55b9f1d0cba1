"""Recordings become notes: known ones, played by our own synthesiser, are heard again."""

from __future__ import annotations

import numpy as np
import pytest

from bench.hearing import INSTRUMENTS, compare, phrase, play
from engine import hearing
from engine.banks import find_banks
from engine.errors import PromptError, SoundBankError
from engine.hearing import Heard, notes_in, transcribe
from engine.prompts import notes_prompt


@pytest.fixture(autouse=True)
def tools_are_there():
    """Skip where the network or a sound bank is not installed."""
    try:
        find_banks(None)
        hearing._session()
    except (PromptError, SoundBankError) as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", ["electric piano", "grand piano"])
def test_nine_of_ten_known_notes_are_heard_and_hardly_any_that_are_not_there(name):
    notes = phrase(3, 10.0)
    heard = transcribe(play(notes, INSTRUMENTS[name]))
    result = compare(notes, heard)
    assert result.recall >= 0.9
    assert result.precision >= 0.85
    assert len(notes_prompt(heard, name).bars) >= 2


def test_silence_and_noise_hold_no_notes_or_few():
    assert transcribe(np.zeros(22_050, np.float32)) == []
    noise = np.random.default_rng(1).normal(0, 0.1, 44_100).astype(np.float32)
    assert len(transcribe(noise)) < 12


def test_without_the_package_the_remedy_is_told(monkeypatch):
    hearing._session.cache_clear()
    monkeypatch.setattr(hearing, "find_spec", lambda _name: None)
    with pytest.raises(PromptError, match="pip install --no-deps basic-pitch"):
        transcribe(np.zeros(22_050, np.float32))
    hearing._session.cache_clear()


def test_a_key_that_sounds_on_under_another_stroke_is_one_note_and_one_struck_again_is_two():
    def heard(second_onset):
        sounds, onsets = np.zeros((100, 88), np.float32), np.zeros((100, 88), np.float32)
        sounds[10:60, 39] = 0.8
        onsets[10, 39], onsets[35, 39] = 0.95, second_onset
        return notes_in(Heard(sounds, onsets))

    assert [note.pitch for note in heard(0.7)] == [60]
    assert [note.pitch for note in heard(0.95)] == [60, 60]
