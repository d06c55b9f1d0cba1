"""The command `lofi-radio schedule`: what plays when. Knows nothing about how a schedule is reckoned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.table import Table

from engine import Mood
from radio import orders
from radio.config import Config, Station
from radio.config_schedule import zone
from radio.orders import Spoken


def schedule_table(config: Config, station: str, now: datetime, hours: float) -> Table:
    """The slots of a station from now on, in its own time."""
    about = config.stations[station]
    place = zone(about.timezone)
    table = Table(title=f"{station}, {about.timezone}, {now.astimezone(place):%A %d %B %Y %H:%M}", box=None)
    for heading in ("from", "until", "mood", "takes"):
        table.add_column(heading)
    clockwork = about.clockwork()
    slots = list(clockwork.slots(now, now + timedelta(hours=hours)))
    first = slots[0].since if slots else None
    if first is None or first > now:
        table.add_row("now", _clock(first, now, about), f"{choice_text(about.mood)} (config.yaml)", "")
    for slot in slots:
        choice = slot.entry.choice
        assert isinstance(choice, str | dict)
        minutes = about.drift_minutes if slot.entry.drift_minutes is None else slot.entry.drift_minutes
        begin = "now" if slot.since <= now else _clock(slot.since, now, about)
        table.add_row(begin, _clock(slot.until, now, about), choice_text(choice), f"{minutes:g} min" if minutes else "")
    return table


def notes(config: Config, station: str, now: datetime) -> Iterator[str]:
    """What the control interface asked for, which counts before the schedule."""
    kept = orders.load(config.state.folder / f"{station}.orders.json", config.stations[station].mood)
    if kept.paused:
        yield "The schedule pauses: the control interface asked for it."
    word = kept.word
    slot = None if kept.paused else config.stations[station].clockwork().at(now)
    if word is not None and (now < word.until if word.until is not None else slot is None or word.at >= slot.since):
        until = "the next entry" if word.until is None else f"{word.until:%Y-%m-%d %H:%M} UTC"
        yield f"{choice_text(word.choice)} was asked for by {word.by} and holds until {until}."


def choice_text(choice: Spoken) -> str:
    """A mood, or a mixture: `study 0.7 + rainy 0.3`."""
    if isinstance(choice, Mood):
        return choice.name
    return choice if isinstance(choice, str) else " + ".join(f"{name} {share:g}" for name, share in choice.items())


def _clock(moment: datetime | None, now: datetime, about: Station) -> str:
    if moment is None:
        return ""
    place = zone(about.timezone)
    local = moment.astimezone(place)
    return f"{local:%H:%M}" if local.date() == now.astimezone(place).date() else f"{local:%a %H:%M}"
