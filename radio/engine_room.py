"""The engine in use and the spare one beside it: how they are made. Knows nothing about bars or what they play."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine import Hands, Mood
from radio.clock import Clock, SystemClock
from radio.engine_handle import CALL_TIMEOUT_S, EngineHandle
from radio.worker import Builder


@dataclass(frozen=True, slots=True)
class EngineRoom:
    """How engines are made."""

    builder: Builder
    setup: Any
    """A frozen dataclass with at least `mood`, `seed` and `composer`; it must be picklable."""
    moods: tuple[Mood, ...] = ()
    """Moods that may come: the engine gets them ready while it has nothing better to do."""
    own_process: bool = True
    call_timeout_s: float = CALL_TIMEOUT_S
    clock: Clock = field(default_factory=SystemClock)
    hands: Hands = field(default_factory=Hands)
    """What holds in every mood when the first engine begins."""
    spare: bool = False
    """Keep a second engine ready, built and waiting: it goes on within a second where the first one failed."""


class Engines:
    """Hands out engines; a spare one first, if there is one."""

    def __init__(self, room: EngineRoom) -> None:
        self._room = room
        self._spare: EngineHandle | None = None

    @property
    def spare_pid(self) -> int | None:
        """Process of the engine that waits for the day when the one in use fails; None when there is none."""
        return None if self._spare is None else self._spare.pid

    def next(self) -> EngineHandle:
        """Return the spare engine, or a new one."""
        handle, self._spare = self._spare, None
        if handle is not None and not handle.dead:
            return handle
        return self._new_handle()

    def keep_spare(self, setup: object) -> None:
        """Have a second engine made of a setup while there is nothing better to do."""
        if self._spare is not None and self._spare.dead:
            self._spare.close()
            self._spare = None
        if self._room.spare and self._spare is None:
            self._spare = self._new_handle()
            self._spare.build_ahead(self._room.builder, setup)

    def close(self) -> None:
        """End the spare engine."""
        if self._spare is not None:
            self._spare.close()

    def _new_handle(self) -> EngineHandle:
        return EngineHandle(own_process=self._room.own_process, call_timeout_s=self._room.call_timeout_s)
