"""The live playlist and its segments, from memory. Knows nothing about how they come about."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

from aiohttp import web

from radio.web.answers import OPEN

PLAYLIST_TYPE, SEGMENT_TYPE = "application/vnd.apple.mpegurl", "audio/aac"
PLAYLIST_HEADERS = {"Cache-Control": "public, max-age=1"}
SEGMENT_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable"}
_OPEN_TO_ALL = {
    **OPEN,
    "Access-Control-Allow-Headers": "Range",
    "Access-Control-Expose-Headers": "Date, ETag",
}
_STARTING = {"Retry-After": "4", "Cache-Control": "no-store", **_OPEN_TO_ALL}


class Shown(Protocol):
    """Everything that players may ask for at one moment."""

    @property
    def playlists(self) -> Mapping[str, bytes]:
        """By name; empty until there is a segment."""

    @property
    def files(self) -> Mapping[str, bytes]:
        """Content of every segment that is served, by name."""


class Source(Protocol):
    """What one station has to offer; `radio.outputs.hls.HlsOutput` is one."""

    @property
    def shown(self) -> Shown:
        """Playlists and segments that belong together."""


class Hls:
    """The handlers of all stations' playlists."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources

    def add_routes(self, app: web.Application, first: str) -> None:
        """Put every playlist at /{station}/hls/live.m3u8, that of station `first` also at /hls/live.m3u8."""
        for station, source in self._sources.items():
            for prefix in (f"/{station}", "") if station == first else (f"/{station}",):
                _add(app, f"{prefix}/hls", source)


def _add(app: web.Application, folder: str, source: Source) -> None:
    async def playlist(request: web.Request) -> web.Response:
        playlists = source.shown.playlists
        if not playlists:
            return web.Response(status=503, text="The first segment is not ready yet.\n", headers=_STARTING)
        content = playlists.get(f"{request.match_info['list']}.m3u8")
        if content is None:
            return web.Response(status=404, text="There is no such playlist.\n", headers=_OPEN_TO_ALL)
        tag = hashlib.sha256(content).hexdigest()[:20]
        return _answer(request, content, PLAYLIST_TYPE, tag, PLAYLIST_HEADERS)

    async def segment(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        data = source.shown.files.get(name)
        if data is None:
            return web.Response(status=404, text="There is no such file, or no longer.\n", headers=_OPEN_TO_ALL)
        return _answer(request, data, SEGMENT_TYPE, name, SEGMENT_HEADERS)

    async def options(_request: web.Request) -> web.Response:
        return web.Response(status=204, headers=_OPEN_TO_ALL)

    app.router.add_get(folder + r"/{list:[a-z0-9-]+}.m3u8", playlist)  # answers HEAD, too
    app.router.add_get(folder + r"/{name:[^/]+}", segment)
    app.router.add_options(folder + r"/{name:[^/]+}", options)


def _answer(request: web.Request, body: bytes, kind: str, etag: str, caching: Mapping[str, str]) -> web.Response:
    headers = {**caching, "ETag": f'"{etag}"', **_OPEN_TO_ALL}
    if any(tag.value in (etag, "*") for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=kind, headers=headers)
