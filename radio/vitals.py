"""Tells a process that works from one that stands still, by what the kernel says of its threads.

Knows nothing about what the process is for. Linux only; elsewhere it says that it does not know.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path


class Vital(Enum):
    """What a process has done since it was last looked at."""

    UNKNOWN = "unknown"
    WORKS = "works"
    """It computed, or waits for a processor or the disk: on a busy machine that takes its time."""
    WAITS = "waits"
    """Every thread sleeps and none has computed anything."""
    STOPPED = "stopped"
    """Somebody stopped it (SIGSTOP, a debugger)."""


class Vitals:
    """Looks at one process again and again."""

    def __init__(self, pid: int | None) -> None:
        self._folder = None if pid is None else Path(f"/proc/{pid}/task")
        self._ticks: int | None = None

    def look(self) -> Vital:
        """Compare with the last look."""
        if self._folder is None:
            return Vital.UNKNOWN
        try:
            threads = [_state_and_ticks(path) for path in self._folder.glob("*/stat")]
        except (OSError, ValueError, IndexError):  # a thread, or the whole process, has just ended
            return Vital.UNKNOWN
        if not threads:
            return Vital.UNKNOWN
        before, self._ticks = self._ticks, sum(ticks for _, ticks in threads)
        states = {state for state, _ in threads}
        if states <= {"T", "t"}:
            return Vital.STOPPED
        return Vital.WAITS if states == {"S"} and self._ticks == before else Vital.WORKS


def _state_and_ticks(stat: Path) -> tuple[str, int]:
    # the name in brackets may hold anything, so the fields are counted from behind it (proc(5))
    fields = stat.read_text().rpartition(")")[2].split()
    return fields[0], int(fields[11]) + int(fields[12])
