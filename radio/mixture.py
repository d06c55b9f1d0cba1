"""How a mixture of moods is written: `study:0.7,rainy:0.3` or with `=`. Knows nothing about moods themselves."""

from __future__ import annotations

import re

from engine import MoodError

_PART = re.compile(r"\s*(?P<name>[^:=,]+?)\s*[:=]\s*(?P<weight>[^:=,]+?)\s*")


def parse_mixture(text: str) -> str | dict[str, float]:
    """Read names with weights; anything without a weight is one name.

    Raises:
        MoodError: a weight is missing or no number.
    """
    if not re.search("[:=,]", text):
        return text
    mixture: dict[str, float] = {}
    for part in text.split(","):
        match = _PART.fullmatch(part)
        try:
            if match is None:
                raise ValueError(part)
            mixture[match["name"]] = float(match["weight"])
        except ValueError as problem:
            raise MoodError(f"mood {text!r}: write weights as numbers, such as study:0.7,rainy:0.3.") from problem
    return mixture
