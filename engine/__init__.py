"""The engine: composes and plays music. Synchronous, deterministic; knows no asyncio, network or clock."""

from engine.errors import EngineError, LoopError, ModelError, MoodError, SnapshotError, SoundBankError, TokenError
from engine.moods import Mood, Sampling
from engine.types import SAMPLE_RATE_HZ, AudioBlock, Bar, BarStart, Chord, FloatArray, NoteEvent, Part, Piece, Section

__all__ = [
    "SAMPLE_RATE_HZ",
    "AudioBlock",
    "Bar",
    "BarStart",
    "Chord",
    "EngineError",
    "FloatArray",
    "LoopError",
    "ModelError",
    "Mood",
    "MoodError",
    "NoteEvent",
    "Part",
    "Piece",
    "Sampling",
    "Section",
    "SnapshotError",
    "SoundBankError",
    "TokenError",
]
