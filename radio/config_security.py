"""The configuration of who may do what, and how much of it. Knows nothing about HTTP."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from radio.config_parts import AnyPath, EnvironmentName, Part, SecretPlace
from radio.errors import SecretError

TOKEN_LENGTH_MIN = 16
"""A shorter one can be guessed in spite of the limit of attempts."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Security(Part):
    """Limits that hold for everybody, and the token that opens the control routes."""

    control_token_env: EnvironmentName | None = None
    control_token_file: AnyPath | None = None
    """Neither: there are no control routes."""
    token_in_query: bool = False
    """True: control routes take the token as ?token=, too, for what can only open an address."""
    metrics: Literal["open", "token", "off"] = "open"
    """Who may read /metrics."""
    attempts: Annotated[int, Field(ge=1, le=1_000)] = 10
    """Wrong tokens that an address may send within a minute."""
    connections_per_address: Annotated[int, Field(ge=1, le=100_000)] = 100
    trusted_proxies: tuple[str, ...] = Field(default=("127.0.0.1", "::1"), strict=False)
    """Who may say in X-Forwarded-For whom it speaks for: addresses and networks."""
    first_request_s: Annotated[float, Field(ge=1, le=60)] = 10.0
    """A connection that has not asked for anything by then is closed."""
    header_bytes: Annotated[int, Field(ge=1_024, le=65_536)] = 8_192
    """Longest line of a request: the address or one header."""
    body_bytes: Annotated[int, Field(ge=1_024, le=1_048_576)] = 16_384
    """Longest body of a control request; nothing else but a seed takes one."""
    seed_bytes: Annotated[int, Field(ge=1_024, le=67_108_864)] = 8_388_608
    """Longest MIDI file or recording for /api/control/seed."""

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            try:
                ipaddress.ip_network(item)
            except ValueError as problem:
                raise ValueError(
                    f"{item[:60]!r} must be an address or a network, such as 127.0.0.1 or 10.0.0.0/8"
                ) from problem
        return value

    @model_validator(mode="after")
    def _at_most_one_place(self) -> Self:
        if self.control_token_env is not None and self.control_token_file is not None:
            raise ValueError("name one place for the token: control_token_env or control_token_file, not both")
        if self.metrics == "token" and self.token_place is None:
            raise ValueError("metrics: token needs a token: name control_token_env or control_token_file")
        return self

    @property
    def token_place(self) -> SecretPlace | None:
        """Where the control token is kept; None when there is none."""
        if self.control_token_env is None and self.control_token_file is None:
            return None
        return SecretPlace("security", "control token", self.control_token_env, self.control_token_file)

    @property
    def networks(self) -> tuple[Network, ...]:
        """The trusted proxies, ready to compare with."""
        return tuple(ipaddress.ip_network(item) for item in self.trusted_proxies)

    def token(self, environ: Mapping[str, str] | None = None) -> str | None:
        """Fetch the control token; None when none is named; raises SecretError when it is missing or too short."""
        place = self.token_place
        if place is None:
            return None
        token = place.read() if environ is None else place.read(environ)
        if len(token) < TOKEN_LENGTH_MIN:
            raise SecretError(
                f"security: the control token in {place} has {len(token)} characters, it needs {TOKEN_LENGTH_MIN} "
                "at least. Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        return token
