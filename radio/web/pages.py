"""The page with the player and the files beside it, from memory. Knows nothing about what is playing."""

from __future__ import annotations

import hashlib
import html
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from radio.web.views import StationView

_STATIC = Path(__file__).parent / "static"
_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json"}


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent."""

    body: bytes
    content_type: str
    etag: str

    @classmethod
    def of(cls, body: bytes, name: str) -> File:
        """Take content and guess its type from a name."""
        kind = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return cls(body, kind, hashlib.sha256(body).hexdigest()[:20])

    def answer(self, request: web.Request) -> web.Response:
        """Send it, or say that the browser has it already."""
        headers = {"Cache-Control": "no-cache", "ETag": f'"{self.etag}"'}
        if any(tag.value in (self.etag, "*") for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        charset = "utf-8" if self.content_type.startswith(("text/", "image/svg", "application/manifest")) else None
        return web.Response(body=self.body, content_type=self.content_type, charset=charset, headers=headers)


class Pages:
    """One page for each station; the first one's is also at /."""

    def __init__(self, stations: Mapping[str, StationView]) -> None:
        page = (_STATIC / "index.html").read_text(encoding="utf-8")
        first = next(iter(stations))
        self._pages = {name: _fill(page, view, "../") for name, view in stations.items()}
        self._front = _fill(page, stations[first], "./")
        self._files = {
            path.name: File.of(path.read_bytes(), path.name) for path in _STATIC.iterdir() if path.name != "index.html"
        }

    def add_routes(self, app: web.Application) -> None:
        """Add /, /{station}/ and /static/{file}."""
        app.router.add_get("/", self._front_page)
        app.router.add_get("/static/{file}", self._file)
        app.router.add_get("/favicon.ico", self._icon)
        for name in self._pages:
            app.router.add_get(f"/{name}", self._to_folder)
            app.router.add_get(f"/{name}/", self._station_page)

    async def _front_page(self, request: web.Request) -> web.Response:
        return self._front.answer(request)

    async def _station_page(self, request: web.Request) -> web.Response:
        return self._pages[request.path.strip("/")].answer(request)

    async def _to_folder(self, request: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently(f"{request.path.rpartition('/')[2]}/")

    async def _file(self, request: web.Request) -> web.Response:
        file = self._files.get(request.match_info["file"])
        if file is None:
            raise web.HTTPNotFound
        return file.answer(request)

    async def _icon(self, request: web.Request) -> web.Response:
        return self._files["icon.svg"].answer(request)


def _fill(page: str, view: StationView, root: str) -> File:
    for slot, text in (
        ("{{title}}", view.title),
        ("{{description}}", view.description),
        ("{{station}}", view.name),
        ("{{root}}", root),
    ):
        page = page.replace(slot, html.escape(text))
    return File.of(page.encode(), "index.html")
