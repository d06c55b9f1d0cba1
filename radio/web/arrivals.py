"""Which frame of the broadcast each listener's stream began with, so that a page can tell what its ear hears.

Knows nothing about people: an id is a random word that a page made up a moment ago, and it is forgotten soon.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from radio.web.answers import told

IDS_MAX = 4096
"""A page asks within seconds; so many may begin to listen within them."""
KEPT_S = 300.0
_ID = re.compile(r"[0-9A-Za-z_-]{8,64}")


class Arrivals:
    """The first frame of the newest streams that were asked for with an id; bounded in number and time."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._frames: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """By id: (frame, when)."""

    def add_routes(self, app: web.Application) -> None:
        """Add /api/listener?id=: where that stream began, and what time it is here; without an id the time alone."""
        app.router.add_get("/api/listener", self._tell)

    def note(self, listener_id: str, frame: int) -> None:
        """Remember with which frame a stream begins; a page that asks again with the same id has a new stream."""
        if not _ID.fullmatch(listener_id):
            return
        self._frames.pop(listener_id, None)
        self._frames[listener_id] = frame, self._now_s()
        while len(self._frames) > IDS_MAX or self._oldest_s > KEPT_S:
            self._frames.popitem(last=False)

    def frame(self, listener_id: str) -> int | None:
        """Position of the first frame that was sent; None when it is not known (any more)."""
        found = self._frames.get(listener_id)
        return found[0] if found is not None and self._now_s() - found[1] <= KEPT_S else None

    @property
    def _oldest_s(self) -> float:
        return self._now_s() - next(iter(self._frames.values()))[1] if self._frames else 0.0

    async def _tell(self, request: web.Request) -> web.Response:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        frame = self.frame(request.query.get("id", ""))
        return told({"now": now, "frame": frame})
