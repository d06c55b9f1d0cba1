"""A handful of MIDI files as piano songs to tune a state on: key found, moved to C major or A minor, chords named.

Knows nothing about networks. Files are on their own bar grid: 4/4 from the first tick, as a sequencer exports them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine import tokens
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT
from training.corpus import Ids, as_ids
from training.errors import CorpusError
from training.midi import MidiScore, read_midi
from training.mutopia import half_bar_chord
from training.pop909 import pitch_class, tidy, transposition
from training.songs import HALF_BAR_TICKS, PianoSong, encode_piano

LEAST_NOTES = 30
DRUM_CHANNEL = 9

# Krumhansl and Kessler 1982: how well each pitch class fits a major and a minor key, from the tonic up.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage as a state is tuned on it: a piece's header, then whole bars."""

    name: str
    ids: Ids


def key_of(weights: npt.NDArray[np.float64]) -> tuple[int, bool]:
    """Return (tonic, minor) of the key that pitch classes, weighted by how long they sound, fit best."""
    fits = {
        (tonic, minor): float(np.corrcoef(weights, np.roll(profile, tonic))[0, 1])
        for minor, profile in ((False, _MAJOR), (True, _MINOR))
        for tonic in range(12)
    }
    return max(fits, key=lambda key: fits[key])


def read_tuning_song(path: Path, style: str) -> PianoSong:
    """Read one file.

    Raises:
        CorpusError: it is damaged, not in 4/4, or has hardly a note.
    """
    score = read_midi(path)
    if any((upper, lower) not in ((4, 4), (2, 2)) for _, upper, lower in score.metres):
        raise CorpusError(f"{path.name}: not in 4/4 throughout.")
    notes = [note for note in score.notes if getattr(note, "channel", 0) != DRUM_CHANNEL]
    if len(notes) < LEAST_NOTES:
        raise CorpusError(f"{path.name}: {len(notes)} notes, at least {LEAST_NOTES} are needed.")
    tonic, minor = _key(score)
    shift = transposition(tonic, minor)
    scale = TICKS_PER_BEAT / score.ticks_per_beat
    first_bar = int(min(note.start for note in notes) * scale) // TICKS_PER_BAR * TICKS_PER_BAR
    placed = [
        (n.start * scale - first_bar, n.end * scale - first_bar, n.pitch + shift, float(n.velocity)) for n in notes
    ]
    tidied = tidy(placed)
    bars = tidied[-1].start // TICKS_PER_BAR + 1
    kept = tuple(n for n in (n._replace(end=min(n.end, bars * TICKS_PER_BAR - 1)) for n in tidied) if n.start < n.end)
    halves = [half_bar_chord(list(kept), half * HALF_BAR_TICKS) for half in range(2 * bars)]
    return PianoSong(path.stem, style, minor, kept, tuple(zip(halves[::2], halves[1::2], strict=True)))


def _key(score: MidiScore) -> tuple[int, bool]:
    named = {key for _, key in score.keys}
    if len(named) == 1 and named != {"C"}:  # many programs write C whatever the key
        name = named.pop()
        return pitch_class(name), name.endswith("m")
    weights = np.zeros(12)
    for note in score.notes:
        weights[note.pitch % 12] += note.end - note.start
    return key_of(weights)


def read_tuning_songs(folder: Path, style: str) -> tuple[list[PianoSong], list[str]]:
    """Read every MIDI file of a folder; return the songs and the reasons for files that were left out.

    Raises:
        CorpusError: there is none that can be used.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    songs, skipped = [], []
    for path in paths:
        try:
            songs.append(read_tuning_song(path, style))
        except CorpusError as error:
            skipped.append(str(error))
    if not songs:
        raise CorpusError(f"{folder}: {len(paths)} MIDI files, none of use {skipped[:3]}. Name a folder with some.")
    return songs, skipped


def passages(song: PianoSong, least_tokens: int) -> list[Passage]:
    """Cut a song at bar lines into passages of about so many tokens, each begun as a piece of its own."""
    ids = encode_piano(song)
    header, bars = ids[:3], _bars(ids[3:-1])
    found: list[Passage] = []
    taken: list[int] = []
    for bar in bars:
        taken += bar
        if len(taken) + len(header) >= least_tokens:
            found.append(Passage(f"{song.name}:{len(found)}", as_ids([*header, *taken])))
            taken = []
    if taken and (not found or len(taken) > least_tokens // 3):
        found.append(Passage(f"{song.name}:{len(found)}", as_ids([*header, *taken])))
    return found


def _bars(ids: list[int]) -> list[list[int]]:
    starts = [place for place, token in enumerate(ids) if token == tokens.BAR]
    return [ids[start:end] for start, end in zip(starts, [*starts[1:], len(ids)], strict=True)]
