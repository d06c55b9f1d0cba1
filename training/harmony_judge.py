"""What is asked of a piano bar: its chords on the strong beats as the corpus has them, the key, its density.

How often a style has chord tones there, and which other intervals it uses over a chord, is read from the training
split: lead charts are full of 9ths and 13ths, which are theirs to keep. Knows nothing about models.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine import tokens
from engine.harmony import CHORD_TONES, SCALE
from engine.types import TICKS_PER_BAR
from training.corpus import EVERY_EPOCH, Corpus
from training.judge import Draw, Logits, Verdict
from training.measures import chord_at, is_strong
from training.songs import HALF_BAR_TICKS, Note, PianoSong, decode_piano

USED_SHARE = 0.01
"""An interval that fewer of a style's strong-beat notes have over a quality of chord is foreign to it."""
PASSAGE_BARS = 8
"""The chord tones of so many bars together are counted: a bar of 9ths may follow bars of plain chords."""
DRAWN = [
    *range(tokens.NOTE_BASE, tokens.MIDICOMPACT_SIZE),
    *range(tokens.CHORD_BASE, tokens.NO_CHORD + 1),
]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a style does on strong beats."""

    chord_tones: float
    """Share of its notes there that are tones of their chord."""
    used: frozenset[tuple[str, int]]
    """(quality, semitones above the root) that are chord tones or used."""


def usages(songs: Iterable[PianoSong]) -> dict[str, Usage]:
    """Return what each style does on strong beats."""
    counts: dict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
    for song in songs:
        counts[song.style].update(strong_intervals(song, song.notes))
    return {style: _usage(found) for style, found in counts.items()}


def training_usages(corpus: Corpus) -> dict[str, Usage]:
    """Return what each style does in the training split, a variant of every song."""
    entries = (entry for entry in corpus.entries if not entry.validation and entry.variant in (EVERY_EPOCH, 0))
    return usages(decode_piano(entry.ids.tolist()) for entry in entries)


def _usage(found: Counter[tuple[str, int]]) -> Usage:
    of_quality: Counter[str] = Counter()
    for (quality, _), count in found.items():
        of_quality[quality] += count
    tones = {(quality, interval) for quality, intervals in CHORD_TONES.items() for interval in intervals}
    used = {key for key, count in found.items() if count >= USED_SHARE * of_quality[key[0]]}
    share = sum(count for key, count in found.items() if key in tones) / max(found.total(), 1)
    return Usage(share, frozenset(used | tones))


def strong_intervals(song: PianoSong, notes: Iterable[Note]) -> list[tuple[str, int]]:
    """Return (quality of its chord, semitones above the root) of each note on a strong beat that has a chord."""
    placed = [(chord_at(song, note), note) for note in notes if is_strong(note)]
    return [(chord.quality, (note.pitch - chord.root) % 12) for chord, note in placed if chord is not None]


class HarmonyJudge:
    """The piano's."""

    draw = Draw(np.array(DRAWN))
    helps = False

    def __init__(self, usages_of_styles: dict[str, Usage]) -> None:
        self._usages = usages_of_styles

    def verdict(self, song: Sequence[int], header: Sequence[int], bar: Sequence[int], _stated: bool) -> Verdict:
        """See `Judge`."""
        passage = decode_piano([*_last_bars(song, PASSAGE_BARS), *bar])
        first_tick = (len(passage.chords) - 1) * TICKS_PER_BAR
        notes = [note for note in passage.notes if note.start >= first_tick]
        usage = self._usages[passage.style]
        tones = [interval in CHORD_TONES[quality] for quality, interval in strong_intervals(passage, passage.notes)]
        own = strong_intervals(passage, notes)
        fits = usage.used.issuperset(own)
        plain = all(interval in CHORD_TONES[quality] for quality, interval in own)
        holds = fits and (plain or sum(tones) >= usage.chord_tones * len(tones))
        in_key = all(_in_key(passage, note) for note in notes)
        onsets = sum(1 for token in bar if tokens.is_note(token) and tokens.note_parts(token)[1])
        density = tokens.density(tokens.density_bucket(onsets, tokens.PIANO_DENSITY_LIMITS))
        return Verdict(True, holds, holds and in_key and header[-1] == density and _changes_as_asked(header, bar))

    def state(self, allowed: Logits, bar: Sequence[int]) -> None:
        """Leave everything: there is no telling the piano which notes to play."""


def _last_bars(song: Sequence[int], count: int) -> list[int]:
    """Return a song's prefix and its last bars."""
    places = [place for place, token in enumerate(song) if token == tokens.BAR]
    return [*song[: places[0]], *song[places[max(len(places) - count, 0)] :]]


def _in_key(song: PianoSong, note: Note) -> bool:
    """Tell whether a note is of the scale, or of its chord where that leaves the scale."""
    chord = chord_at(song, note)
    own = chord is not None and (note.pitch - chord.root) % 12 in CHORD_TONES[chord.quality]
    return own or note.pitch % 12 in SCALE


def _changes_as_asked(header: Sequence[int], bar: Sequence[int]) -> bool:
    """Tell whether a bar names the second chord of its header, if there is one, in the middle and no other."""
    named = [place for place, token in enumerate(bar) if tokens.is_chord(token)]
    asked = [token for token in header if tokens.is_chord(token)][1:]
    if [bar[place] for place in named] != asked:
        return False
    placed = [tokens.position_tick(t) for place in named for t in bar[:place] if tokens.is_position(t)]
    return not named or placed[-1] == HALF_BAR_TICKS
