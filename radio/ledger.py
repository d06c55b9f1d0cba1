"""Which files of a folder are ours: what may be swept away there later, and nothing else.

Knows nothing about what the files hold.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path

LEDGER_NAME = ".lofi-radio.json"


class Ledger:
    """The names of the files that we wrote into a folder, kept in that folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] | None = None

    @property
    def names(self) -> frozenset[str]:
        """Every file that is ours; one that cannot be read means none."""
        if self._names is None:
            try:
                told = json.loads((self._folder / LEDGER_NAME).read_bytes())
                self._names = {Path(str(name)).name for name in told["files"]}
            except (OSError, ValueError, KeyError, TypeError):
                self._names = set()
        return frozenset(self._names)

    def add(self, names: Iterable[str]) -> None:
        """Say that these files are about to be written; raises OSError when that cannot be written down."""
        self._set(self.names | set(names))

    def remove(self, name: str) -> None:
        """Delete one of our files; one that is gone already is fine. Raises OSError."""
        (self._folder / name).unlink(missing_ok=True)
        self._set(self.names - {name})

    def sweep(self, keep: Collection[str], after_s: float) -> None:
        """Delete those of our files that are not to be kept and have not been touched for so long."""
        gone = set()
        for name in self.names.difference(keep):
            path = self._folder / name
            try:
                if time.time() - path.stat().st_mtime > after_s:
                    path.unlink()
                    gone.add(name)
            except FileNotFoundError:
                gone.add(name)
        self._set(self.names - gone)

    def _set(self, names: Iterable[str]) -> None:
        wanted = set(names)
        if wanted != self._names:
            replace_file(self._folder / LEDGER_NAME, json.dumps({"files": sorted(wanted)}).encode(), sync=False)
            self._names = wanted


def replace_file(path: Path, data: bytes, *, sync: bool) -> None:
    """Write a file so that a reader, or a crash, meets the old content or the new one and nothing between."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        if sync:
            os.fsync(file.fileno())
    temporary.replace(path)
