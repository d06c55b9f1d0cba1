"""What is playing in the shape that AzuraCast made common, for widgets and bots that read it already.

What such a station has and this one has not is told as nothing: no playlists, requests or live streamers, and the next
piece is not composed yet. Knows nothing about HTTP.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from radio.web.facts import Json
from radio.web.views import PlayedPiece, ShownMount, StationView

SOFTWARE = "lofi-radio"
HISTORY_PIECES = 13


@dataclass(frozen=True, slots=True)
class Place:
    """Where a station is found on the web."""

    number: int
    """Counts from 1, in the order of config.yaml."""
    origin: str
    """`https://radio.example.org`"""
    prefix: str
    """Empty for the first station, else `/name`."""


def now_playing(view: StationView, place: Place, now: datetime, seconds: float | None) -> Json:
    """Tell about a station; `seconds`: planned length of the piece that sounds."""
    on_air, _ = view.healthy()
    listeners = _listeners(view.hub_listeners())
    history = list(view.now.history)
    art = f"{place.origin}/static/icon-512.png"
    return {
        "station": station(view, place),
        "listeners": listeners,
        "live": {"is_live": False, "streamer_name": "", "broadcast_start": None, "art": None},
        "now_playing": _current(view, history, art, now, seconds),
        "playing_next": None,
        "song_history": [_played(one, later, art, view.title) for later, one in pairwise(history[:HISTORY_PIECES])],
        "is_online": on_air,
        "cache": None,
    }


def station(view: StationView, place: Place) -> Json:
    """Tell where a station is heard."""
    folder = f"{place.origin}{place.prefix}"
    mounts = [_mount(index, mount, folder) for index, mount in enumerate(view.mounts, 1)]
    return {
        "id": place.number,
        "name": view.title,
        "shortcode": view.name,
        "description": view.description,
        "frontend": SOFTWARE,
        "backend": SOFTWARE,
        "timezone": "UTC",
        "listen_url": mounts[0]["url"] if mounts else "",
        "url": f"{folder}/",
        "public_player_url": f"{folder}/",
        "playlist_pls_url": f"{folder}/stream.pls",
        "playlist_m3u_url": f"{folder}/stream.m3u",
        "is_public": True,
        "requests_enabled": False,
        "mounts": mounts,
        "remotes": [],
        "hls_enabled": view.has_hls,
        "hls_is_default": False,
        "hls_url": f"{folder}/hls/live.m3u8" if view.has_hls else None,
        "hls_listeners": 0,
    }


def song(title: str, artist: str, art: str) -> Json:
    """Tell about a piece as a song of the station."""
    text = f"{artist} - {title}" if title else ""
    return {
        "id": hashlib.sha256(text.encode()).hexdigest()[:32],
        "art": art,
        "custom_fields": [],
        "text": text,
        "artist": artist,
        "title": title,
        "album": "",
        "genre": "lo-fi",
        "isrc": "",
        "lyrics": "",
    }


def _current(
    view: StationView, history: Sequence[PlayedPiece], art: str, now: datetime, seconds: float | None
) -> Json | None:
    began = view.now.piece_started_at
    if not history or began is None:
        return None
    elapsed = max(0, round((now - began).total_seconds()))
    duration = max(elapsed, round(seconds or 0))
    return {
        "sh_id": history[0].number,
        "played_at": round(began.timestamp()),
        "duration": duration,
        "playlist": history[0].mood,
        "streamer": "",
        "is_request": False,
        "song": song(history[0].title, view.title, art),
        "elapsed": elapsed,
        "remaining": duration - elapsed,
    }


def _played(piece: PlayedPiece, later: PlayedPiece, art: str, artist: str) -> Json:
    return {
        "sh_id": piece.number,
        "played_at": round(piece.started_at.timestamp()),
        "duration": max(0, round((later.started_at - piece.started_at).total_seconds())),
        "playlist": piece.mood,
        "streamer": "",
        "is_request": False,
        "song": song(piece.title, artist, art),
    }


def _mount(number: int, mount: ShownMount, folder: str) -> Json:
    path = f"/stream.{mount.ending}"
    return {
        "id": number,
        "name": f"{path} ({mount.bitrate_kbps} kbit/s {mount.ending.upper()})",
        "url": f"{folder}{path}",
        "bitrate": mount.bitrate_kbps,
        "format": mount.ending,
        "listeners": _listeners(mount.hub.listeners),
        "path": path,
        "is_default": number == 1,
    }


def _listeners(count: int) -> Json:
    return {"total": count, "unique": count, "current": count}
