"""The token table of the station: MIDICompact ids 0-2175, then the appended `lofi` ids.

The one place that knows token numbers. Knows nothing about models, sound or files.

MIDICompact is the public exchange format of the lo-fAi thesis (from MIDI-LLM-tokenizer, MIT): waits `t1`..`t125`
and notes `pp:v` in hex. Our models use the same notes, and absolute positions in the bar instead of waits, because
with waits a drum model loses the backbeat when it runs free (0-30 % of bars against 95-100 %).
"""

from __future__ import annotations

import hashlib
import math
from functools import cache

from engine.errors import TokenError
from engine.types import TICKS_PER_BAR, Chord

PAD, START, END = 0, 1, 2
WAITS = 125
NOTE_BASE = 3 + WAITS
VELOCITY_BINS = 16
PITCHES = 128
MIDICOMPACT_SIZE = NOTE_BASE + PITCHES * VELOCITY_BINS

QUALITIES = ("maj", "min", "7", "maj7", "min7", "dim", "hdim7", "sus", "aug")
STYLES = (
    "pop", "lead", "hiphop", "funk", "soul", "rock", "jazz", "latin",
    "afrocuban", "neworleans", "punk", "country", "reggae", "gospel", "blues", "other",
)  # fmt: skip
STYLE_SLOTS = 24
DENSITIES = 8
PIANO_DENSITY_LIMITS = (0, 4, 7, 9, 11, 14, 18)
"""Most note onsets a bar in piano density buckets 0-6; bucket 7 is anything above."""
DRUM_DENSITY_LIMITS = (0, 7, 10, 13, 16, 20, 25)

BAR = MIDICOMPACT_SIZE
CHORD_BASE = BAR + 1
NO_CHORD = CHORD_BASE + 12 * len(QUALITIES)
STYLE_BASE = NO_CHORD + 1
DENSITY_BASE = STYLE_BASE + STYLE_SLOTS
BEAT = DENSITY_BASE + DENSITIES
FILL = BEAT + 1
MAJOR = FILL + 1
MINOR = MAJOR + 1
BACKBEAT = MINOR + 1
"""A beat with accents on 2 and 4, the third kind of drum bar beside `beat` and `fill`: so a groove can be asked for."""
POSITION_BASE = 2368
VOCABULARY_SIZE = POSITION_BASE + TICKS_PER_BAR

DRUM_WINDOW_TICKS = 6
"""Drum positions are 6 ticks later than they sound: players hit the down-beat before the bar line in 60 % of bars."""
DRUM_PITCHES = (36, 37, 38, 42, 43, 44, 46, 47, 49, 50, 51)

_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_VELOCITY_EXPONENT = 0.33
_VELOCITY_EVENTS = 128
_BIN_SIZE = _VELOCITY_EVENTS / (VELOCITY_BINS - 1)


def velocity_to_bin(velocity: float) -> int:
    """Quantise a velocity 0-127 to its bin 0-15, the thesis's formula; 0 is note-off."""
    v = min(max(velocity, 0.0), _VELOCITY_EVENTS - 1.0)
    x = _VELOCITY_EXPONENT
    return math.ceil(_VELOCITY_EVENTS * (math.pow(x, v / _VELOCITY_EVENTS) - 1) / (x - 1) / _BIN_SIZE)


@cache
def bin_to_velocity(velocity_bin: int) -> int:
    """Return the top velocity of a bin, 0-127."""
    if not 0 <= velocity_bin < VELOCITY_BINS:
        raise TokenError(f"velocity bin {velocity_bin}: must be 0-{VELOCITY_BINS - 1}.")
    x = _VELOCITY_EXPONENT
    inner = (x - 1) * _BIN_SIZE * velocity_bin / _VELOCITY_EVENTS + 1
    return max(0, math.ceil(_VELOCITY_EVENTS * math.log(inner, x) - 1))


def wait(units: int) -> int:
    """Return the id of the wait token for 1-125 units (8 ms in MIDICompact, 1/48 beat in ours)."""
    if not 1 <= units <= WAITS:
        raise TokenError(f"wait of {units} units: one token holds 1-{WAITS}. Split it with waits().")
    return 2 + units


def waits(units: int) -> list[int]:
    """Return wait tokens that add up to `units` (0 gives none)."""
    full, rest = divmod(units, WAITS)
    return [wait(WAITS)] * full + ([wait(rest)] if rest else [])


def note(pitch: int, velocity_bin: int) -> int:
    """Return the id of a note; bin 0 releases it."""
    return NOTE_BASE + VELOCITY_BINS * pitch + velocity_bin


