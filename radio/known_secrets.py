"""The secrets that a configuration names. Knows nothing about what they open or where they must not be told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from radio.config import Config
from radio.errors import RadioError
from radio.redaction import LONG_ENOUGH

_BUCKET_KEY = "AWS_SECRET_ACCESS_KEY"


def known_secrets(config: Config, environ: Mapping[str, str] = os.environ) -> tuple[list[str], list[str]]:
    """Return the secrets that are there, and sentences about those that are missing or too short."""
    found, problems = [], []
    for owner, read in _readers(config):
        try:
            secret = read()
        except RadioError as problem:
            problems.append(str(problem))
            continue
        if secret:
            found.append(secret)
        if secret and len(secret) < LONG_ENOUGH:
            problems.append(
                f"{owner}: its secret has {len(secret)} characters, which can be guessed, and the log can hide it only "
                f"where it stands by itself. Take {LONG_ENOUGH} or more."
            )
    if config.hls.bucket is not None:
        found += filter(None, [environ.get(_BUCKET_KEY)])
    return found, problems


def _readers(config: Config) -> Iterator[tuple[str, Callable[[], str | None]]]:
    for icecast in config.icecast:
        yield f"icecast {icecast.name}", icecast.password
    for push in config.push:
        yield f"push {push.name}", push.password
    for hook in config.webhooks:
        yield f"webhook {hook.name}", hook.secret
    yield "security", config.security.token
