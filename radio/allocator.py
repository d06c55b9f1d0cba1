"""How the C library's allocator keeps memory for this process. Knows nothing about what is kept in it.

Both calls do nothing where the library is not glibc.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""malloc.h"""
SEGMENT_BYTES = 61_440
"""An HLS segment (66 kB) and a bar's sound (1.2 MB) are larger; what a block of 43 ms goes through is not (55 kB)."""
LOOP_BYTES = 4_194_304
"""A loop is larger, a bar's sound is not."""
_ARENAS = 2


def keep_little(large_bytes: int) -> None:
    """Have blocks larger than that go back to the system when they are freed.

    Else glibc learns from the first of them to keep such blocks in its heaps, which then grow by 20 MB when an engine
    is replaced and shrink when they like. An engine makes and frees so many blocks of a bar's size that the system
    would take as much processor again to fetch them anew: there only larger ones go back.
    """
    option: Any = _function("mallopt")
    if option is not None:
        option(_MMAP_THRESHOLD, large_bytes)
        option(_TRIM_THRESHOLD, 4 * large_bytes)
        option(_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Return what was taken for a moment and freed: 25-33 MB of an engine that has read loops, measured instruments."""
    trim: Any = _function("malloc_trim")
    if trim is not None:
        trim(0)


def _function(name: str) -> Any:  # noqa: ANN401 - a C function
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
