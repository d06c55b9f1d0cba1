"""MIDICompact text as MIDI, one token at a time. Strict mode does it as the public decoder does, quirks included.

The default mode keeps fractions of ticks, releases every note that is held too long, and refuses or (lenient) skips
words that are no tokens. Knows nothing about ids, corpora or models.
"""

from __future__ import annotations

from collections.abc import Iterable

import mido

from training.errors import TokenTextError
from training.midicompact import END, PERCUSSION_CHANNEL, Dialect

TICKS_PER_BEAT = 480
TEMPO_US = 500_000
TICKS_PER_MS = TICKS_PER_BEAT * 1000 / TEMPO_US
LAST_NOTES_S = 3.0
"""Notes that still sound at the end go on for so long."""


class Decoder:
    """Reads tokens in order and returns the MIDI messages of each."""

    def __init__(self, dialect: Dialect, strict: bool = False, lenient: bool = False) -> None:
        self._dialect, self._strict, self._lenient = dialect, strict, lenient
        self.skipped_words = 0
        self._now_ms = 0.0
        self._delta_ms = 0.0
        self._written_ticks = 0
        self._active: dict[tuple[int, int], float] = {}
        self._channels = dialect.channels or (0,)

    def header(self) -> list[mido.Message]:
        """Return the messages that open a file."""
        programs = self._dialect.programs_of_bins or (0,)
        pairs = [pair for pair in zip(self._channels, programs, strict=True) if pair[0] != PERCUSSION_CHANNEL]
        return [
            mido.MetaMessage("text", text=f"MIDICompact, dialect {self._dialect.name}"),
            mido.MetaMessage("set_tempo", tempo=TEMPO_US),
            *(mido.Message("program_change", channel=c, program=p) for c, p in [*pairs, (PERCUSSION_CHANNEL, 0)]),
        ]

    def read(self, word: str) -> list[mido.Message]:
        """Take one word and return its messages, times in ticks since the message before.

        Raises:
            TokenTextError: it is no token and the decoder is not lenient.
        """
        word = word.strip().lower()
        if not word or (word.startswith("<") and word != END):
            return []
        if word == END:
            return self._end()
        wait_ms = self._dialect.read_wait(word)
        if wait_ms is not None:
            self._pass(wait_ms)
            return self._release_old()
        try:
            instrument, pitch, velocity = self._dialect.read_note(word)
        except TokenTextError:
            if not self._lenient:
                raise
            self.skipped_words += 1
            return []
        return self._note((self._channels[instrument], pitch), velocity)

    def _pass(self, wait_ms: float) -> None:
        self._now_ms += wait_ms
        self._delta_ms += wait_ms

    def _take_ticks(self) -> int:
        if self._strict:
            ticks = int(self._delta_ms * TICKS_PER_MS)
        else:
            ticks = round(self._now_ms * TICKS_PER_MS) - self._written_ticks
            self._written_ticks += ticks
        self._delta_ms = 0.0
        return ticks

    def _message(self, kind: str, key: tuple[int, int], velocity: int = 64) -> mido.Message:
        return mido.Message(kind, channel=key[0], note=key[1], velocity=velocity, time=self._take_ticks())

    def _note(self, key: tuple[int, int], velocity: int) -> list[mido.Message]:
        if velocity == 0:
            self._active.pop(key, None)
            return [self._message("note_off", key)]
        messages = []
        if key in self._active and self._dialect.ends_repeated_notes:
            messages.append(self._message("note_off", key))
            del self._active[key]
        self._active[key] = self._now_ms
        return [*messages, self._message("note_on", key, velocity)]

    def _release_old(self) -> list[mido.Message]:
        limit_ms = self._dialect.held_note_limit_s * 1000
        if not limit_ms:
            return []
        old = [key for key, start in self._active.items() if self._now_ms - start > limit_ms]
        return [self._release(key) for key in (old[:1] if self._strict else old)]

    def _release(self, key: tuple[int, int]) -> mido.Message:
        del self._active[key]
        return self._message("note_off", key)

    def _end(self) -> list[mido.Message]:
        self._pass(LAST_NOTES_S * 1000)
        if not self._dialect.held_note_limit_s:
            return []
        return [self._release(key) for key in list(self._active)]


def decode(text: str | Iterable[str], dialect: Dialect, strict: bool = False, lenient: bool = False) -> mido.MidiFile:
    """Return the MIDI file that words tell: type 1, one track, 480 ticks a beat at 120 bpm.

    Raises:
        TokenTextError: a word is no token (named), unless lenient.
    """
    decoder = Decoder(dialect, strict, lenient)
    track = mido.MidiTrack(decoder.header())
    for word in text.split() if isinstance(text, str) else text:
        track.extend(decoder.read(word))
    track.append(mido.MetaMessage("end_of_track"))
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    file.tracks.append(track)
    return file
