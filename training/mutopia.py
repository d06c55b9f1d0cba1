"""Mutopia's piano pieces on our grid, in C major or A minor, with chords named from what sounds.

Written music: exact timing, flat dynamics. Knows nothing about splits, tokens' use or the network.
"""

from __future__ import annotations

import csv
from collections import Counter
from functools import partial
from pathlib import Path

from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT, Chord
from training.errors import CorpusError
from training.midi import read_midi
from training.parallel import work_through
from training.pop909 import identify, pitch_class, tidy, transposition
from training.songs import HALF_BAR_TICKS, Note, PianoSong

PERMITTED_LICENCES = ("Public Domain", "Creative Commons Attribution 3.0")
LEAST_NOTES = 60
STRONGEST_CLASSES = 4
"""A half bar is named from so many of the pitch classes that sound longest in it."""
LEAST_SHARE = 0.12
"""Pitch classes that sound for less of a half bar's note time are passing notes."""


def read_mutopia(folder: Path, workers: int | None = None) -> tuple[list[PianoSong], list[str]]:
    """Read the pieces in 4/4; return them and the reasons for those that were left out."""
    index = folder / "index.csv"
    if not index.is_file():
        raise CorpusError(f"{index}: not found. Get the pieces from github.com/MutopiaProject/MutopiaProject.")
    with index.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    refused = [row for row in rows if row["licence"] not in PERMITTED_LICENCES]
    skipped = [f"{row['file']}: licence {row['licence']!r} is not one we may use." for row in refused]
    names = [row["file"] for row in rows if row not in refused]
    done, broken = work_through(partial(read_piece, folder), names, "mutopia", workers)
    return [song for _, song in done], skipped + broken


def read_piece(folder: Path, name: str) -> PianoSong:
    """Read one piece.

    Raises:
        CorpusError: it is damaged, not in 4/4, changes key or names none.
    """
    score = read_midi(folder / name)
    if not score.metres or any((upper, lower) not in ((4, 4), (2, 2)) for _, upper, lower in score.metres):
        raise CorpusError(f"{name}: not in 4/4 throughout.")
    keys = {key for _, key in score.keys}
    if len(keys) != 1 or len(score.notes) < LEAST_NOTES:
        raise CorpusError(f"{name}: {len(keys)} keys and {len(score.notes)} notes; one key and {LEAST_NOTES} wanted.")
    key = keys.pop()
    minor = key.endswith("m")
    shift = transposition(pitch_class(key), minor)
    scale = TICKS_PER_BEAT / score.ticks_per_beat
    notes = tidy([(n.start * scale, n.end * scale, n.pitch + shift, float(n.velocity)) for n in score.notes])
    bars = notes[-1].start // TICKS_PER_BAR + 1
    kept = [note._replace(end=min(note.end, bars * TICKS_PER_BAR - 1)) for note in notes]
    kept = [note for note in kept if note.start < note.end]
    halves = [half_bar_chord(kept, half * HALF_BAR_TICKS) for half in range(2 * bars)]
    chords = tuple(zip(halves[::2], halves[1::2], strict=True))
    return PianoSong(f"mutopia/{Path(name).stem}", "other", minor, tuple(kept), chords)


def half_bar_chord(notes: list[Note], start: int) -> Chord | None:
    """Return the chord of the half bar that begins at a tick."""
    sounding: Counter[int] = Counter()
    lowest: dict[int, int] = {}
    for note in notes:
        ticks = min(note.end, start + HALF_BAR_TICKS) - max(note.start, start)
        if ticks > 0:
            sounding[note.pitch % 12] += ticks
            lowest[note.pitch % 12] = min(note.pitch, lowest.get(note.pitch % 12, note.pitch))
    least = LEAST_SHARE * sounding.total()
    strongest = [pc for pc, ticks in sounding.most_common(STRONGEST_CLASSES) if ticks >= least]
    return identify(sorted(lowest[pc] for pc in strongest)) if len(strongest) >= 2 else None
