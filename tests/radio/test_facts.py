"""What pages are told of a bar."""

from dataclasses import replace

from fakes_web import bar_start

from engine import NoteEvent, Part
from radio.web.facts import notes


def test_notes_are_told_as_they_are_played_in_the_order_of_their_onsets():
    struck = (NoteEvent(0, 48, 60, 80, Part.KEYS), NoteEvent(12, 6, 36, 100, Part.DRUMS))
    start = bar_start(0)
    played = replace(start, bar=replace(start.bar, events=struck), played=((960, 48_000), (-480, 23_520)))
    assert notes(played) == [(-0.01, 0.5, 36, 100, "drums"), (0.02, 0.98, 60, 80, "keys")]
