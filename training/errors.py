"""Errors of the training path. Every message says what happened, what we got and what to do."""


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
