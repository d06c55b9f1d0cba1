"""Tells systemd that the station is up and that its sound advances. Knows nothing about how the sound is made."""

from __future__ import annotations

import logging
import os
import socket

logger = logging.getLogger(__name__)


def sd_notify(message: str) -> bool:
    """Send one message to the service manager; False when none is listening, which must not harm the station."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # Linux' abstract namespace
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(message.encode(), address)
        except OSError as problem:  # a variable left over from another service, or a manager that is gone
            logger.debug("%s: cannot tell the service manager (%s)", message, problem)
            return False
    return True


def watchdog_period_s() -> float | None:
    """Half of the time after which systemd gives us up; None when it does not watch."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    meant_for = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdigit() or int(microseconds) == 0 or meant_for != str(os.getpid()):
        return None
    return int(microseconds) / 2_000_000
