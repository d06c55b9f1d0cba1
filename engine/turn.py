"""What is to change at a bar line: the mood, the hands that rest on it, the end of the piece, a prompt for the next.

Plain values. Knows nothing about when or how it is played.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, cast

from engine.errors import MoodError
from engine.mood import RANGES, Mood, mood_from_tree, mood_to_tree
from engine.prompt import Prompt, prompt_from_tree, prompt_to_tree
from engine.types import Tree

GAIN_RANGE_DB = (-60.0, 30.0)
_LEVEL_RANGE_DB = (-90.0, 0.0)


class End(StrEnum):
    """How a piece ends before its time."""

    ENDING = "ending"
    """With the last two bars of its form: the drums rest, and it comes to its chord of rest."""
    NOW = "now"
    """At the bar line."""


@dataclass(frozen=True, slots=True)
class Hands:
    """Somebody's hands on the desk: what holds whatever the mood is."""

    bpm: float | None = None
    """Tempo of the pieces to come; None leaves it to the mood."""
    vinyl_db: float = 0.0
    """How much louder than the mood says."""
    ambience_db: float = 0.0
    layers: tuple[tuple[str, float], ...] | None = None
    """Ambience loops with their levels instead of the mood's; None leaves them to the mood."""

    def __post_init__(self) -> None:
        """Refuse what cannot be played."""
        checks = [("vinyl", self.vinyl_db, GAIN_RANGE_DB), ("ambience", self.ambience_db, GAIN_RANGE_DB)]
        checks += [(name, db, _LEVEL_RANGE_DB) for name, db in self.layers or ()]
        checks += [] if self.bpm is None else [("bpm", self.bpm, RANGES["bpm_low"])]
        wrong = [
            f"{name} is {value:g}: must be {low:g} to {high:g}."
            for name, value, (low, high) in checks
            if not low <= value <= high
        ]
        if wrong:
            raise MoodError(" ".join(wrong))

    def on(self, mood: Mood) -> Mood:
        """The mood as it is with these hands on it."""
        if self == Hands():
            return mood
        layers = mood.ambience if self.layers is None else self.layers
        changed = replace(
            mood,
            vinyl_db=_level(mood.vinyl_db + self.vinyl_db),
            ambience=tuple((name, _level(db + self.ambience_db)) for name, db in layers),
        )
        return changed if self.bpm is None else replace(changed, bpm_low=self.bpm, bpm_high=self.bpm)


@dataclass(frozen=True, slots=True)
class Turn:
    """What changes; what is None stays as it is."""

    mood: Mood | None = None
    hands: Hands | None = None
    end: End | None = None
    prompt: Prompt | None = None
    """What a piece that begins at the bar line goes on from."""

    def then(self, later: Turn) -> Turn:
        """Both at one bar line."""
        return Turn(
            later.mood or self.mood, later.hands or self.hands, later.end or self.end, later.prompt or self.prompt
        )

    def to_tree(self) -> Tree:
        """As JSON values."""
        mood = None if self.mood is None else mood_to_tree(self.mood)
        hands = None if self.hands is None else asdict(self.hands)
        prompt = None if self.prompt is None else prompt_to_tree(self.prompt)
        return {"mood": mood, "hands": hands, "end": self.end, "prompt": prompt}

    @classmethod
    def from_tree(cls, tree: Tree) -> Turn:
        """Back from JSON values."""
        mood, hands, end, prompt = tree["mood"], tree["hands"], tree["end"], tree.get("prompt")
        return cls(
            None if mood is None else mood_from_tree(cast(Tree, mood)),
            None if hands is None else hands_from_tree(hands),
            None if end is None else End(cast(str, end)),
            None if prompt is None else prompt_from_tree(cast(Tree, prompt)),
        )


def hands_from_tree(tree: Any) -> Hands:  # noqa: ANN401 - a tree read from bytes
    """Hands, from JSON values."""
    layers = tree["layers"]
    kept = None if layers is None else tuple((str(name), float(db)) for name, db in layers)
    return Hands(tree["bpm"], tree["vinyl_db"], tree["ambience_db"], kept)


def _level(db: float) -> float:
    low, high = _LEVEL_RANGE_DB
    return min(max(db, low), high)
