"""What was understood of some words: the mood they ask for, each number that moved and why. Plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from engine import Mood

Json = dict[str, Any]
_NOT_NUMBERS = ("name", "drift_minutes", "palette")


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that was asked for."""

    kind: str
    """`turn`, `silent`, `playing`, `layer`, `program`, `key`, `mode`, `bpm`, `style`, `scene` or `note`."""
    name: str
    amount: float
    why: str
    """The words that say so."""
    sure: float
    """0-1."""
    relative: bool = False
    """Whether it is counted from what plays now (`slower`) and not from the neutral mood (`slow`)."""
    value: Any = None


@dataclass(frozen=True, slots=True)
class Move:
    """A number that moved."""

    field: str
    was: Any
    now: Any
    why: str
    sure: float


@dataclass(frozen=True, slots=True)
class Understanding:
    """The answer to some words."""

    text: str
    start: str
    """Name of the mood that the numbers moved from."""
    mood: Mood
    moves: tuple[Move, ...]
    read: tuple[Wish, ...]
    not_understood: tuple[str, ...]
    notes: tuple[str, ...]
    """Sentences: corrected spelling, what cannot be done here, a missing package."""
    relative: bool

    @property
    def sure(self) -> float:
        """How sure the whole is: the mean over what was read, less what was not understood."""
        if not self.read:
            return 0.0
        mean = sum(wish.sure for wish in self.read) / len(self.read)
        return round(mean * len(self.read) / (len(self.read) + 0.5 * len(self.not_understood)), 2)

    def to_json(self) -> Json:
        """Return the answer as JSON values."""
        return {
            "text": self.text,
            "from": self.start,
            "relative": self.relative,
            "sure": self.sure,
            "read": [{"words": wish.why, "as": described(wish), "sure": wish.sure} for wish in self.read],
            "moves": [asdict(move) for move in self.moves],
            "not_understood": list(self.not_understood),
            "notes": list(self.notes),
        }


def described(wish: Wish) -> str:
    """Say in a few words what a wish is."""
    if wish.kind == "turn":
        return f"{wish.name} {wish.amount:+.1f}"
    if wish.kind in ("silent", "playing"):
        return f"{wish.name} {'off' if wish.kind == 'silent' else 'on'}"
    if wish.kind == "layer":
        return f"no {wish.name}" if wish.value is None and wish.amount < 0 else f"{wish.name} {wish.amount:+.1f}"
    if wish.kind == "note":
        return wish.name
    return f"{wish.kind} {wish.name}"


def moves_between(start: Mood, end: Mood, reasons: dict[str, Sequence[Wish]]) -> tuple[Move, ...]:
    """Return what differs between two moods, each with the words that did it."""
    found = []
    for field in (field.name for field in fields(Mood) if field.name not in _NOT_NUMBERS):
        was, now = getattr(start, field), getattr(end, field)
        if was == now:
            continue
        asked = reasons.get(field, ())
        why = ", ".join(dict.fromkeys(wish.why for wish in asked))
        found.append(Move(field, _plain(was), _plain(now), why, max((wish.sure for wish in asked), default=0.0)))
    return tuple(found)


def _plain(value: Any) -> Any:  # noqa: ANN401 - any number of a mood
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
