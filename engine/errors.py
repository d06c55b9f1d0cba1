"""Errors of the engine. Every message says what happened, what we got and what to do."""


class EngineError(Exception):
    """Raised when the engine cannot do what was asked; the base of all errors here."""


class TokenError(EngineError):
    """Raised when a token, its text or its vocabulary is not one we know."""


class ModelError(EngineError):
    """Raised when a model file or its card is missing, damaged or of another format."""


class SoundBankError(EngineError):
    """Raised when a sound bank or the synthesiser library cannot be loaded."""


class LoopError(EngineError):
    """Raised when a loop file is missing or is not 48 kHz stereo sound."""


class MoodError(EngineError):
    """Raised when a mood is unknown or one of its numbers is out of range."""


class SnapshotError(EngineError):
    """Raised when a snapshot is damaged or was written by another version."""


class OrderError(EngineError):
    """Raised when a track is ordered that cannot be: its key, tempo, form, parts or length."""


class PromptError(EngineError):
    """Raised when a prompt cannot be read or holds no music to go on from."""


class ScoreError(EngineError):
    """Raised when a MIDI file cannot be played."""
