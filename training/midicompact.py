"""MIDICompact and its relatives: what their tokens look like, without any MIDI file.

A dialect is one published configuration of MIDI-LLM-tokenizer (briansemrau, MIT) or the thesis's cut-down form. Ids and
formulas are those of the public format, written anew from its description. Knows nothing about files, songs or models.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from training.errors import TokenTextError

PAD, START, END = "<pad>", "<start>", "<end>"
PERCUSSION_CHANNEL = 9
LONGEST_SILENCE_WAITS = 10
"""Silence longer than so many of the longest wait token is shortened to them."""
ID_BLOCK = 128
"""Vocabularies are filled up to a multiple of this."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One configuration of the format; the names of upstream's keys stand under the fields."""

    name: str
    velocity_bins: int = 16
    velocity_exponent: float = 0.33
    """velocity_exp; 1 is linear."""
    velocity_tops: tuple[int, ...] = ()
    """velocity_bins_override: the top velocity of each bin, in place of the formula."""
    wait_tokens: int = 125
    longest_wait_ms: int = 1000
    """max_wait_time: what the last wait token means."""
    instruments: tuple[str, ...] = ()
    """bin_instrument_names; none: notes name no instrument and all channels are merged."""
    percussion: str = ""
    """ch10_instrument_bin_name; where there are instruments, an empty one drops channel 10."""
    bins_of_programs: tuple[str, ...] = ()
    """program_name_to_bin_name by program number 0-127; an empty one drops the program's notes."""
    programs_of_bins: tuple[int, ...] = ()
    """bin_name_to_program_name as program numbers; percussion has any."""
    controllers: bool = True
    """Whether pedal, volume, expression and all-notes-off count; the thesis left them out."""
    sorted_groups: bool = True
    """do_token_sorting."""
    held_note_limit_s: float = 5.0
    """decode_end_held_note_delay; 0: notes may be held for ever."""
    ends_repeated_notes: bool = True
    """decode_fix_repeated_notes."""
    piece_gap_s: float = 10.0
    """piece_split_delay."""
    shortest_piece_s: float = 0.0
    """min_piece_length."""

    def __post_init__(self) -> None:
        if self.longest_wait_ms % self.wait_tokens:
            raise TokenTextError(f"{self.wait_tokens} waits do not divide {self.longest_wait_ms} ms. Choose a divisor.")
        if self.velocity_bins < 2 or self.velocity_exponent <= 0 or len(self.instruments) > 16:
            raise TokenTextError(f"dialect {self.name}: needs 2 or more velocity bins, an exponent above 0, 16 bins.")
        if self.velocity_tops and len(self.velocity_tops) != self.velocity_bins:
            raise TokenTextError(f"dialect {self.name}: {len(self.velocity_tops)} tops for {self.velocity_bins} bins.")

    @property
    def wait_ms(self) -> float:
        """Return what the first wait token means."""
        return self.longest_wait_ms / self.wait_tokens

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Return the instruments' prefixes: the shortest beginning that no earlier instrument has taken."""
        taken: list[str] = []
        for name in self.instruments:
            taken.append(next(name[:i] for i in range(1, len(name) + 1) if name[:i] not in taken))
        return tuple(taken)

    @property
    def channels(self) -> tuple[int, ...]:
        """Return the MIDI channel of each instrument; channel 10 (9 counted from 0) is percussion's."""
        free = iter(channel for channel in range(17) if channel != PERCUSSION_CHANNEL)
        return tuple(PERCUSSION_CHANNEL if name == self.percussion else next(free) for name in self.instruments)

    def velocity_bin(self, velocity: float, strict: bool = False) -> int:
        """Return the bin of a velocity. A sounding note gets at least bin 1, unless strict: there 0 is a note-off."""
        if self.velocity_tops:
            found = next((i for i, top in enumerate(self.velocity_tops) if top >= velocity), None)
            value = found if found is not None else 0 if strict else self.velocity_bins - 1
        else:
            value = math.ceil(self._curve(min(max(velocity, 0.0), 127.0)) / (128 / (self.velocity_bins - 1)))
        return value if strict or velocity <= 0 else max(value, 1)

    def _curve(self, velocity: float) -> float:
        x = self.velocity_exponent
        return velocity if x == 1 else 128 * ((x ** (velocity / 128) - 1.0) / (x - 1.0))

    def velocity(self, velocity_bin: int) -> int:
        """Return the velocity that a bin is played with: the highest one in it."""
        if not 0 <= velocity_bin < self.velocity_bins:
            raise TokenTextError(f"velocity bin {velocity_bin}: dialect {self.name} has 0-{self.velocity_bins - 1}.")
        if self.velocity_tops:
            return self.velocity_tops[velocity_bin]
        size, x = 128 / (self.velocity_bins - 1), self.velocity_exponent
        if x == 1:
            return max(0, math.ceil(velocity_bin * size - 1))
        return max(0, math.ceil(128 * math.log((x - 1) * size * velocity_bin / 128 + 1, x) - 1))

    def strict_waits(self, delta_ms: float) -> list[str]:
        """Return upstream's waits for a time since the last event: half a unit is lost, what is left over forgotten."""
        delta_ms = min(delta_ms, LONGEST_SILENCE_WAITS * self.longest_wait_ms)
        full, rest = divmod(delta_ms, self.longest_wait_ms)
        last = math.ceil(rest / self.wait_ms - 0.5)
        return [f"t{self.wait_tokens}"] * int(full) + ([f"t{last}"] if last > 0 else [])

    def waits(self, units: int) -> list[str]:
        """Return the waits for a whole number of units."""
        full, rest = divmod(units, self.wait_tokens)
        return [f"t{self.wait_tokens}"] * full + ([f"t{rest}"] if rest else [])

    def note(self, instrument: int, pitch: int, velocity_bin: int) -> str:
        """Return the word of a note; bin 0 releases it."""
        prefix = f"{self.prefixes[instrument]}:" if self.instruments else ""
        return f"{prefix}{pitch:x}:{velocity_bin:x}"

    def words(self) -> Iterator[str]:
        """Yield the vocabulary in the order of its ids."""
        yield from (PAD, START, END)
        yield from (f"t{unit}" for unit in range(1, self.wait_tokens + 1))
        bins = max(len(self.instruments), 1)
        for instrument, pitch, value in product(range(bins), range(128), range(self.velocity_bins)):
            yield self.note(instrument, pitch, value)
        size = 3 + self.wait_tokens + bins * 128 * self.velocity_bins
        yield from (f"<extra{filler}>" for filler in range(-size % ID_BLOCK))

    def read_wait(self, word: str) -> float | None:
        """Return the milliseconds of a wait word; None for another word."""
        if word[:1] == "t" and word[1:].isdigit() and 1 <= int(word[1:]) <= self.wait_tokens:
            return int(word[1:]) * self.wait_ms
        return None

    def read_note(self, word: str) -> tuple[int, int, int]:
        """Return (instrument, pitch, velocity) of a note word.

        Raises:
            TokenTextError: it is none.
        """
        *prefix, pitch_text, bin_text = ["", *word.split(":")][-3:]
        try:
            if self.instruments:
                instrument = self.prefixes.index(prefix[0])
            elif word.count(":") == 1:
                instrument = 0
            else:
                raise ValueError(word)
            pitch, velocity_bin = int(pitch_text, 16), int(bin_text, 16)
        except (ValueError, IndexError) as error:
            raise TokenTextError(f"{word!r}: not a token of {self.name}. Notes are {self.note(0, 60, 13)}.") from error
        if not 0 <= pitch < 128:
            raise TokenTextError(f"{word!r}: pitch {pitch} is not in 0-7f.")
        return instrument, pitch, self.velocity(velocity_bin)


