"""What somebody asked of a station and wants kept: a mood, hands on the desk, a schedule that pauses; and the file it
is kept in. Knows nothing about what is in force.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from engine import EngineError, Hands, Mood, mood_from_tree
from radio.ledger import replace_file

logger = logging.getLogger(__name__)

Choice = str | dict[str, float]
"""A mood by name, or several with their weights."""
Spoken = Choice | Mood
"""What may be asked for: a mood that words made has no name of its own."""


@dataclass(frozen=True, slots=True)
class Word:
    """A mood that somebody asked for."""

    choice: Spoken
    by: str
    """`control`, or `config` for an edit while on air."""
    at: datetime
    until: datetime | None = None
    """It holds until then, whatever the schedule says; None: until the schedule speaks next."""
    drift_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class Orders:
    """Everything that was asked for and holds."""

    config_mood: Choice
    """What config.yaml said then: an edit of it makes all of this void."""
    word: Word | None = None
    hands: Hands = field(default_factory=Hands)
    paused: bool = False
    """The schedule says nothing while it pauses."""


def load(path: Path, config_mood: Choice) -> Orders:
    """Read the orders back; none where there is no file, it is damaged, or config.yaml names another mood now."""
    fresh = Orders(config_mood)
    try:
        orders = _from_tree(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return fresh
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EngineError) as problem:
        logger.warning("%s: cannot be used (%s): what was asked for in the last run is forgotten.", path, problem)
        return fresh
    if orders.config_mood != config_mood:
        logger.info("%s: config.yaml names another mood now: what was asked for in the last run is void.", path)
        return fresh
    return orders


def save(path: Path, orders: Orders) -> None:
    """Write the orders whole or not at all; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tree = asdict(orders)
    replace_file(path, json.dumps(tree, default=datetime.isoformat).encode(), sync=True)


def _from_tree(tree: Any) -> Orders:  # noqa: ANN401 - JSON from a file
    word, hands = tree["word"], dict(tree["hands"])
    if hands["layers"] is not None:
        hands["layers"] = tuple((str(name), float(db)) for name, db in hands["layers"])
    return Orders(
        tree["config_mood"],
        None if word is None else _word(word),
        Hands(**hands),
        bool(tree["paused"]),
    )


def _word(tree: Any) -> Word:  # noqa: ANN401 - JSON from a file
    until = None if tree["until"] is None else _moment(tree["until"])
    drift = None if tree["drift_minutes"] is None else float(tree["drift_minutes"])
    choice = tree["choice"]
    known: Spoken
    if isinstance(choice, str):
        known = choice
    elif isinstance(choice.get("name"), str):  # in a mixture a mood called `name` has a weight
        known = mood_from_tree(choice)
    else:
        known = {str(name): float(share) for name, share in choice.items()}
    return Word(known, str(tree["by"]), _moment(tree["at"]), until, drift)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} names no time zone")
    return moment
