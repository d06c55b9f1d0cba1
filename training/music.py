"""What is different between the two parts when music is read and measured. Knows nothing about networks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import tokens
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT
from training.copying import Passages, drum_steps, piano_steps
from training.distributions import Features, drum_features, piano_features
from training.drums import KEY_CLASSES
from training.errors import CorpusError
from training.measures import (
    Histograms,
    Measures,
    drum_histograms,
    measure_drums,
    measure_piano,
    overlap,
    piano_histograms,
)
from training.midi import MidiScore, read_midi
from training.pop909 import tidy
from training.programme import drums_of_programme, is_programme, piano_of_programme
from training.songs import DrumSong, Hit, Note, PianoSong, decode_drums, decode_piano

Song = Any
"""A PianoSong or a DrumSong, as the part has it."""

LOFI_STYLES = ("hiphop", "soul")


@dataclass(frozen=True, slots=True)
class Part:
    """The functions of one part."""

    decode: Callable[[Sequence[int], str], Song]
    of_midi: Callable[[MidiScore, str], Song]
    of_programme: Callable[[MidiScore, str], list[Song]]
    """Reads a file of the station, which names its keys and chords, piece by piece."""
    measure: Callable[[Sequence[Song]], Measures]
    histograms: Callable[[Sequence[Song]], Histograms]
    steps: Callable[[Song], list[int]]
    kind: Callable[[Song], str]
    """The group of a corpus that a song is compared with."""
    features: Callable[[Sequence[Song]], Features]
    """Features of four-bar stretches, for overlapping areas."""
    single_line: bool
    """Whether the thesis's measures of melodies mean anything."""
    ghosts: bool = False
    """Whether there are ghost notes to count."""


def _piano_of_midi(score: MidiScore, name: str) -> PianoSong:
    scale = TICKS_PER_BEAT / score.ticks_per_beat
    notes: list[Note] = tidy([(n.start * scale, n.end * scale, n.pitch, float(n.velocity)) for n in score.notes])
    bars = notes[-1].start // TICKS_PER_BAR + 1 if notes else 0
    return PianoSong(name, "other", False, tuple(notes), ((None, None),) * bars)


def _drums_of_midi(score: MidiScore, name: str) -> DrumSong:
    scale = TICKS_PER_BEAT / score.ticks_per_beat
    hits = sorted(
        Hit(round(n.start * scale) + tokens.DRUM_WINDOW_TICKS, KEY_CLASSES[n.pitch], tokens.velocity_to_bin(n.velocity))
        for n in score.notes
        if n.pitch in KEY_CLASSES
    )
    bars = hits[-1].tick // TICKS_PER_BAR + 1 if hits else 0
    return DrumSong(name, "other", False, tuple(hits), bars)


PARTS = {
    "piano": Part(
        decode_piano,
        _piano_of_midi,
        piano_of_programme,
        measure_piano,
        piano_histograms,
        piano_steps,
        lambda song: "pop" if song.style == "pop" else "lead",
        piano_features,
        single_line=True,
    ),
    "drums": Part(
        decode_drums,
        _drums_of_midi,
        drums_of_programme,
        measure_drums,
        drum_histograms,
        drum_steps,
        lambda song: "lo-fi" if song.style in LOFI_STYLES else "others",
        drum_features,
        single_line=False,
        ghosts=True,
    ),
}


def read_music(path: Path, part: Part) -> list[Song]:
    """Read music to measure: a JSONL file of token lists (bare, or under "tokens"), or a MIDI file.

    Raises:
        CorpusError: it is neither.
    """
    if path.suffix.lower() in (".mid", ".midi"):
        score = read_midi(path)
        return part.of_programme(score, path.name) if is_programme(score) else [part.of_midi(score, path.name)]
    songs = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            item = json.loads(line)
            ids = item["tokens"] if isinstance(item, dict) else item
            songs.append(part.decode([int(token) for token in ids], f"{path.name}:{number}"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(
            f"{path}: not a JSONL file of token lists ({error!r}). Give one song a line, or a .mid file."
        ) from error
    return songs


def likeness(part: Part, reference: Sequence[Song], songs: Sequence[Song]) -> Measures:
    """Return overlapping areas with a reference."""
    areas = overlap(part.histograms(reference), part.histograms(songs))
    return {f"overlap_{name}": value for name, value in areas.items()}


def longest_copied(part: Part, passages: Passages, songs: Iterable[Song]) -> int:
    """Return the longest passage, in notes, that songs share with a body of music."""
    return max((passages.longest_shared(part.steps(song)) + 1 for song in songs), default=0)
