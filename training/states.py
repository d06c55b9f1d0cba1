"""State tuning: trains nothing but the state before the first token, from a handful of MIDI files."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.errors import TrainingError


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of state tuning to those of a run."""
    parser.add_argument("--states-only", action="store_true", help="train only the state before the first token")
    parser.add_argument("--data", type=Path, help="folder of MIDI files, for --states-only")


def tune(options: argparse.Namespace) -> None:
    """Tune a state as the flags ask."""
    raise TrainingError(f"--states-only on {options.data}: not built yet.")
