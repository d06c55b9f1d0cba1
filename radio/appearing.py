"""Files that are there when they are whole, or not at all. Knows nothing about what is in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; it takes its place when all went well, else it vanishes."""
    hidden = path.with_name(f".{path.stem}{path.suffix}.{os.getpid()}.part")
    try:
        yield hidden
        hidden.replace(path)
    finally:
        hidden.unlink(missing_ok=True)
