"""Writes a stream's sound to all who listen: a slice of them at a time, in turns, each piece made once.

A task and a timer for each listener cost more than the sound itself. Knows nothing about HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from radio.hub import Hub, Listener, Sound

_Made = dict[tuple[int, Hashable], tuple[bytes, Any]]
"""By the number of the first chunk and the joiner's state: the bytes, and the state after them."""


class Joiner(Protocol):
    """Makes the bytes of one listener's stream."""

    state: Any  # hashable
    """Two listeners in the same state get the same bytes for the same sound."""

    def join(self, sounds: Sequence[Sound]) -> bytes:
        """Bytes for sound, and the state after them."""


@dataclass(eq=False, slots=True)
class Place:
    """One listener, whose connection has nothing else to say."""

    listener: Listener
    transport: asyncio.WriteTransport
    joiner: Joiner
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Pump:
    """Feeds the listeners of one hub, each every `pace_s`."""

    def __init__(self, hub: Hub, pace_s: float, slices: int) -> None:
        self._hub = hub
        self._step_s = pace_s / slices
        self._slices: list[set[Place]] = [set() for _ in range(slices)]
        self._turn = 0
        self._due_s = 0.0
        self._running = False

    async def feed(self, place: Place) -> None:
        """Write to a listener until the stream ends or it has lagged; raises ConnectionError when it is gone."""
        turn = min(self._slices, key=len)
        turn.add(place)
        if not self._running:
            self._running = True
            self._due_s = asyncio.get_running_loop().time()
            self._next()
        try:
            await place.done
        finally:
            turn.discard(place)

    def _next(self) -> None:
        loop = asyncio.get_running_loop()
        self._due_s = max(self._due_s + self._step_s, loop.time())  # a turn that is late is not made up for
        loop.call_at(self._due_s, self._take_turn)

    def _take_turn(self) -> None:
        if not any(self._slices):
            self._running = False
            return
        self._next()
        self._turn = (self._turn + 1) % len(self._slices)
        for places in self._slices if self._hub.closed else self._slices[self._turn : self._turn + 1]:
            self._write(places)

    def _write(self, places: set[Place]) -> None:
        made: _Made = {}
        for place in places:
            listener, transport = place.listener, place.transport
            if place.done.done():
                continue
            if transport.is_closing():
                place.done.set_exception(ConnectionResetError("the listener has left"))
            elif listener.ended:
                transport.write(_piece(place, made))
                place.done.set_result(None)
            elif not transport.get_write_buffer_size():  # else it has enough for now
                transport.write(_piece(place, made))


def _piece(place: Place, made: _Made) -> bytes:
    listener, joiner = place.listener, place.joiner
    if listener.burst or not listener.fed:
        return joiner.join(listener.take())
    key = (listener.number, joiner.state)
    known = made.get(key)
    if known is None:
        data = joiner.join(listener.take())
        made[key] = data, joiner.state
        return data
    listener.took()
    data, joiner.state = known
    return data
