"""The configuration of who is told what plays: programs of others by HTTP, and a text file for OBS.

Knows nothing about how they are told.
"""

from __future__ import annotations

import os
import string
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from radio.config_parts import AnyPath, EnvironmentName, Name, Part, SecretPlace, WebAddress

FIELDS = ("title", "key", "bpm", "mood", "station")
"""What a text file may name."""


def _checked_format(text: str) -> str:
    try:
        parts = [part[1:] for part in string.Formatter().parse(text) if part[1] is not None]
    except ValueError as problem:
        said = f"{text[:60]!r} has a brace too many ({problem})"
        raise ValueError(f"{said}: write {{title}}, and {{{{ for a brace") from problem
    if any(field not in FIELDS or spec or change for field, spec, change in parts):
        known = ", ".join(f"{{{field}}}" for field in FIELDS)
        raise ValueError(f"{text[:60]!r} names something else than {known}")
    return text


class TextFile(Part):
    """A file with what plays, for OBS and others that show a text."""

    file: AnyPath
    format: Annotated[
        str,
        Field(max_length=300, description="a text with {title}, {key}, {bpm}, {mood} or {station}"),
        AfterValidator(_checked_format),
    ] = "{title} · {key} · {bpm} bpm · {mood}"
    delay_s: Annotated[float, Field(ge=0, le=120)] = 0.0
    """Written so much later than the piece goes out: as late as it is heard."""


class Webhook(Part):
    """A program of somebody else's that is told what happens."""

    name: Name
    station: str = "lofi"
    url: WebAddress
    events: Annotated[tuple[Literal["piece", "mood", "state"], ...], Field(strict=False, min_length=1)] = ("piece",)
    secret_env: EnvironmentName | None = None
    secret_file: AnyPath | None = None
    """What messages are signed with; neither: they are not."""

    @model_validator(mode="after")
    def _at_most_one_secret(self) -> Self:
        if self.secret_env is not None and self.secret_file is not None:
            raise ValueError("name one place for the secret: secret_env or secret_file")
        return self

    def secret(self, environ: Mapping[str, str] = os.environ) -> str:
        """Fetch the secret; empty when there is none. Raises SecretError when it is missing."""
        if self.secret_env is None and self.secret_file is None:
            return ""
        place = SecretPlace(
            f"webhook {self.name}", "secret that messages are signed with", self.secret_env, self.secret_file
        )
        return place.read(environ)
