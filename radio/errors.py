"""Errors of the radio. Every message says what happened, what we got and what to do."""

from __future__ import annotations

from collections.abc import Sequence


class RadioError(Exception):
    """Raised when the radio cannot do what was asked; its text is fit for an operator's eyes."""


class ConfigError(RadioError):
    """Raised when a configuration is refused; holds every problem found, not only the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class SecretError(RadioError):
    """Raised when a password's environment variable or file is missing or empty."""


class JournalError(RadioError):
    """Raised when the journal cannot be opened or read at all."""


class WorkerError(RadioError):
    """Raised when the engine process died, does not answer or sends what cannot be played."""

    def __init__(self, message: str, *, outside: bool = False) -> None:
        super().__init__(message)
        self.outside = outside
        """Somebody else ended or stopped it: no fault of the music in hand."""


class EncoderError(RadioError):
    """Raised when sound cannot be encoded or written in the format asked for."""


class OutputError(RadioError):
    """Raised when an output lost its far end or was refused by it."""


class PortError(RadioError):
    """Raised when the web server cannot have its address."""


class RenderError(RadioError):
    """Raised when a piece cannot be rendered to the file asked for."""


class MomentError(RadioError):
    """Raised when a text names no moment."""


class ProvenanceError(RadioError):
    """Raised when a digest, a key or a record cannot be made, read or believed."""


class ReplayError(RadioError):
    """Raised when what was on air cannot be played again."""
