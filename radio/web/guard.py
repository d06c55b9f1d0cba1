"""The token that opens the control routes: compared in constant time, asked for sparingly, shown to nobody.

Knows nothing about what lies behind it.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from radio.metrics import Metrics

WINDOW_S = 60.0
ADDRESSES_MAX = 10_000
"""So many addresses' failures are remembered; a larger botnet pushes out the oldest."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Attempts:
    """Failures of each address within a minute."""

    def __init__(self, allowed: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._allowed = allowed
        self._now_s = now_s
        self._failures: dict[str, tuple[float, int]] = {}

    def wait_s(self, address: str) -> float:
        """How long an address must wait before it may try again; 0: not at all."""
        since_s, count = self._failures.get(address, (0.0, 0))
        left_s = since_s + WINDOW_S - self._now_s()
        if left_s <= 0:
            self._failures.pop(address, None)
            return 0.0
        return left_s if count >= self._allowed else 0.0

    def failed(self, address: str) -> None:
        """Note a failure; the minute begins with the first one."""
        since_s, count = self._failures.pop(address, (self._now_s(), 0))
        while len(self._failures) >= ADDRESSES_MAX:
            del self._failures[next(iter(self._failures))]
        self._failures[address] = (since_s, count + 1)


class Guard:
    """Lets requests through that carry `Authorization: Bearer <token>`."""

    def __init__(self, token: str, attempts: Attempts, client: Callable[[web.Request], str], metrics: Metrics) -> None:
        self._digest = _digest(token)  # of equal length for every guess
        self._attempts = attempts
        self._client = client
        self._metrics = metrics

    def keeps(self, handler: Handler, *, in_query: bool = False) -> Handler:
        """The same handler for those with the token only; `in_query`: it may stand in the address as ?token=, too."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            refusal = self.refusal(request, in_query=in_query)
            return await handler(request) if refusal is None else refusal

        return guarded

    def refusal(self, request: web.Request, *, in_query: bool = False) -> web.Response | None:
        """None for the right token; else the answer that says no."""
        address = self._client(request)
        wait_s = self._attempts.wait_s(address)
        if wait_s:  # the right token, too: else the answer would tell which guess was right
            self._count("locked")
            said = f"Too many wrong tokens from your address. Wait {wait_s:.0f} s."
            return _no(429, said, {"Retry-After": str(int(wait_s) + 1)})
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if in_query and not token and "token" in request.query:
            if _is_guess_of_a_browser(request):
                return _no(409, "A browser that only looks ahead changes nothing.", {})
            kind, token = "bearer", request.query["token"]
        right = hmac.compare_digest(_digest(token.strip()), self._digest)
        if right and kind.lower() == "bearer":
            self._count("admitted")
            return None
        self._count("refused")
        if not token:  # a browser or a probe without a token guesses nothing
            return _no(401, "This needs the header Authorization: Bearer and the control token.", _CHALLENGE)
        self._attempts.failed(address)
        return _no(401, "This is not the control token.", _CHALLENGE)

    def _count(self, result: str) -> None:
        self._metrics.control_requests.labels(result).inc()


def _is_guess_of_a_browser(request: web.Request) -> bool:
    """Whether nobody has asked yet: browsers fetch in advance what they think will be clicked."""
    return "prefetch" in f"{request.headers.get('Sec-Purpose', '')}{request.headers.get('Purpose', '')}".lower()


_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="lofi-radio"'}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _no(status: int, said: str, headers: dict[str, str]) -> web.Response:
    return web.json_response({"error": said}, status=status, headers={"Cache-Control": "no-store", **headers})
