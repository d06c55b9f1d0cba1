"""Rows as the radio journals them, and what a journal on the disk has counted."""

import time
from datetime import UTC, datetime

from engine import Bar, BarStart, Chord, NoteEvent, Part, Piece, Section
from radio.journal_bars import Airing, bar_row


def start(index=0, mood="study"):
    piece = Piece(3, "Tea Going Cold", 2**64 - 1, 78.5, 3, True, 48)
    notes = (NoteEvent(-4, 6, 36, 100, Part.DRUMS), NoteEvent(0, 96, 60, 70, Part.KEYS))
    bar = Bar(index, piece, 5, Section.A, (Chord(0, "maj7"), None), notes, mood, "models")
    return BarStart(index * 150_000, 150_000, bar)


def row(index=0, station="lofi"):
    wall = datetime(2026, 12, 1, 20, 0, index % 60, tzinfo=UTC)
    return bar_row(start(index), Airing(station, wall, seed=5, assets="abc"))


def value(metrics, name):
    return metrics.registry.get_sample_value(f"lofi_journal_{name}_total")


def wait_for(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)
