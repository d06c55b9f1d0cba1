"""How many files and connections the system lets this process have. Knows nothing about who needs them."""

from __future__ import annotations

import logging
import resource

logger = logging.getLogger(__name__)

OWN_FILES = 1_024
"""What we open besides listeners: pages, playlists, pipes to engines, the journal; and scanners who only hold on."""


def make_room_for(listeners: int) -> int:
    """Raise the limit of open files so that so many listeners fit; returns the limit that is in force.

    Most systems begin at 1024 and allow far more. At the limit nobody can connect, no engine can be replaced, and
    asyncio complains a thousand times in a row, which holds up the broadcast for 10 s.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * listeners + OWN_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    if granted < wanted:
        logger.warning(
            "only %d files may be open here, %d listeners want %d. Raise it (ulimit -Hn, LimitNOFILE in systemd), "
            "or lower server.max_listeners.", granted, listeners, wanted,
        )  # fmt: skip
    return granted
