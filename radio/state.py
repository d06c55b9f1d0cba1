"""What a station remembers between two runs: one file, replaced whole. Knows nothing about what a snapshot means."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from radio.lead import Resume

logger = logging.getLogger(__name__)

_MAGIC = b"lofi-radio state 1\n"


@dataclass(frozen=True, slots=True)
class Saved:
    """How to go on at the bar after the last one that was heard."""

    resume: Resume
    next_frame: int
    """Position in the broadcast, counted over all runs."""
    next_bar: int
    next_piece: int
    """Number that a new piece takes if this one cannot go on."""
    added: tuple[int, int]
    """(bars, pieces) by which the station's numbers are ahead of the engine's own."""
    seed: int
    assets: tuple[str, ...]
    """SHA-256 of every file that shaped the sound."""


def save(path: Path, saved: Saved) -> None:
    """Write the state so that a crash at any moment leaves the old or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = {
        "skip_bars": saved.resume.skip_bars,
        "next_frame": saved.next_frame,
        "next_bar": saved.next_bar,
        "next_piece": saved.next_piece,
        "added": saved.added,
        "seed": saved.seed,
        "assets": saved.assets,
        "snapshot_bytes": len(saved.resume.snapshot),
    }
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(_MAGIC + json.dumps(head).encode() + b"\n" + saved.resume.snapshot)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(path: Path) -> Saved | None:
    """Read the state back; None, with one log line, when there is none that can be used."""
    try:
        magic, head, snapshot = (path.read_bytes() + b"\n").split(b"\n", 2)
        if magic + b"\n" != _MAGIC:
            raise ValueError(f"it begins with {magic[:30]!r}")
        values = json.loads(head)
        snapshot = snapshot[:-1]
        if len(snapshot) != values["snapshot_bytes"]:
            raise ValueError(f"it holds {len(snapshot)} of {values['snapshot_bytes']} bytes")
        return Saved(
            Resume(snapshot, int(values["skip_bars"])),
            int(values["next_frame"]),
            int(values["next_bar"]),
            int(values["next_piece"]),
            (int(values["added"][0]), int(values["added"][1])),
            int(values["seed"]),
            tuple(str(sha) for sha in values["assets"]),
        )
    except FileNotFoundError:
        logger.info("%s: no state of an earlier run, begins a new piece", path)
    except (OSError, ValueError, KeyError, IndexError, TypeError) as problem:
        logger.warning("%s: cannot be used (%s), begins a new piece. It will be replaced.", path, problem)
    return None
