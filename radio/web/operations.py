"""What is known of each route: what it takes, what it answers and when it says no. Knows nothing about handlers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Value:
    """One value that a route takes."""

    name: str
    about: str
    kind: str = "string"
    """`string`, `number`, `integer`, `boolean`, `number|null` or `object`: as JSON knows it."""
    place: str = "query"
    """`query` or `header`."""
    needed: bool = False
    """Whether there is nothing to do without it."""
    example: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """One kind of body that a route takes as it is; its values then stand in the address."""

    kind: str
    """Content type."""
    about: str
    example: str | None = None
    """Of a body that is text."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What is known about a route."""

    summary: str
    answer: str
    """Name of the schema of what it answers, or a content type that is no JSON."""
    values: tuple[Value, ...] = ()
    status: int = 200
    guarded: bool = False
    refusals: tuple[int, ...] = ()
    bodies: tuple[Body, ...] = ()
    """What a POST carries instead of its values as JSON."""
    also: tuple[int, ...] = ()
    """Other statuses with the same answer."""


_STATION = Value("station", "Name of a station; the first one without it.")
_SPAN = (
    Value("hours", "Hold for so long, whatever the schedule says.", "number"),
    Value("until", "Hold until a moment, such as 2026-12-24T18:00:00Z."),
    Value("drift_minutes", "How long the music takes to get there.", "number"),
)
_FORMAT = Value("format", "`text`: answer with one sentence.")
_EVENTS = (_STATION, Value("after", "Go on after the event with this id."))


_AT = Value("at", "2026-12-01T20:00:05Z, with any offset, Unix time, or `90m ago`.")
_LISTENER = (Value("id", "What the stream was asked for with, /stream.mp3?id=…: 8-64 letters, digits, _ and -."),)
_CLIP = (
    Value("from", "Its beginning, written as `at` of /api/provenance."),
    Value("seconds", "Its length; 60 without it.", "number"),
    Value("piece", "Instead: a piece by the id that /api/provenance tells."),
    Value("piece_at", "Instead: the piece that was on air at a moment."),
    Value("format", "mp3, flac, wav, opus, m4a or mid; mp3 without it."),
    _STATION,
)
_BURST = (
    Value("burst", "`low`: half a second of the past instead of all there is."),
    Value("id", "A word of the listener's own, for /api/listener."),
)
_TITLES = Value("Icy-MetaData", "1: titles stand between the bytes, every `icy-metaint` of them.", place="header")


def _stream(what: str, kind: str, *values: Value) -> Operation:
    return Operation(f"The sound, endless: {what}.", kind, (*values, *_BURST), refusals=(503,))


def _control(summary: str, *values: Value) -> Operation:
    return Operation(summary, "Change", (*values, _STATION, _FORMAT), 202, True, (400, 401, 409, 413, 429))


