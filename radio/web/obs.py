"""The page that turns OBS's scenes into moods. Knows nothing about moods: it asks the control routes."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

_PAGE = Path(__file__).parent / "static" / "obs.html"


class ObsPage:
    """One page, the same for all stations: its map stands behind the # of its address."""

    def __init__(self) -> None:
        self._page = _PAGE.read_bytes()

    def add_routes(self, app: web.Application) -> None:
        """Add /obs-control."""
        app.router.add_get("/obs-control", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        headers = {"Cache-Control": "no-cache"}
        return web.Response(body=self._page, content_type="text/html", charset="utf-8", headers=headers)
