"""Folders with segments and the file that names them, written so that a crash at any moment leaves a whole set.

Knows nothing about playlists' rules; both the memory of the next run and the copy for a web server are kept so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from radio.hls import Memory, Segment
from radio.ledger import Ledger, replace_file

logger = logging.getLogger(__name__)

INDEX_NAME = "state.json"
_VERSION = 1
_SWEEP_AFTER_S = 300.0
"""Files that nobody names any more are removed only when the slowest cache has forgotten them, too."""


class Shelf:
    """One folder: segments first, then the files that name them. Removes only what it wrote itself."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder = folder
        self._durable = durable
        """The indexes survive a power cut, and are never older than the last write that was tried."""
        self._written: set[str] = set()
        self._ledger = Ledger(folder)

    def write(self, files: Mapping[str, bytes], indexes: Mapping[str, bytes]) -> None:
        """Bring the folder up to date; what an earlier failure left out is made good. Raises OSError."""
        try:
            self._write(files, indexes)
        except OSError:
            self._written.clear()
            if self._durable:  # what it says leads back to numbers that are used up by now
                for name in indexes:
                    with contextlib.suppress(OSError):
                        (self.folder / name).unlink(missing_ok=True)
            raise

    def _write(self, files: Mapping[str, bytes], indexes: Mapping[str, bytes]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._written &= files.keys()
        self._ledger.add(files.keys())
        for name, data in files.items():
            if name not in self._written:
                replace_file(self.folder / name, data, sync=False)
                self._written.add(name)
        for name, data in indexes.items():
            replace_file(self.folder / name, data, sync=self._durable)
        self._ledger.sweep(keep=files.keys(), after_s=_SWEEP_AFTER_S)


@dataclass(frozen=True, slots=True)
class Kept:
    """What was found of an earlier run."""

    memory: Memory | None
    files: Mapping[str, bytes]


def to_index(memory: Memory, files: Mapping[str, bytes]) -> bytes:
    """Write down a playlist's memory with a checksum of every segment."""

    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}

    def told(segment: Segment) -> dict[str, Any]:
        return {
            "sequence": segment.sequence,
            "name": segment.name,
            "begins_at": segment.begins_at.isoformat(),
            "discontinuous": segment.discontinuous,
            "files": {name: sums[name] for name in sorted(sums) if name.endswith(segment.name)},
        }

    return json.dumps({
        "version": _VERSION,
        "next_sequence": memory.next_sequence,
        "discontinuity_sequence": memory.discontinuity_sequence,
        "retained": [told(segment) for segment in memory.retained],
        "listed": [told(segment) for segment in memory.listed],
    }).encode()  # fmt: skip


def load(folder: Path) -> Kept:
    """Read what an earlier run left behind; nothing, with one log line, when there is none that can be used."""
    index = folder / INDEX_NAME
    try:
        told = json.loads(index.read_bytes())
        if told["version"] != _VERSION:
            raise ValueError(f"it has version {told['version']}")
        memory = Memory(
            int(told["next_sequence"]),
            int(told["discontinuity_sequence"]),
            tuple(_segment(one) for one in told["retained"]),
            tuple(_segment(one) for one in told["listed"]),
        )
        sums = {
            str(name): str(sha256)
            for one in (*told["retained"], *told["listed"])
            # "sha256" stands alone in an index from before there were renditions
            for name, sha256 in (one["files"] if "files" in one else {one["name"]: one["sha256"]}).items()
        }
    except FileNotFoundError:
        return Kept(None, {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        logger.warning("%s: cannot be used (%s), HLS begins a new playlist. It will be replaced.", index, problem)
        return Kept(None, {})
    return Kept(memory, _files(folder, sums))


def _files(folder: Path, sums: Mapping[str, str]) -> Mapping[str, bytes]:
    files = {}
    for name, wanted in sums.items():
        try:
            data = (folder / Path(name).name).read_bytes()
        except OSError:
            continue
        if hashlib.sha256(data).hexdigest() == wanted:
            files[name] = data
    return files


def _segment(told: Mapping[str, Any]) -> Segment:
    begins_at = datetime.fromisoformat(told["begins_at"]).astimezone(UTC)
    return Segment(int(told["sequence"]), str(told["name"]), begins_at, bool(told["discontinuous"]))
