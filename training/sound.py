"""Lets the station's own program play written songs, so that a report can be heard. Knows nothing about notes or sound.

Training imports nothing of the engine beyond its values; the program is asked like any other.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from training.errors import TrainingError

SILENT = "none"
"""Asked for as a mood: no sound."""
ROOT = Path(__file__).parent.parent


def render(songs: Sequence[Path], mood: str) -> list[Path]:
    """Write a FLAC beside each MIDI file, as a mood plays it.

    Raises:
        TrainingError: the program failed (with what it said).
    """
    if not songs or mood == SILENT:
        return []
    folder = songs[0].resolve().parent
    command = [sys.executable, "-m", "engine.play", *(str(path.resolve()) for path in songs)]
    done = subprocess.run(
        [*command, "--mood", mood, "--out", str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise TrainingError(
            f"{folder}: the songs could not be played ({done.stderr.strip().splitlines()[-1:]}). The tables and MIDI "
            f"files are there; give --sound {SILENT} to leave the sound out."
        )
    return [path.with_suffix(".flac") for path in songs]
