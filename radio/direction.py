"""Who has a say in a station's music, and whose word counts: config.yaml, the schedule, the control interface.

The last word counts. Where the schedule has nothing to say, or pauses, config.yaml's mood plays. A mood asked for by
the control interface, or an edit of config.yaml while on air, holds until the schedule's next entry begins; one that
was asked for until a certain time holds until then. Knows nothing about HTTP or how music changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from engine import End, Hands, Mood, MoodError, Prompt
from radio import orders as kept
from radio.clock import Clock
from radio.config import Config
from radio.orders import Choice, Orders, Spoken, Word
from radio.schedule import Slot
from radio.wishes import Reach

logger = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often it looks at the clock on the wall, which may be turned at any time."""
TURNED_BACK = timedelta(minutes=15)
"""A clock that is set back by less undoes no entry: time servers and leap seconds do that."""


class Music(Protocol):
    """What a station's music can be asked for; `radio.producer.Producer` is one."""

    @property
    def mood(self) -> Mood:
        """The mood that was asked for last."""

    @property
    def reach(self) -> Reach:
        """The bar line at which a change that is asked for now will take effect."""

    def change_mood(self, mood: Mood) -> None:
        """Take a mood."""

    @property
    def hands(self) -> Hands:
        """What holds in every mood, as it was asked for last."""

    def lay_hands(self, hands: Hands) -> None:
        """Take what holds in every mood."""

    def end_piece(self, how: End) -> None:
        """End the piece."""

    def prime(self, prompt: Prompt) -> None:
        """Begin a piece that goes on from a prompt."""


@dataclass(frozen=True, slots=True)
class Say:
    """What is in force."""

    mood: Mood
    choice: Spoken
    by: str
    """`config`, `schedule` or `control`."""
    since: datetime | None
    until: datetime | None


class Director:
    """Decides for one station."""

    def __init__(self, station: str, config: Config, path: Path, clock: Clock) -> None:
        self.station = station
        self._path, self._clock = path, clock
        self._config = config
        self._schedule = config.stations[station].clockwork()
        self._orders = kept.load(path, config.stations[station].mood)
        self._latest = clock.wall()
        self._saving = asyncio.Lock()
        self._missed: object = None

    @property
    def orders(self) -> Orders:
        """What was asked for and holds."""
        return self._orders

    @property
    def timezone(self) -> str:
        """Zone that the schedule's times are in."""
        return self._config.stations[self.station].timezone

    def now(self) -> datetime:
        """Time of day that never goes back by a little."""
        wall = self._clock.wall()
        if not self._latest - TURNED_BACK < wall < self._latest:
            self._latest = wall
        return self._latest

    def said(self, now: datetime) -> Say:
        """What is in force at a moment."""
        slot = None if self._orders.paused else self._schedule.at(now)
        word = self._orders.word
        if word is not None and _holds(word, slot, now):
            until = word.until if word.until is not None else None if slot is None else slot.until
            say = self._say(word.choice, word.by, word.drift_minutes, (word.at, until))
            if say is not None:
                return say
        if slot is not None:
            choice = slot.entry.choice
            assert isinstance(choice, str | dict)
            say = self._say(choice, "schedule", slot.entry.drift_minutes, (slot.since, slot.until))
            if say is not None:
                return say
        station = self._config.stations[self.station]
        return Say(self._config.station_mood(self.station), station.mood, "config", None, self._next(slot, now))

    def slots(self, hours: float = 24.0) -> Iterator[Slot]:
        """The schedule's own slots from now on."""
        now = self.now()
        return self._schedule.slots(now, now + timedelta(hours=hours))

    def moods(self) -> dict[str, Mood]:
        """Every mood there is."""
        return {name: self._config.mood(name) for name in self._config.mood_names()}

    def find(self, choice: Choice) -> Mood:
        """Find a mood, or mix one; raises MoodError."""
        return self._config.mood(choice)

    def speak(self, choice: Spoken, until: datetime | None = None, drift_minutes: float | None = None) -> None:
        """Have a mood from the control interface hold."""
        word = Word(choice, "control", self.now(), until, drift_minutes)
        self._orders = replace(self._orders, word=word)

    def release(self) -> None:
        """Forget the mood that was asked for: the schedule, or config.yaml, has its say again."""
        self._orders = replace(self._orders, word=None)

    def lay(self, hands: Hands) -> None:
        """Have hands hold."""
        self._orders = replace(self._orders, hands=hands)

    def pause(self, paused: bool) -> None:
        """Have the schedule pause, or go on."""
        self._orders = replace(self._orders, paused=paused)

    def follow(self, config: Config) -> None:
        """Take an edited configuration: another mood in it makes void what was asked for, and is the last word."""
        station = config.stations[self.station]
        edited = station.mood != self._orders.config_mood
        self._config, self._schedule, self._missed = config, station.clockwork(), None
        if edited:
            word = Word(station.mood, "config", self.now()) if station.schedule else None
            self._orders = Orders(station.mood, word)

    async def keep(self) -> bool:
        """Write down what holds; False, with a line in the log, where the disk refuses."""
        async with self._saving:
            try:
                await asyncio.to_thread(kept.save, self._path, self._orders)
            except OSError as problem:
                logger.warning("%s: cannot be written (%s): a restart forgets what was asked for.", self._path, problem)
                return False
        return True

    def _say(
        self, choice: Spoken, by: str, drift_minutes: float | None, span: tuple[datetime, datetime | None]
    ) -> Say | None:
        """What was chosen, ready to play; None, said once, for a mood that is there no more."""
        try:
            mood = choice if isinstance(choice, Mood) else self._config.mood(choice)
        except MoodError as problem:
            if self._missed != choice:
                self._missed = choice
                logger.warning("station %s: what %s asks for cannot be played: %s", self.station, by, problem)
            return None
        drift = self._config.stations[self.station].drift_minutes if drift_minutes is None else drift_minutes
        if drift or drift_minutes is not None:
            mood = replace(mood, drift_minutes=drift)
        return Say(mood, choice, by, *span)

    def _next(self, slot: Slot | None, now: datetime) -> datetime | None:
        if slot is not None or self._orders.paused:
            return None if slot is None else slot.until
        return next((later.since for later in self._schedule.slots(now, now + timedelta(days=400))), None)


def _holds(word: Word, slot: Slot | None, now: datetime) -> bool:
    if word.until is not None:
        return now < word.until
    return slot is None or word.at >= slot.since


def conduct(director: Director, music: Music, tell: Callable[[Say], None] | None = None) -> bool:
    """Have the music follow whoever has the say now; False when it does already. `tell` is told of another mood."""
    say, hands = director.said(director.now()), director.orders.hands
    other = say.mood != music.mood
    if not other and hands == music.hands:
        return False
    music.lay_hands(hands)
    if other and tell is not None:
        tell(say)
    music.change_mood(say.mood)
    return True
