"""Shapes of what the API answers, as JSON Schema. Knows nothing about routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
NUMBER: Schema = {"type": "number"}
MAYBE_NUMBER: Schema = {"type": ["number", "null"]}
WHOLE: Schema = {"type": "integer"}
TRUTH: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
MAYBE_MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
CHOICE: Schema = {"type": ["string", "object"], "additionalProperties": {"type": "number"}}


def shape(**properties: Schema) -> Schema:
    """An object with all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def several(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


def ref(name: str) -> Schema:
    """Another schema."""
    return {"$ref": f"#/components/schemas/{name}"}


_BAR = {
    "started_at": MOMENT, "seconds": NUMBER, "piece": WHOLE, "piece_bar": WHOLE, "piece_bars": WHOLE, "title": TEXT,
    "key": TEXT, "bpm": NUMBER, "mood": TEXT, "section": TEXT, "chords": several(MAYBE_TEXT),
}  # fmt: skip
_PIECE = {"title": TEXT, "key": TEXT, "bpm": NUMBER, "mood": TEXT, "started_at": MOMENT}
_LISTENERS = shape(total=WHOLE, unique=WHOLE, current=WHOLE)
_SONG = shape(id=TEXT, art=TEXT, text=TEXT, artist=TEXT, title=TEXT, album=TEXT, genre=TEXT)
_PLAY = {
    "sh_id": WHOLE, "played_at": WHOLE, "duration": WHOLE, "playlist": TEXT, "streamer": TEXT, "is_request": TRUTH,
    "song": _SONG,
}  # fmt: skip
_STATION = {
    "id": WHOLE, "name": TEXT, "shortcode": TEXT, "description": TEXT, "frontend": TEXT, "backend": TEXT,
    "timezone": TEXT, "listen_url": TEXT, "url": TEXT, "public_player_url": TEXT, "playlist_pls_url": TEXT,
    "playlist_m3u_url": TEXT, "is_public": TRUTH, "requests_enabled": TRUTH,
    "mounts": several(shape(id=WHOLE, name=TEXT, url=TEXT, bitrate=WHOLE, format=TEXT, listeners=_LISTENERS, path=TEXT,
                            is_default=TRUTH)),
    "remotes": {"type": "array"}, "hls_enabled": TRUTH, "hls_is_default": TRUTH, "hls_url": MAYBE_TEXT,
    "hls_listeners": WHOLE,
}  # fmt: skip
_LOFI = shape(
    station=TEXT, station_title=TEXT, description=TEXT, stream=TEXT, now=MOMENT, latency_s=NUMBER, on_air=TRUTH,
    reason=TEXT, title=TEXT, key=MAYBE_TEXT, bpm=MAYBE_NUMBER, mood=MAYBE_TEXT, section=MAYBE_TEXT,
    chords=several(MAYBE_TEXT), composer=MAYBE_TEXT, started_at=MAYBE_MOMENT, elapsed_s=MAYBE_NUMBER,
    length_s=MAYBE_NUMBER, bars=several(ref("Bar")), history=several(shape(**_PIECE)), listeners=WHOLE,
    troubles=several(TEXT),
)  # fmt: skip
_WHEN = {"on_air_at": MOMENT, "in_s": NUMBER, "in_bars": WHOLE, "heard_at": MOMENT, "heard_in_s": NUMBER, "said": TEXT}
_SURE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_OF_A_MOOD: Schema = {"type": ["number", "string", "boolean", "array", "null"]}
_NEIGHBOUR: Schema = {"anyOf": [shape(began=MOMENT, title=TEXT, piece=TEXT), {"type": "null"}]}
_MADE: Schema = {
    "type": "object", "properties": {"name": TEXT, "sha256": TEXT, "licence": TEXT},
    "required": ["name", "sha256", "licence"],
}  # fmt: skip
_NOW = shape(**_PLAY, elapsed=WHOLE, remaining=WHOLE)
SCHEMAS: Mapping[str, Schema] = {
    "Error": shape(error=TEXT),
    "Document": {"type": "object"},
    "Bar": shape(**_BAR),
    "Lofi": _LOFI,
    "NowPlaying": shape(
        station=shape(**_STATION), listeners=_LISTENERS,
        live=shape(is_live=TRUTH, streamer_name=TEXT, broadcast_start=MAYBE_NUMBER, art=MAYBE_TEXT),
        now_playing={"anyOf": [_NOW, {"type": "null"}]}, playing_next={"type": "null"},
        song_history=several(shape(**_PLAY)), is_online=TRUTH, cache=MAYBE_TEXT, lofi=ref("Lofi"),
    ),
    "Stations": shape(stations=several(shape(**_STATION, lofi=ref("Lofi")))),
    "Moods": shape(
        moods=several(shape(
            name=TEXT, title=TEXT, description=TEXT, colour={"type": "string", "pattern": "^#[0-9a-f]{6}$"},
            bpm_low=NUMBER, bpm_high=NUMBER, minor_share=NUMBER, swing=NUMBER, keys_density=NUMBER,
            drums_density=NUMBER, vinyl=TEXT, ambience={"type": "object", "additionalProperties": NUMBER},
        ))
    ),
    "History": shape(
        station=TEXT, next=MAYBE_TEXT,
        pieces=several(shape(**_PIECE, number=WHOLE, composer=TEXT, seconds=MAYBE_NUMBER)),
    ),
    "Change": {
        "type": "object",
        "properties": {
            "station": TEXT, **_WHEN, "changed": TRUTH, "kept": TRUTH, "mood": TEXT, "by": TEXT,
            "until": MAYBE_MOMENT, "paused": TRUTH, "timezone": TEXT, "now": MOMENT, "bpm": MAYBE_NUMBER,
            "skip": {"enum": ["ending", "now"]}, "vinyl": NUMBER, "ambience": NUMBER,
            "loops": {"type": ["object", "null"], "additionalProperties": NUMBER},
            "next_24_hours": several({
                "type": "object",
                "properties": {"from": MOMENT, "until": MAYBE_MOMENT, "mood": CHOICE, "drift_minutes": MAYBE_NUMBER},
                "required": ["from", "until", "mood", "drift_minutes"],
            }),
        },
        "required": ["station", "said"],
    },
    "Understood": {
        "description": "What was read of some words; without a time where `try` was said or nothing moves.",
        "type": "object",
        "properties": {
            "station": TEXT,
            "text": {**TEXT, "description": "The words."},
            "from": {**TEXT, "description": "Name of the mood that the numbers move from."},
            "relative": {**TRUTH, "description": "Whether that is what plays now: `slower`, and not `slow`."},
            "sure": {**_SURE, "description": "Of all that was read, less what was not understood."},
            "read": several(shape(words=TEXT, **{"as": TEXT}, sure=_SURE)),
            "moves": several(shape(
                field={**TEXT, "description": "Name of a number in config.yaml."}, was=_OF_A_MOOD, now=_OF_A_MOOD,
                why={**TEXT, "description": "The words that move it."}, sure=_SURE,
            )),
            "not_understood": several(TEXT),
            "notes": {**several(TEXT), "description": "Sentences: corrected spelling, what cannot be done here."},
            "changed": {**TRUTH, "description": "Whether the music follows."}, "kept": TRUTH, **_WHEN,
        },
        "required": ["station", "text", "from", "relative", "sure", "read", "moves", "not_understood", "notes",
                     "changed", "said"],
        "dependentRequired": {"on_air_at": ["in_s", "in_bars", "heard_at", "heard_in_s", "kept"]},
    },
    "Listener": shape(now=MOMENT, frame={"type": ["integer", "null"]}),
    "Ambience": shape(ambience=several(shape(name=TEXT, path=TEXT, loop_s=NUMBER, lead_s=NUMBER))),
    "Provenance": shape(
        format=TEXT, station=TEXT, asked=MOMENT, note=TEXT,
        aired=several({
            "type": "object",
            "properties": {
                "what": TEXT, "said": TEXT, "since": MAYBE_MOMENT, "cause": shape(kind=TEXT, at=MOMENT, detail=TEXT),
                "before": _NEIGHBOUR, "after": _NEIGHBOUR,
                "bar": shape(began=MOMENT, ended=MOMENT, into_s=NUMBER, number=WHOLE, frame=WHOLE, frames=WHOLE,
                             sample_rate_hz=WHOLE, run=MAYBE_MOMENT),
                "piece": shape(id=TEXT, title=TEXT, number=WHOLE, seed=TEXT, key=TEXT, bpm=NUMBER,
                               bars={"type": ["integer", "null"]}, bar=WHOLE, section=TEXT),
                "mood": shape(name=TEXT, sha256=MAYBE_TEXT, numbers={"type": ["object", "null"]}),
                "chords": {"type": "array"},
                "notes": several(shape(part=TEXT, tick=WHOLE, ticks=WHOLE, pitch=WHOLE, velocity=WHOLE)),
                "composer": {"type": "object", "properties": {"by": TEXT, "said": TEXT, "models": several(_MADE)},
                             "required": ["by", "said"]},
                "sounds": {"type": "object", "required": ["banks", "loops"],
                           "properties": {"banks": several(_MADE), "loops": several(_MADE), "others": several(_MADE)}},
                "software": shape(name=TEXT, version=TEXT, licence=TEXT, station_seed=TEXT),
                "proof": {"type": "object", "properties": {"said": TEXT}, "required": ["said"]},
            },
            "required": ["what", "said"],
        }),
    ),
    "Keys": shape(algorithm={"const": "ed25519"}, keys=several(shape(public_key=TEXT, fingerprint=TEXT, since=MOMENT))),
    "Digests": shape(digests=several(TEXT)),
    "Digest": shape(
        signature=TEXT,
        digest=shape(
            format=TEXT, day={"type": "string", "format": "date"}, rows=WHOLE, revision=WHOLE, made_at=MOMENT,
            public_key=TEXT, supersedes=MAYBE_TEXT,
            previous={"anyOf": [shape(file=TEXT, sha256=TEXT), {"type": "null"}]},
            stations={"type": "object", "additionalProperties": several({"type": "array"})},
            assets={"type": "object", "additionalProperties": several(several(TEXT))},
            moods=several(TEXT), versions=several(TEXT),
        ),
    ),
    "Seeded": shape(
        station=TEXT, **_WHEN,
        prompt=shape(
            name=TEXT, key=TEXT, bpm=NUMBER, bars=WHOLE, quoted_bars=WHOLE, found=several(TEXT),
            chords_as_written=several(several(TEXT)),
        ),
    ),
}  # fmt: skip
"""By name."""
