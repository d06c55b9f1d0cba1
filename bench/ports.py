"""Ports on loopback that nobody holds right now."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Ask the system for one; somebody else may take it before we do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
