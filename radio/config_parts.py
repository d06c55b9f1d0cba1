"""What every part of the configuration is made of: the frozen base, marks, and kinds of values.

Knows nothing about which options there are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from radio.errors import SecretError


class Live:
    """Marks a field that may change while on air; every other field needs a restart."""


Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$"),
    Field(description="1-32 lower-case letters, digits and dashes"),
]
"""It becomes part of a URL."""
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="one line of text, 1-200 characters"),
]
"""It travels in HTTP headers."""
_LABEL, _IPV6 = "[A-Za-z0-9_-]{1,63}", "[0-9A-Fa-f]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*"
Host = Annotated[
    str,
    StringConstraints(max_length=253, pattern=rf"^({_LABEL}(\.{_LABEL})*\.?|\[?{_IPV6}(%[A-Za-z0-9._-]+)?\]?)$"),
    Field(description="a host name or address, such as 127.0.0.1, :: or radio.example.org"),
]
AnyPath = Annotated[Path, Field(strict=False, description="a path (relative ones start at config.yaml's folder)")]
Port = Annotated[int, Field(ge=1, le=65535)]
WebAddress = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^\s\x00-\x1f@]{1,500}$"),
    Field(description="a web address that starts with http:// or https://"),
]
EnvironmentName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
    Field(description="the name of an environment variable that holds the password"),
]


class Part(BaseModel):
    """A part of the tree: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where a secret is kept: outside config.yaml."""

    owner: str
    """Whose it is, in messages: `icecast main`."""
    wanted: str
    """What belongs there: `source password`."""
    env: str | None
    file: Path | None

    def __str__(self) -> str:
        return f"the file {self.file}" if self.file is not None else f"the environment variable {self.env}"

    def read(self, environ: Mapping[str, str] = os.environ) -> str:
        """Fetch the secret; raises SecretError when there is none."""
        if self.file is not None:
            try:
                secret = self.file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as problem:
                raise SecretError(
                    f"{self.owner}: cannot read its password_file {self.file} ({problem}). "
                    f"Put the {self.wanted} there, readable by the user that runs the radio."
                ) from problem
        else:
            secret = environ.get(self.env or "", "").strip()
        if not secret:
            raise SecretError(f"{self.owner}: {self} is empty or missing. Put the {self.wanted} there.")
        return secret
