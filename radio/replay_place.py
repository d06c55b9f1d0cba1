"""Where a configuration keeps what a replay needs. Knows nothing about replays."""

from __future__ import annotations

from radio.config import Config
from radio.replay_order import Place
from radio.sound_recorder import SOUNDS_NAME


def replay_place(config: Config) -> Place:
    """Journal, states of the sound, and what plays them."""
    mood = config.station_mood(next(iter(config.stations)))
    return Place(config.journal.path, config.state.folder / SOUNDS_NAME, config.setup(mood, 0))
