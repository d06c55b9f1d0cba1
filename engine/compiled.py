"""The engine's own C code (`native/`), where set-up found a compiler. Knows nothing about what is computed with it."""

from __future__ import annotations

import ctypes
import functools
import importlib.util

_ABI = 2


@functools.cache
def compiled() -> ctypes.CDLL | None:
    """Return the built code, or None where there is none or that of another version."""
    found = importlib.util.find_spec("engine._step")
    if found is None or found.origin is None:
        return None
    try:
        library = ctypes.CDLL(found.origin)
        if library.step_abi() != _ABI:
            return None
    except (OSError, AttributeError):
        return None
    address, whole, number = ctypes.c_void_p, ctypes.c_int32, ctypes.c_double
    library.step_scratch_bytes.restype = ctypes.c_int64
    library.step_scratch_bytes.argtypes = (address, whole)
    library.step.restype = None
    library.step.argtypes = (address, whole, whole, address, address, address, address, address)
    library.choose.restype = whole
    library.choose.argtypes = (address, address, whole, number, number, whole, number, address)
    return library
