"""The engine: composes and plays music. Synchronous, deterministic; knows no asyncio, network or clock."""

from engine.assets import Asset
from engine.banks import find_bank
from engine.drift import mixed
from engine.errors import (
    EngineError,
    LoopError,
    ModelError,
    MoodError,
    OrderError,
    PromptError,
    SnapshotError,
    SoundBankError,
    TokenError,
)
from engine.hearing import PITCH_RATE_HZ, transcribe
from engine.layout import Layout, parse_layout
from engine.levels import Levels
from engine.likeness import Likeness
from engine.likeness import compare as compare_moods
from engine.loudness import Meter, integrated_lufs, true_peak_dbtp
from engine.midi import write_midi
from engine.midi_in import TimedNote, notes_of_midi
from engine.mood import MAY_BE_SILENT, RANGES
from engine.moods import MOODS, Mood, Sampling, find_mood, mood_from_tree, mood_to_tree
from engine.prompt import Prompt, prompt_from_tree, prompt_to_tree
from engine.prompts import in_key_share, midi_prompt, notes_prompt, random_tokens, tokens_prompt, with_quote
from engine.recurrence import Recurrence, load_recurrence, native_kind
from engine.remembered import PieceMark
from engine.replay import SETTLED_FRAMES, ReplayStation, numbered, sound_state
from engine.spelling import chord_name, tonic_name, typeset
from engine.station import RenderedBar, Station
from engine.station_setup import StationSetup
from engine.stems import STEMS
from engine.studio import DOWNBEAT_FRAMES
from engine.tailoring import Key, parse_key, tailored
from engine.thesis import MIX as THESIS_MIX
from engine.thesis import Song as ThesisSong
from engine.thesis import bars_of as thesis_bars
from engine.thesis import check_model as thesis_model
from engine.thesis import context_of as thesis_context
from engine.thesis import instrument as thesis_instrument
from engine.thesis import write as thesis_tokens
from engine.tokens import parse as parse_tokens
from engine.track import Extent, Gauge, Player, Track, TrackBlock
from engine.turn import End, Hands, Turn
from engine.types import (
    SAMPLE_RATE_HZ,
    TICKS_PER_BAR,
    AudioBlock,
    Bar,
    BarStart,
    Chord,
    FloatArray,
    NoteEvent,
    Part,
    Piece,
    Section,
)

__all__ = [
    "DOWNBEAT_FRAMES",
    "MAY_BE_SILENT",
    "MOODS",
    "PITCH_RATE_HZ",
    "RANGES",
    "SAMPLE_RATE_HZ",
    "SETTLED_FRAMES",
    "STEMS",
    "THESIS_MIX",
    "TICKS_PER_BAR",
    "Asset",
    "AudioBlock",
    "Bar",
    "BarStart",
    "Chord",
    "End",
    "EngineError",
    "Extent",
    "FloatArray",
    "Gauge",
    "Hands",
    "Key",
    "Layout",
    "Levels",
    "Likeness",
    "LoopError",
    "Meter",
    "ModelError",
    "Mood",
    "MoodError",
    "NoteEvent",
    "OrderError",
    "Part",
    "Piece",
    "PieceMark",
    "Player",
    "Prompt",
    "PromptError",
    "Recurrence",
    "RenderedBar",
    "ReplayStation",
    "Sampling",
    "Section",
    "SnapshotError",
    "SoundBankError",
    "Station",
    "StationSetup",
    "ThesisSong",
    "TimedNote",
    "TokenError",
    "Track",
    "TrackBlock",
    "Turn",
    "chord_name",
    "compare_moods",
    "find_bank",
    "find_mood",
    "in_key_share",
    "integrated_lufs",
    "load_recurrence",
    "midi_prompt",
    "mixed",
    "mood_from_tree",
    "mood_to_tree",
    "native_kind",
    "notes_of_midi",
    "notes_prompt",
    "numbered",
    "parse_key",
    "parse_layout",
    "parse_tokens",
    "prompt_from_tree",
    "prompt_to_tree",
    "random_tokens",
    "sound_state",
    "tailored",
    "thesis_bars",
    "thesis_context",
    "thesis_instrument",
    "thesis_model",
    "thesis_tokens",
    "tokens_prompt",
    "tonic_name",
    "transcribe",
    "true_peak_dbtp",
    "typeset",
    "with_quote",
    "write_midi",
]
