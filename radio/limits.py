"""How many files and connections the system lets this process have. Knows nothing about who needs them."""

from __future__ import annotations

import logging
import resource
from dataclasses import dataclass

logger = logging.getLogger(__name__)

SPARE_CONNECTIONS = 1_024
"""Asked for besides listeners: pages, playlists; and scanners who only hold on."""
OWN_FILES = 200
"""What we open ourselves: pipes to engines, journal, outputs, recordings, libraries."""
OTHERS = 100
"""Connections kept free of listeners, so that pages and probes are answered when all places are taken."""


@dataclass(frozen=True, slots=True)
class Room:
    """What fits."""

    files: int
    """Limit of open files that is in force."""
    connections: int
    """So many may be open at once; one more would take a file that an engine needs."""
    listeners: int


def make_room_for(listeners: int) -> Room:
    """Raise the limit of open files so that so many listeners fit; where it cannot be raised, fewer are let in.

    Most systems begin at 1024 and allow far more. At the limit nobody can connect, no engine can be replaced, and
    asyncio complains a thousand times in a row, which holds up the broadcast for 10 s.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * listeners + SPARE_CONNECTIONS
    granted = soft
    if soft != resource.RLIM_INFINITY and soft < wanted:
        granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    room = _room(wanted if granted == resource.RLIM_INFINITY else granted, listeners)
    if room.listeners < listeners:
        logger.warning(
            "only %d files may be open here: %d listeners are let in instead of %d. Raise the limit (ulimit -Hn, "
            "LimitNOFILE in systemd), or lower server.max_listeners.", granted, room.listeners, listeners,
        )  # fmt: skip
    return room


def _room(files: int, listeners: int) -> Room:
    connections = files - min(OWN_FILES, files // 2)
    return Room(files, connections, min(listeners, connections - min(OTHERS, connections // 8)))
