"""A keyboard and a microphone, played by the test; and what is said where there is none."""

from __future__ import annotations

import mido
import numpy as np
import pytest

from radio import live
from radio.errors import RenderError
from radio.live import hear_keyboard, hear_microphone, listen


class Keyboard:
    """A MIDI back end with one keyboard on which two notes are played, the second one held."""

    def __init__(self, names=("Midi Through", "Stage 73")):
        self.names, self.opened, self.now = names, "", 0.0
        self.script = [
            (0.5, "note_on", 60, 90),
            (1.0, "note_off", 60, 0),
            (1.5, "note_on", 64, 70),
            (2.5, "note_on", 64, 0),
        ]

    def get_input_names(self):
        return list(self.names)

    def open_input(self, name):
        self.opened = name
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def iter_pending(self):
        while self.script and self.script[0][0] <= self.now:
            _, kind, note, velocity = self.script.pop(0)
            yield mido.Message(kind, note=note, velocity=velocity)

    def clock(self):
        self.now += 0.1
        return self.now


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(live.time, "sleep", lambda _s: None)


def test_what_is_played_on_a_keyboard_is_heard_until_a_pause():
    keyboard, said = Keyboard(), []
    notes = hear_keyboard(said.append, keyboard, keyboard.clock)
    assert keyboard.opened == "Stage 73"
    assert "Stage 73" in said[0]
    assert [(note.pitch, note.velocity) for note in notes] == [(60, 90), (64, 70)]
    assert notes[0].end_s - notes[0].onset_s == pytest.approx(0.5, abs=0.11)
    assert keyboard.now < 8


def test_without_a_keyboard_or_its_driver_the_other_way_is_told():
    with pytest.raises(RenderError, match=r"no MIDI keyboard here. Plug one in, or use --prompt-midi"):
        hear_keyboard(print, Keyboard(("Midi Through Port-0",)))

    class NoDriver:
        def get_input_names(self):
            raise ModuleNotFoundError("No module named 'rtmidi'")

    with pytest.raises(RenderError, match="pip install python-rtmidi"):
        hear_keyboard(print, NoDriver())


def test_a_microphone_that_hears_nothing_or_is_not_there_is_told(monkeypatch):
    with pytest.raises(RenderError, match="the microphone hears nothing"):
        hear_microphone(print, lambda seconds: np.zeros(round(seconds), np.float32))
    with pytest.raises(RenderError, match="microphone"):
        listen("mic")
    with pytest.raises(RenderError, match="neither midi nor mic"):
        listen("flute")
