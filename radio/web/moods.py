"""The moods as tiles show them: title, a line, a colour, the main numbers. Knows nothing about how they sound."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from aiohttp import web

from engine import Mood
from radio.web.answers import told
from radio.web.facts import Json

CARDS: Mapping[str, tuple[str, str, str]] = {
    "study": ("Study", "Even, warm and unhurried: tine piano and a dusty kit.", "#c98a4b"),
    "rainy": ("Rainy", "Slow minor chords on felt piano, rain at the window.", "#5b7f95"),
    "sleep": ("Sleep", "Hardly a beat, wide pads, the sea far away.", "#4a4f7c"),
    "cafe": ("Café", "Swinging brushes, an upright piano, cups and voices.", "#a4694f"),
    "sunset": ("Sunset", "Soft soul chords with a lean beat, waves coming in.", "#d9715f"),
    "night-drive": ("Night drive", "Steady and dark, street lamps going by.", "#4f5d9e"),
    "snow": ("Snow", "Clear bells in a quiet room, everything muffled.", "#8fb3c7"),
    "jazzhop": ("Jazzhop", "Broken drums, walking lines, the busiest of all.", "#b5533c"),
    "morning": ("Morning", "Light major chords, birds, the window open.", "#d6b04a"),
    "melancholy": ("Melancholy", "Minor, sparse and far back in the room.", "#6f6a86"),
}
"""By name: title, one line, colour."""


class Moods:
    """The route that tells the moods of the configuration in force."""

    def __init__(self, moods: Callable[[], Mapping[str, Mood]]) -> None:
        self._moods = moods

    def add_routes(self, app: web.Application) -> None:
        """Add /api/moods."""
        app.router.add_get("/api/moods", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        """Every mood with its title, one line about it, a colour for tiles and its main numbers."""
        cards = {"moods": [mood_card(name, mood) for name, mood in self._moods().items()]}
        return told(cards)


def mood_card(name: str, mood: Mood) -> Json:
    """One mood."""
    title, line, colour = CARDS.get(name) or _own_card(name, mood)
    return {
        "name": name,
        "title": title,
        "description": line,
        "colour": colour,
        "bpm_low": mood.bpm_low,
        "bpm_high": mood.bpm_high,
        "minor_share": mood.minor_share,
        "swing": mood.swing,
        "keys_density": mood.keys_density,
        "drums_density": mood.drums_density,
        "vinyl": mood.vinyl,
        "ambience": dict(mood.ambience),
    }


def _own_card(name: str, mood: Mood) -> tuple[str, str, str]:
    """A mood of somebody's own: its colour comes from its name and stays the same."""
    hue = int(hashlib.sha256(name.encode()).hexdigest()[:4], 16) % 360
    words = name.replace("-", " ")
    layers = ", ".join(layer for layer, _ in mood.ambience)
    line = f"This station's own, {mood.bpm_low:g}-{mood.bpm_high:g} bpm{', with ' if layers else ''}{layers}."
    return words[:1].upper() + words[1:], line, _hex(hue)


def _hex(hue: int) -> str:
    """A muted colour of a hue, as the others are."""
    channels = [0.5 + 0.2 * max(-1.0, min(1.0, abs((hue / 60 + shift) % 6 - 3) * 2 - 3)) for shift in (0, 4, 2)]
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)
