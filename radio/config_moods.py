"""Own moods in config.yaml: a base mood with some of its numbers changed.

Knows nothing about YAML or what moods do; the engine itself says which numbers can be played.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from engine import Mood, Sampling, find_mood


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


MoodPatch: type[BaseModel] = _patch_of(Mood, {"base": str, "sampling": _patch_of(Sampling, {})})
"""What may stand under `moods: {name: ...}`: `base` and any field of a mood but its name."""


def own_mood(name: str, patch: Mapping[str, Any]) -> Mood:
    """Build the mood `name` from a checked patch; raises engine.MoodError with all that is wrong."""
    base = find_mood(str(patch.get("base", "study")))
    changes = {key: value for key, value in patch.items() if key != "base"}
    if "sampling" in changes:
        changes["sampling"] = dataclasses.replace(base.sampling, **changes["sampling"])
    return dataclasses.replace(base, name=name, **changes)
