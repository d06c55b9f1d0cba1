"""Asking for music in words, over HTTP, with the token: `/api/control/words`. Knows nothing about how they are read."""

from __future__ import annotations

import json

from aiohttp import web

from radio.web.asked import Asked, BadRequestError
from radio.web.control import DRIFT_MINUTES_MAX, Conducted, Control
from radio.web.facts import Json
from radio.words import Understanding
from radio.words.aside import Aside, WordsError


class Words:
    """The route of all stations."""

    def __init__(self, control: Control, aside: Aside | None = None) -> None:
        self._control = control
        self._aside = Aside() if aside is None else aside

    def add_routes(self, app: web.Application) -> None:
        """Add GET and POST /api/control/words: `{"words": "slower, no drums"}`; with `"try": true` nothing changes."""
        self._control.add(app, "words", self._words)

    async def _words(self, station: Conducted, asked: Asked) -> Json:
        asked.only(("words", "try", "hours", "until", "drift_minutes"))
        text, director = asked.values.get("words"), station.director
        if not isinstance(text, str) or not text.strip():
            raise BadRequestError('"words" must say what it shall be like, such as "rainy night, slow, no drums".')
        drift, until = asked.number("drift_minutes", 0, DRIFT_MINUTES_MAX), asked.until(director.now())
        start = director.find(director.orders.config_mood)
        try:
            answer = await self._aside.understand(text, start, station.producer.mood)
        except WordsError as trouble:
            told = json.dumps({"error": str(trouble)})
            raise web.HTTPServiceUnavailable(text=told, content_type="application/json") from trouble
        if not answer.moves or asked.truth("try"):
            return {**answer.to_json(), "changed": False, "said": in_short(answer)}
        director.speak(answer.mood, until, drift)
        return {**answer.to_json(), **await self._control.changed(station, in_short(answer))}


def in_short(answer: Understanding) -> str:
    """Say in a sentence what was understood."""
    read = ", ".join(dict.fromkeys(wish.why for wish in answer.read)) or "nothing"
    strange = ", ".join(answer.not_understood)
    return f"understood: {read}" + (f" (not: {strange})" if strange else "")