def is_note(token: int) -> bool:
    """Tell whether a token starts or releases a note."""
    return NOTE_BASE <= token < MIDICOMPACT_SIZE


def is_wait(token: int) -> bool:
    """Tell whether a token is a relative wait."""
    return END < token < NOTE_BASE


def note_parts(token: int) -> tuple[int, int]:
    """Return (pitch, velocity bin) of a note token."""
    return divmod(token - NOTE_BASE, VELOCITY_BINS)


def position(tick: int) -> int:
    """Return the id of an absolute position in the bar, tick 0-191."""
    return POSITION_BASE + tick


def is_position(token: int) -> bool:
    """Tell whether a token is an absolute position in the bar."""
    return POSITION_BASE <= token < VOCABULARY_SIZE


def position_tick(token: int) -> int:
    """Return the tick in the bar of a position token."""
    return token - POSITION_BASE


def chord(value: Chord | None) -> int:
    """Return the id of a chord, or of "no chord"."""
    if value is None:
        return NO_CHORD
    return CHORD_BASE + len(QUALITIES) * (value.root % 12) + QUALITIES.index(value.quality)


def is_chord(token: int) -> bool:
    """Tell whether a token names a chord or "no chord"."""
    return CHORD_BASE <= token <= NO_CHORD


def chord_value(token: int) -> Chord | None:
    """Return the chord of a chord token; None for "no chord"."""
    if token == NO_CHORD:
        return None
    root, quality = divmod(token - CHORD_BASE, len(QUALITIES))
    return Chord(root, QUALITIES[quality])


def style(name: str) -> int:
    """Return the id of a style; unknown names become `other`."""
    return STYLE_BASE + STYLES.index(name if name in STYLES else "other")


def density(bucket: int) -> int:
    """Return the id of a density bucket 0-7."""
    return DENSITY_BASE + bucket


def density_bucket(onsets: int, limits: tuple[int, ...]) -> int:
    """Return the bucket 0-7 for a number of onsets a bar."""
    return next((i for i, limit in enumerate(limits) if onsets <= limit), DENSITIES - 1)


def text(token: int) -> str:
    """Return the written form of a token, for example `3c:d`, `t62`, `<bar>`, `<Dmin7>`, `@96`."""
    if 0 <= token < NOTE_BASE:
        return ("<pad>", "<start>", "<end>")[token] if token < 3 else f"t{token - 2}"
    if is_note(token):
        pitch, velocity_bin = note_parts(token)
        return f"{pitch:x}:{velocity_bin:x}"
    if is_position(token):
        return f"@{position_tick(token)}"
    if token == BAR:
        return "<bar>"
    if is_chord(token):
        value = chord_value(token)
        return f"<{_NAMES[value.root]}{value.quality}>" if value else "<N>"
    return _tail_text(token)


def _tail_text(token: int) -> str:
    if STYLE_BASE <= token < DENSITY_BASE:
        slot = token - STYLE_BASE
        return f"<{STYLES[slot]}>" if slot < len(STYLES) else f"<style{slot}>"
    if DENSITY_BASE <= token < BEAT:
        return f"<density{token - DENSITY_BASE}>"
    named = {BEAT: "<beat>", FILL: "<fill>", MAJOR: "<major>", MINOR: "<minor>", BACKBEAT: "<backbeat>"}
    if token in named:
        return named[token]
    if BACKBEAT < token < POSITION_BASE:
        return f"<extra{token - BACKBEAT - 1}>"
    raise TokenError(f"token {token}: the vocabulary has ids 0-{VOCABULARY_SIZE - 1}.")


@cache
def _ids() -> dict[str, int]:
    return {text(token): token for token in range(VOCABULARY_SIZE)}


def parse(line: str) -> list[int]:
    """Return the ids of tokens separated by blanks, in any case of letters.

    Raises:
        TokenError: a word is not in the vocabulary (named, with its place).
    """
    lower = {name.lower(): token for name, token in _ids().items()}
    ids = []
    for place, word in enumerate(line.split()):
        if word.lower() not in lower:
            raise TokenError(f"word {place + 1}, {word!r}: not a token. Notes are pp:v in hex (3c:d), waits t1-t125.")
        ids.append(lower[word.lower()])
    return ids


@cache
def vocabulary_sha256(size: int = VOCABULARY_SIZE) -> str:
    """Return the hash that names a vocabulary: sha256 of its first `size` written tokens, one a line."""
    return hashlib.sha256("\n".join(text(token) for token in range(size)).encode()).hexdigest()
