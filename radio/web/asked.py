"""What a control request asks for, from its address or its JSON body, checked. Knows nothing about what is done."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

BODY_TIMEOUT_S = 5.0
"""Nobody needs longer for a few hundred bytes; a client that drips them holds a connection."""
FORM = ("token", "format", "station")
"""What every control route takes."""
HOURS_MAX = 8784.0
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
_NOTHING = ("", "null", "none", "release")


class BadRequestError(Exception):
    """Raised when a request is not what it must be; the text is fit for its sender."""


class TooLongError(BadRequestError):
    """Raised when a body is longer than it may be."""


class Asked:
    """The values of one request; what comes in the address is text, in the body JSON."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return name in self.values

    @property
    def others(self) -> dict[str, Any]:
        """Everything that not every route takes."""
        return {name: value for name, value in self.values.items() if name not in FORM}

    def only(self, known: Collection[str]) -> None:
        """Refuse what nobody reads: it would be a misspelt wish."""
        for name in self.others:
            if name not in known:
                raise BadRequestError(f"{name[:40]!r} is not known here. There are: {', '.join((*known, 'station'))}.")

    def text(self, name: str) -> str | None:
        """A text, or None where there is none."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise BadRequestError(f'"{name}" must be a text.')
        return value[:200]

    def number(self, name: str, low: float, high: float) -> float | None:
        """A number, or None where there is none, null or nothing."""
        value = self.values.get(name)
        if value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING):
            return None
        return number(value, name, low, high)

    def truth(self, name: str) -> bool | None:
        """True or false, or None where it is not said."""
        value = self.values.get(name)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word not in _TRUE and word not in _FALSE:
            raise BadRequestError(f'"{name}" must be true or false.')
        return word in _TRUE

    def weights(self, name: str | None, low: float, high: float) -> dict[str, float] | None:
        """Names with numbers: a JSON object, `rain:-25,fire:-30`, or, with no name, everything that is left."""
        value = self.others if name is None else self.values.get(name)
        if value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING):
            return None
        if isinstance(value, str):
            pairs = [part.partition(":") for part in value.split(",")]
            value = {key.strip(): found for key, _, found in pairs}
        if not isinstance(value, dict) or len(value) > 20:
            raise BadRequestError(f'"{name}" must be names with numbers, at most 20.')
        return {str(key)[:100]: number(found, str(key)[:40], low, high) for key, found in value.items()}

    def until(self, now: datetime) -> datetime | None:
        """How long something is to hold: `hours`, or `until` a moment."""
        hours = self.number("hours", 0.001, HOURS_MAX)
        told = self.text("until")
        if hours is not None and told:
            raise BadRequestError('Say "hours" or "until", not both.')
        if hours is not None:
            return now + timedelta(hours=hours)
        if not told:
            return None
        try:
            moment = datetime.fromisoformat(told.replace(" ", "+"))  # a plus in an address is read as a space
        except ValueError as problem:
            raise BadRequestError('"until" must be a moment such as 2026-12-24T18:00:00Z.') from problem
        if moment.tzinfo is None:
            raise BadRequestError('"until" needs a time zone: end it in Z, or in an offset such as +01:00.')
        try:
            moment = moment.astimezone(UTC)
        except OverflowError as problem:
            raise BadRequestError('"until" is out of all time.') from problem
        if not now < moment <= now + timedelta(hours=HOURS_MAX):
            raise BadRequestError('"until" must lie ahead, by a year at most.')
        return moment


def number(value: object, name: str, low: float, high: float) -> float:
    """Read a number of a range."""
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        found = math.nan
    if not low <= found <= high:
        raise BadRequestError(f'"{name}" must be a number from {low:g} to {high:g}.')
    return found


async def read_asked(request: web.Request) -> Asked:
    """Read the address, and the body where one is needed; raises BadRequestError, and HTTP 413 when it is too long."""
    values: dict[str, Any] = dict(request.query)
    if request.method == "POST" and (request.can_read_body or not set(values) - {"token", "format"}):
        values |= await read_object(request)
    return Asked(values)


async def read_object(request: web.Request) -> dict[str, Any]:
    """Read the body as a JSON object; raises BadRequestError, and HTTP 413 when it is too long."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await request.read()
        found = json.loads(body)
    except TimeoutError as problem:
        raise BadRequestError(f"The body did not come within {BODY_TIMEOUT_S:g} s.") from problem
    except (ValueError, RecursionError) as problem:  # ValueError: no JSON, no UTF-8
        raise BadRequestError(f"The body is not JSON ({type(problem).__name__}).") from problem
    if not isinstance(found, dict):
        raise BadRequestError("The body must be a JSON object.")
    return found
