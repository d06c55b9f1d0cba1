"""Fetches what a track or a station is to go on from: files, text, chance, a live player. Knows nothing about music."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine import (
    Key,
    OrderError,
    Prompt,
    midi_prompt,
    notes_prompt,
    random_tokens,
    tokens_prompt,
    transcribe,
    with_quote,
)
from radio.errors import RenderError
from radio.live import LIVE, listen
from radio.sound_in import decode_sound

MIDI_BYTES_MAX = 8 << 20
HEARD_S = 90.0
"""So much of a recording is listened to."""


@dataclass(frozen=True, slots=True)
class PromptWish:
    """What the options of a command say about a prompt; at most one of them."""

    midi: Path | None = None
    tokens: str | None = None
    audio: Path | None = None
    random: bool = False
    live: str | None = None
    quote: int | None = None
    say: Callable[[str], None] = field(default=lambda _line: None, compare=False)

    def fetch(self, seed: int) -> Prompt | None:
        """Return the prompt; None when none is wished for.

        Raises:
            RenderError: two are wished for at once, or a file cannot be read.
            PromptError, TokenError: it cannot be understood.
        """
        ways = [self.midi, self.tokens, self.audio, self.random or None, self.live]
        if sum(way is not None for way in ways) > 1:
            raise RenderError("more than one prompt: give one of --prompt-midi, -tokens, -audio, -random and -live.")
        prompt = self._fetch(seed)
        if prompt is None or self.quote is None:
            return prompt
        return with_quote(prompt, self.quote)

    def _fetch(self, seed: int) -> Prompt | None:
        if self.midi is not None:
            return midi_prompt(_read(self.midi), self.midi.name)
        if self.tokens is not None:
            return tokens_prompt(self.tokens)
        if self.audio is not None:
            return audio_prompt(self.audio)
        if self.random:
            return tokens_prompt(random_tokens(seed), "chance")
        if self.live is not None:
            return notes_prompt(listen(self.live, self.say), LIVE[self.live])
        return None


def audio_prompt(source: Path | bytes, name: str = "") -> Prompt:
    """Make a prompt of a recording: any format that FFmpeg reads."""
    shown = name or (source.name if isinstance(source, Path) else "the recording")
    return notes_prompt(transcribe(decode_sound(source, shown, HEARD_S)), shown)


def moved(prompt: Prompt, key: Key) -> Key:
    """Return the key that a track in another key than its prompt's is in.

    Raises:
        OrderError: the modes differ.
    """
    if key.minor != prompt.key.minor:
        mode = "minor" if prompt.key.minor else "major"
        raise OrderError(f"key {key}: the prompt is in {prompt.key}; it can be moved to any other {mode} key.")
    return key


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MIDI_BYTES_MAX:
            raise RenderError(f"{path}: more than {MIDI_BYTES_MAX >> 20} MiB, which no MIDI prompt needs.")
        return path.read_bytes()
    except OSError as problem:
        raise RenderError(f"{path}: cannot be read ({problem.strerror}). Name a MIDI file.") from problem