_NAMES = (
    "percussion", "drum", "tuba", "marimba", "bass", "guitar", "violin", "trumpet", "piano", "sax", "flute", "lead",
    "pad",
)  # fmt: skip
# (programs, bin) by General MIDI number, from upstream's public vocab_config.json.
_PROGRAM_BINS = (
    (8, "piano"), (9, "marimba"), (7, "piano"), (8, "guitar"), (8, "bass"), (2, "violin"), (2, "bass"), (3, "violin"),
    (1, "percussion"), (7, "violin"), (1, ""), (1, "trumpet"), (2, "tuba"), (5, "trumpet"), (5, "sax"), (1, "trumpet"),
    (2, "sax"), (8, "flute"), (5, "lead"), (1, "violin"), (2, "lead"), (3, "pad"), (1, "violin"), (4, "pad"), (8, ""),
    (4, "guitar"), (1, "marimba"), (1, "sax"), (1, "violin"), (1, "sax"), (4, "marimba"), (3, "drum"), (9, ""),
)  # fmt: skip
_PROGRAMS = tuple(name for count, name in _PROGRAM_BINS for _ in range(count))

MAIN = Dialect(
    "main", velocity_bins=12, velocity_exponent=0.5, instruments=_NAMES, percussion="percussion",
    bins_of_programs=_PROGRAMS, programs_of_bins=(0, 118, 58, 12, 32, 25, 40, 56, 0, 66, 73, 80, 88),
    shortest_piece_s=30.0,
)  # fmt: skip
"""Upstream's vocabulary of 20,096 words in 13 instruments, velocity in 12 bins."""
PIANO = Dialect(
    "piano", instruments=("piano",), bins_of_programs=tuple("piano" if n == "piano" else "" for n in _PROGRAMS),
    programs_of_bins=(0,), shortest_piece_s=30.0,
)  # fmt: skip
"""Upstream's piano vocabulary of 2,176 words."""
THESIS = Dialect("thesis", controllers=False, sorted_groups=False)
"""The thesis's MIDICompact: the piano vocabulary without `p:`, all channels merged, controllers left out."""
COMPACT = Dialect("midicompact")
"""The thesis's vocabulary with what it left out put back: pedal, volume, expression, sorted groups."""
DIALECTS = {dialect.name: dialect for dialect in (THESIS, COMPACT, PIANO, MAIN)}
