"""The page with the player and the files beside it, from memory. Knows nothing about what is playing."""

from __future__ import annotations

import hashlib
import html
import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from radio.web.views import StationView

_STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


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
    """One page and one overlay for each station; the first one's are also at the root."""

    def __init__(self, stations: Mapping[str, StationView]) -> None:
        self._files = {
            path.relative_to(_STATIC).as_posix(): File.of(path.read_bytes(), path.name)
            for path in _STATIC.rglob("*")
            if path.is_file() and path.suffix != ".html"
        }
        self._stations = stations
        self._texts = {name: (_STATIC / f"{name}.html").read_text(encoding="utf-8") for name in ("index", "overlay")}
        self._pages: dict[str, File] = {}
        """By path; made at the first request, when every route there will be is known."""
        self._worker = File.of(self._files.pop("worker.js").body.replace(b"{{version}}", self._version()), "worker.js")

    def add_routes(self, app: web.Application) -> None:
        """Add /, /{station}/, the overlay beside each, /static/… and the service worker."""
        for name in self._stations:
            app.router.add_get(f"/{name}", self._to_folder)
        for path, _, _ in self._paths():
            app.router.add_get(path, self._page)
        app.router.add_get("/static/{file:.+}", self._file)
        app.router.add_get("/worker.js", self._worker_file)
        app.router.add_get("/favicon.ico", self._icon)

    def _paths(self) -> Iterator[tuple[str, str, StationView]]:
        """Give every page as (path, kind, whose it is)."""
        for kind, end in (("index", ""), ("overlay", "overlay")):
            yield f"/{end}", kind, next(iter(self._stations.values()))
            for name, view in self._stations.items():
                yield f"/{name}/{end}", kind, view

    def _make(self, app: web.Application) -> None:
        told = {resource.canonical for resource in app.router.resources()}
        api = sorted(path.removeprefix("/api/") for path in told if path.startswith("/api/"))
        languages = sorted(Path(name).stem for name in self._files if name.startswith("words/"))
        for path, kind, view in self._paths():
            slots = {
                "{{title}}": view.title,
                "{{description}}": view.description,
                "{{station}}": view.name,
                "{{root}}": "./" if path.count("/") == 1 else "../",
                "{{languages}}": " ".join(languages),
                "{{api}}": " ".join(api),
            }
            self._pages[path] = _fill(self._texts[kind], slots)

    def _version(self) -> bytes:
        """Name what is shown, so that a browser's copy of other files is thrown away."""
        tags = "".join((*(file.etag for file in self._files.values()), *self._texts.values()))
        return hashlib.sha256(tags.encode()).hexdigest()[:12].encode()

    async def _page(self, request: web.Request) -> web.Response:
        if not self._pages:
            self._make(request.app)
        return self._pages[request.path].answer(request)

    async def _to_folder(self, request: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently(f"{request.path.rpartition('/')[2]}/")

    async def _file(self, request: web.Request) -> web.Response:
        file = self._files.get(request.match_info["file"])
        if file is None:
            raise web.HTTPNotFound
        return file.answer(request)

    async def _worker_file(self, request: web.Request) -> web.Response:
        return self._worker.answer(request)

    async def _icon(self, request: web.Request) -> web.Response:
        return self._files["icon.svg"].answer(request)


def _fill(page: str, slots: Mapping[str, str]) -> File:
    for slot, text in slots.items():
        page = page.replace(slot, html.escape(text))
    return File.of(page.encode(), "index.html")
