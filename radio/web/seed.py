"""`/api/control/seed`: a piece goes on from a MIDI file, a recording or notes in text that somebody sends.

For those with the token. Knows nothing about how prompts are read or how music goes on from them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from engine import EngineError, Prompt, chord_name, with_quote
from radio.reader import read_prompt
from radio.web.asked import BadRequestError, TooLongError
from radio.web.control import Conducted, ControlRoom, when
from radio.web.facts import Json
from radio.web.guard import Guard

BODY_S = 60.0
"""A phone sends a few megabytes in that time."""
_NAME_MAX = 80
_KINDS = {"audio/midi": "midi", "audio/x-midi": "midi", "audio/mid": "midi", "text/plain": "tokens"}

Read = Callable[[str, bytes, str], Awaitable[Prompt]]


class Seed:
    """The route of all stations."""

    def __init__(self, guard: Guard, room: ControlRoom, bytes_max: int, read: Read = read_prompt) -> None:
        self._guard, self._room, self._bytes_max, self._read = guard, room, bytes_max, read
        self._busy = asyncio.Lock()

    def add_routes(self, app: web.Application) -> None:
        """Add POST /api/control/seed?station=&name=&quote=: the body is a MIDI file, a sound file or text."""
        app.router.add_post("/api/control/seed", self._guard.keeps(self._seed, in_query=self._room.in_query))

    async def _seed(self, request: web.Request) -> web.StreamResponse:
        try:
            name = request.query.get("station", next(iter(self._room.stations)))
            if name not in self._room.stations:
                raise BadRequestError(f'"station" must be one of: {", ".join(self._room.stations)}.')
            if self._busy.locked():  # one at a time: hearing notes takes a core for seconds
                return _answer({"error": "Another seed is being read. Try again in a few seconds."}, 429)
            async with self._busy:
                prompt = await self._prompt(request)
        except (BadRequestError, EngineError) as problem:
            return _answer({"error": str(problem)}, 413 if isinstance(problem, TooLongError) else 400)
        return _answer({"station": name, **self._begin(self._room.stations[name], prompt)}, 202)

    def _begin(self, station: Conducted, prompt: Prompt) -> Json:
        reach = station.producer.reach
        station.producer.prime(prompt)
        said = f"a piece in {prompt.key} at {prompt.bpm:g} bpm goes on from {prompt.name}"
        written = (9, True) if prompt.key.minor else (0, False)  # in A minor or C major
        found: Json = {
            "name": prompt.name, "key": str(prompt.key), "bpm": prompt.bpm, "bars": len(prompt.bars),
            "quoted_bars": prompt.begins_with, "found": list(prompt.notices),
            "chords_as_written": [[chord_name(chord, *written) for chord in pair] for pair in prompt.loop],
        }  # fmt: skip
        return {"prompt": found, **when(station, reach, said, self._room.latency_s)}

    async def _prompt(self, request: web.Request) -> Prompt:
        data = await self._body(request)
        kind = _KINDS.get(request.content_type, "sound")
        if data.startswith(b"MThd"):
            kind = "midi"
        name = " ".join(request.query.get("name", "what was sent").split())[:_NAME_MAX] or "what was sent"
        prompt = await self._read(kind, data, name)
        quote = request.query.get("quote")
        if quote is None:
            return prompt
        if not quote.isascii() or not quote.isdigit() or len(quote) > 3:
            raise BadRequestError('"quote" must be a number of bars, 0-32.')
        return with_quote(prompt, int(quote))

    async def _body(self, request: web.Request) -> bytes:
        """Read the body in pieces, so that one that is too long is refused before it is all here."""
        too_long = f"The body is too long: {self._bytes_max:,} bytes may be."
        if (request.content_length or 0) > self._bytes_max:
            raise TooLongError(too_long)
        data = bytearray()
        try:
            async with asyncio.timeout(BODY_S):
                async for piece in request.content.iter_any():
                    data += piece
                    if len(data) > self._bytes_max:
                        raise TooLongError(too_long)
        except TimeoutError as problem:
            raise BadRequestError(f"The body did not come within {BODY_S:g} s.") from problem
        if not data:
            raise BadRequestError("The body must be a MIDI file, a sound file, or notes as text.")
        return bytes(data)


def _answer(content: Json, status: int) -> web.Response:
    return web.json_response(content, status=status, headers={"Cache-Control": "no-store"})