_MOOD = _control("Play a mood.", Value("mood", "Its name."), *_SPAN)
_BLEND = _control("Play a mixture of moods; their names with weights.", Value("blend", "study:0.7,rainy:0.3"), *_SPAN)
_SKIP = _control("End the piece.", Value("ending", "False: without its ending.", "boolean"))
_BPM = _control("Set the tempo of the pieces to come.", Value("bpm", "40-140; null: the mood's.", "number|null"))
_LAYERS = _control(
    "Move the loops.",
    Value("vinyl", "dB over the mood, -60 to 30.", "number"),
    Value("ambience", "dB over the mood, -60 to 30.", "number"),
    Value("loops", "rain:-25,fire:-30 instead of the mood's."),
    Value("reset", "Leave all to the mood again.", "boolean"),
)
_SCHEDULE = replace(
    _control(
        "Read the schedule, or overrule it.",
        Value("pause", "It says nothing until it goes on.", "boolean"),
        Value("override", "A mood, or moods with weights."),
        Value("release", "Forget what was asked for.", "boolean"),
        *_SPAN,
    ),
    also=(200,),
)
_WORDS = replace(
    _control(
        "Play what some words ask for, from where the music stands; tell what was understood and which numbers move.",
        Value(
            "words", "What it shall be like, English or German, 500 characters at most.", needed=True,
            example="rainy night in a small cafe, slow, no drums",
        ),
        Value("try", "True: only tell what is understood; nothing changes.", "boolean"),
        *_SPAN,
    ),
    answer="Understood",
    also=(200,),
    refusals=(400, 401, 409, 413, 429, 503),
)  # fmt: skip
_SEED = Operation(
    "A piece goes on from what is sent.",
    "Seeded",
    (
        Value("name", "What people call it, such as song.mid; 80 characters are kept."),
        Value("quote", "So many of its bars open the piece, 0-32; 4 without it.", "integer"),
        _STATION,
    ),
    202,
    True,
    (400, 401, 409, 413, 429),
    (
        Body("audio/midi", "A MIDI file; it is known by its first bytes, too, whatever type is told."),
        Body("audio/*", "A recording: WAV, FLAC, MP3, Ogg, Opus, M4A …; its notes are heard."),
        Body("text/plain", "Notes as MIDICompact: pitch:velocity in hexadecimal, waits of 8 ms.", "3c:d t62 3c:0"),
        Body("application/octet-stream", "A MIDI file or a recording; which one is found out."),
    ),
)
OPERATIONS: Mapping[str, Operation] = {
    "/api/nowplaying": Operation("What a station plays.", "NowPlaying", (_STATION,), refusals=(404,)),
    "/api/nowplaying/{station}": Operation("The same, by name or number.", "NowPlaying", refusals=(404,)),
    "/api/stations": Operation("All stations and what they play.", "Stations"),
    "/api/moods": Operation("All moods, as tiles show them.", "Moods"),
    "/api/history": Operation(
        "Pieces that went on air, newest first.", "History",
        (_STATION, Value("before", "Begun before this moment."), Value("limit", "1-100; 25 without it.", "integer")),
        refusals=(400, 404, 503),
    ),
    "/api/events": Operation("What happens, as Server-Sent Events.", "text/event-stream", _EVENTS, refusals=(404, 503)),
    "/api/ws": Operation("The same over WebSocket.", "websocket", _EVENTS, 101, refusals=(404, 426, 503)),
    "/api/openapi.json": Operation("This document.", "Document"),
    "/api/listener": Operation("With which frame a stream began, and what time it is here.", "Listener", _LISTENER),
    "/api/ambience": Operation("Loops for a listener's own room.", "Ambience"),
    "/ambience/{name}.mp3": Operation("One of them, 64 kb/s.", "audio/mpeg", refusals=(404,)),
    "/api/provenance": Operation(
        "What was on air at a moment and what it was made of.", "Provenance", (_AT, _STATION), refusals=(400, 404, 503)
    ),
    "/api/provenance/key": Operation("Public keys of the station, oldest first.", "Keys", refusals=(503,)),
    "/api/provenance/digests": Operation("Names of the signed days.", "Digests"),
    "/api/provenance/digests/{name}": Operation("A signed day.", "Digest", refusals=(404,)),
    "/api/clip": Operation(
        "A past minute or a whole piece as a file.", "audio/*", _CLIP, refusals=(400, 404, 429, 503), also=(206,)
    ),
    "/stream.mp3": _stream("MP3", "audio/mpeg", _TITLES),
    "/stream.aac": _stream("AAC (ADTS)", "audio/aac", _TITLES),
    "/stream.opus": _stream("Opus in Ogg; titles are in the stream", "audio/ogg"),
    "/stream.m3u": Operation("A playlist file with the stream's address.", "audio/x-mpegurl"),
    "/stream.pls": Operation("The same as PLS.", "audio/x-scpls"),
    "/hls/{list}.m3u8": Operation(
        "HLS: `live`, or the name of a rendition.", "application/vnd.apple.mpegurl", refusals=(404, 503)
    ),
    "/hls/{name}": Operation("A segment that a playlist names.", "audio/aac", refusals=(404,)),
    "/healthz": Operation("The process is alive.", "text/plain"),
    "/readyz": Operation("Every station is on air and heard, a line for each.", "text/plain", refusals=(503,)),
    "/metrics": Operation("Numbers for Prometheus; `security.metrics` says for whom.", "text/plain"),
    "/api/control/mood": _MOOD,
    "/api/control/blend": _BLEND,
    "/api/control/skip": _SKIP,
    "/api/control/bpm": _BPM,
    "/api/control/layers": _LAYERS,
    "/api/control/schedule": _SCHEDULE,
    "/api/control/words": _WORDS,
    "/api/control/seed": _SEED,
}  # fmt: skip
"""By path, as the first station has it."""
SAYS: Mapping[int, str] = {
    400: "Asked wrongly; the sentence says how.", 401: "Not the control token.",
    404: "There is no such station or thing.",
    409: "A browser that looks ahead sent the token in the address: nothing was done.", 413: "The body is too long.",
    426: "Not a WebSocket.", 429: "Too much for now; wait as Retry-After says.",
    503: "Not now; ask again.",
}  # fmt: skip
"""What an answer of that status means."""
