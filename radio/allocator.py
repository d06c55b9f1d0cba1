"""How the C library's allocator keeps memory for this process. Knows nothing about what is kept in it.

Both calls do nothing where the library is not glibc.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
"""malloc.h"""
_LARGE_BYTES = 262_144
_ARENAS = 2


def keep_little() -> None:
    """Have large blocks go back to the system when they are freed: a bar's sound is one, and comes every 3 s.

    Else glibc learns from the first of them to keep such blocks in its heaps, which then grow by 20 MB when an engine
    is replaced and shrink when they like. Not for an engine: it makes and frees so many that the system would take as
    much processor again.
    """
    option: Any = _function("mallopt")
    if option is not None:
        option(_MMAP_THRESHOLD, _LARGE_BYTES)
        option(_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Return what was taken for a moment and freed: 25-33 MB of an engine that has read loops, measured instruments."""
    trim: Any = _function("malloc_trim")
    if trim is not None:
        trim(0)


def _function(name: str) -> Any:  # noqa: ANN401 - a C function
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
