"""Bars and pieces as pages and scripts are told about them: JSON values. Knows nothing about HTTP or who asks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from engine import DOWNBEAT_FRAMES, SAMPLE_RATE_HZ, TICKS_PER_BAR, Bar, BarStart, Chord, Piece, chord_name, typeset
from radio.nowplaying import key_name
from radio.web.views import PlayedPiece
from radio.wishes import Wish

SECTIONS = {
    "intro": "intro",
    "a": "first theme",
    "b": "second theme",
    "breakdown": "breakdown",
    "a_return": "first theme again",
    "outro": "outro",
}

Json = dict[str, Any]
Note = tuple[float, float, int, int, str]
"""Onset and length in seconds from the bar's down-beat, MIDI pitch and velocity, part."""


def iso(moment: datetime) -> str:
    """Write a moment as `2026-12-01T20:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def chord_text(chord: Chord | None, piece: Piece) -> str | None:
    """Write a chord as musicians do in the key of a piece: `B♭m7♭5` in E♭ minor, `A♯m7♭5` in E major."""
    return None if chord is None else typeset(chord_name(chord, piece.key, piece.minor))


def section_name(bar: Bar) -> str:
    """Name the section of a bar for people."""
    return SECTIONS.get(bar.section.value, bar.section.value)


def bar_facts(start: BarStart, wall: datetime) -> Json:
    """Tell about a bar whose first frame went out at `wall`."""
    bar = start.bar
    return {
        "started_at": iso(wall),
        "seconds": round(start.frames / SAMPLE_RATE_HZ, 3),
        "piece": bar.piece.number,
        "piece_bar": bar.piece_bar,
        "piece_bars": bar.piece.bars,
        "title": bar.piece.title,
        "key": key_name(bar.piece),
        "bpm": round(bar.bpm, 1),
        "mood": bar.mood,
        "section": section_name(bar),
        "chords": [chord_text(chord, bar.piece) for chord in bar.chords],
    }


def bar_score(start: BarStart, wall: datetime) -> Json:
    """Tell about a bar with its notes and where it lies in the broadcast."""
    return bar_facts(start, wall) | {
        "index": start.bar.index,
        "frame": start.frame,
        "downbeat_s": round(DOWNBEAT_FRAMES / SAMPLE_RATE_HZ, 4),
        "notes": notes(start),
    }


def notes(start: BarStart) -> list[Note]:
    """The notes of a bar as they are played, or on the bare grid where nobody has played it; sorted by onset."""
    events = start.bar.events
    places = start.played or [
        (event.tick * start.frames // TICKS_PER_BAR, (event.tick + event.length_ticks) * start.frames // TICKS_PER_BAR)
        for event in events
    ]
    told = [
        (
            round(on / SAMPLE_RATE_HZ, 3),
            round((off - on) / SAMPLE_RATE_HZ, 3),
            event.pitch,
            event.velocity,
            event.part.value,
        )
        for event, (on, off) in zip(events, places, strict=True)
    ]
    return sorted(told)


def piece_facts(start: BarStart, began: datetime) -> Json:
    """Tell about a piece whose first frame went out at `began`."""
    piece = start.bar.piece
    return {
        "title": piece.title,
        "key": key_name(piece),
        "bpm": round(piece.bpm, 1),
        "mood": start.bar.mood,
        "started_at": iso(began),
        "number": piece.number,
        "bars": piece.bars,
    }


def played_facts(piece: PlayedPiece) -> Json:
    """Tell about a piece of the past."""
    return {
        "title": piece.title,
        "key": piece.key,
        "bpm": round(piece.bpm, 1),
        "mood": piece.mood,
        "started_at": iso(piece.started_at),
    }


def wish_facts(wish: Wish) -> Json:
    """Tell about a mood that was asked for."""
    return {
        "mood": wish.mood,
        "by": wish.by,
        "asked_at": iso(wish.asked_at),
        "on_air_at": iso(wish.on_air_at),
        "in_s": round(wish.reach.seconds, 2),
        "in_bars": wish.reach.bars,
        "drift_minutes": wish.drift_minutes,
    }
