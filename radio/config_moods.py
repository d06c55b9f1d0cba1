"""Own moods in config.yaml: a base mood with some of its numbers changed.

Knows nothing about YAML or what moods do; the engine itself says which numbers can be played.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, create_model
from pydantic_core import PydanticCustomError

from engine import MOODS, Mood, Sampling, find_mood


def _patch_of(cls: type, special: Mapping[str, Any]) -> type[BaseModel]:
    """Model with the fields of a dataclass, each of them optional; YAML's lists stand for tuples."""
    fields: dict[str, Any] = {}
    for name, hint in {**typing.get_type_hints(cls), **special}.items():
        if typing.get_origin(hint) is tuple:
            hint = Annotated[hint, Field(strict=False)]
        fields[name] = (hint, None)
    fields.pop("name", None)
    settings = ConfigDict(frozen=True, extra="forbid", strict=True)
    return create_model(f"Own{cls.__name__}", __config__=settings, **fields)


def _pairs(value: object) -> object:
    """Take a map, or a list of pairs, for what the engine keeps as a tuple of pairs."""
    pairs = value.items() if isinstance(value, Mapping) else value
    if not isinstance(pairs, Iterable) or isinstance(pairs, str):
        return value
    return tuple(tuple(pair) if isinstance(pair, Iterable) and not isinstance(pair, str) else pair for pair in pairs)


_Ambience = Annotated[
    tuple[tuple[str, float], ...],
    BeforeValidator(_pairs),
    Field(strict=False, description="a map of loops to dB under the music, such as {rain: -25, fire: -30}"),
]
MoodPatch: type[BaseModel] = _patch_of(Mood, {"base": str, "sampling": _patch_of(Sampling, {}), "ambience": _Ambience})
"""What may stand under `moods: {name: ...}`: `base` and any field of a mood but its name."""


def _checked_choice(value: object) -> str | dict[str, float]:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and value and all(_is_weight(name, weight) for name, weight in value.items()):
        return {str(name): float(weight) for name, weight in value.items()}
    raise PydanticCustomError("mood_choice", "no mood and no mixture of moods")


def _is_weight(name: object, weight: object) -> bool:
    return (
        isinstance(name, str)
        and isinstance(weight, int | float)
        and not isinstance(weight, bool)
        and 0 < weight <= MOST_WEIGHT
    )


MOST_WEIGHT = 1000.0
MoodChoice = Annotated[
    str | dict[str, float],
    PlainValidator(_checked_choice, json_schema_input_type=str),
    Field(description="the name of a mood, or a map of moods to weights such as {study: 0.7, rainy: 0.3}"),
]
"""One mood, or several with their weights."""


def own_mood(name: str, patch: Mapping[str, Any]) -> Mood:
    """Build the mood `name` from a checked patch; raises engine.MoodError with all that is wrong."""
    base = find_mood(str(patch.get("base", name if name in MOODS else "study")))
    changes = {key: value for key, value in patch.items() if key != "base"}
    if "sampling" in changes:
        changes["sampling"] = dataclasses.replace(base.sampling, **changes["sampling"])
    return dataclasses.replace(base, name=name, **changes)
