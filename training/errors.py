"""Errors of the training path. Every message says what happened, what we got and what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import EngineError


class TrainingError(Exception):
    """Raised when a training command cannot do what was asked; the base of all errors here."""


class CorpusError(TrainingError):
    """Raised when a data set or one of its files is missing or cannot be used."""


class TokenTextError(TrainingError):
    """Raised when text is not of the token format it should be."""


class CheckpointError(TrainingError):
    """Raised when a checkpoint does not fit the run that wants to go on from it."""


class ExportError(TrainingError):
    """Raised when an exported model does not compute what the trained one does."""


class MissingPackageError(TrainingError):
    """Raised when a package that only this command needs is not installed."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """Tell a failure of a command in its sentence on standard error, and end with exit code 1; decorates commands."""
    try:
        yield
    except (TrainingError, EngineError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from error
