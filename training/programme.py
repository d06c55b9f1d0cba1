"""Reads what the station played, from its own MIDI files, as songs that can be measured beside a corpus.

A file of the station names the key of each piece and every chord. Knows nothing about tokens' use or the network.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from engine import tokens
from engine.errors import TokenError
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT, Chord
from training.drums import KEY_CLASSES
from training.errors import CorpusError
from training.midi import MidiScore
from training.pop909 import pitch_class, tidy, transposition
from training.songs import HALF_BAR_TICKS, Chords, DrumSong, Hit, PianoSong

KEYS_CHANNEL, DRUMS_CHANNEL = 0, 9
LEAST_BARS = 4


def is_programme(score: MidiScore) -> bool:
    """Tell whether a file was written by the station: it is on our grid and names keys and chords."""
    return score.ticks_per_beat == TICKS_PER_BEAT and bool(score.keys) and bool(score.texts)


def piano_of_programme(score: MidiScore, name: str) -> list[PianoSong]:
    """Return the keys of each piece, moved to C major or A minor, with the chords that the station meant.

    Raises:
        CorpusError: a text of the file is no chord.
    """
    chords = _chords(score, name)
    songs = []
    for number, (first_bar, last_bar, key) in enumerate(_pieces(score)):
        minor = key.endswith("m")
        shift = transposition(pitch_class(key), minor)
        start, end = first_bar * TICKS_PER_BAR, last_bar * TICKS_PER_BAR
        notes = tidy([
            (n.start - start, min(n.end, end - 1) - start, n.pitch + shift, float(n.velocity))
            for n in score.notes
            if n.channel == KEYS_CHANNEL and start <= n.start < end - 1
        ])  # fmt: skip
        halves = [_sounding(chords, start + half * HALF_BAR_TICKS, shift) for half in range(2 * (last_bar - first_bar))]
        pairs: list[Chords] = list(zip(halves[::2], halves[1::2], strict=True))
        songs.append(PianoSong(f"{name}#{number}", "lead", minor, tuple(notes), tuple(pairs)))
    return songs


def drums_of_programme(score: MidiScore, name: str) -> list[DrumSong]:
    """Return the drums of each piece; bars without a hit, where the form lets them rest, are left out."""
    songs = []
    for number, (first_bar, last_bar, _) in enumerate(_pieces(score)):
        hits = [
            Hit(n.start + tokens.DRUM_WINDOW_TICKS, KEY_CLASSES[n.pitch], tokens.velocity_to_bin(n.velocity))
            for n in score.notes
            if n.channel == DRUMS_CHANNEL and n.pitch in KEY_CLASSES
        ]
        inside = [hit for hit in hits if first_bar <= hit.tick // TICKS_PER_BAR < last_bar]
        played = sorted({hit.tick // TICKS_PER_BAR for hit in inside})
        places = {bar: place for place, bar in enumerate(played)}
        moved = [
            hit._replace(tick=places[hit.tick // TICKS_PER_BAR] * TICKS_PER_BAR + hit.tick % TICKS_PER_BAR)
            for hit in inside
        ]
        if played:
            songs.append(DrumSong(f"{name}#{number}", "hiphop", False, tuple(sorted(moved)), len(played)))
    return songs


def _pieces(score: MidiScore) -> Iterator[tuple[int, int, str]]:
    """Yield (first bar, bar after the last, key) of each piece that is long enough to be measured."""
    end = max((note.start for note in score.notes), default=0) // TICKS_PER_BAR + 1
    starts = [(tick // TICKS_PER_BAR, key) for tick, key in score.keys]
    for (first, key), (after, _) in zip(starts, [*starts[1:], (end, "")], strict=True):
        if after - first >= LEAST_BARS:
            yield first, after, key


def _chords(score: MidiScore, name: str) -> list[tuple[int, Chord | None]]:
    try:
        return [(tick, tokens.chord_value(tokens.parse(f"<{text}>")[0])) for tick, text in score.texts]
    except (TokenError, IndexError) as error:
        raise CorpusError(
            f"{name}: names a chord that we do not know ({error}). Write it with this version."
        ) from error


def _sounding(chords: list[tuple[int, Chord | None]], tick: int, shift: int) -> Chord | None:
    index = bisect_right([start for start, _ in chords], tick) - 1
    chord = chords[index][1] if index >= 0 else None
    return Chord((chord.root + shift) % 12, chord.quality) if chord else None
