"""The drum corpus: the Groove MIDI Dataset in 4/4, and its augmentation. Knows nothing about the network."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from engine import tokens
from engine.types import TICKS_PER_BAR, TICKS_PER_BEAT
from training.errors import CorpusError
from training.midi import read_midi
from training.parallel import work_through
from training.songs import DrumSong, Hit

SIXTEENTH_TICKS = TICKS_PER_BEAT // 4
FEEL_TICKS = 3
"""Deviations from the 16th grid up to this are human feel; larger ones are swing or triplets and stay as played."""
TIMING_SCALES = (0.5, 0.75, 1.0)
LOFI_STYLES = ("hiphop", "soul")
HATS, RIDE, TOMS = frozenset({42, 44, 46}), frozenset({51}), frozenset({43, 47, 50})

# Roland TD-11 and General MIDI keys to the eleven classes of the token table.
KEY_CLASSES = {
    35: 36, 36: 36, 37: 37, 38: 38, 40: 38, 39: 38, 56: 37, 41: 43, 43: 43, 58: 43, 45: 47, 47: 47, 48: 50, 50: 50,
    42: 42, 22: 42, 54: 42, 44: 44, 46: 46, 26: 46, 49: 49, 52: 49, 55: 49, 57: 49, 51: 51, 53: 51, 59: 51,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Performance:
    """One performance of the set."""

    ident: str
    """Names the performance in Groove MIDI and in E-GMD, which recorded it anew with other kits."""
    song: DrumSong
    validation: bool
    lofi_weight: int
    """0 (poor fit) to 3 (hip-hop, soul)."""


Row = dict[str, str]
"""A line of the set's index."""


def read_gmd(folder: Path, workers: int | None = None) -> tuple[list[Performance], list[str]]:
    """Read all 4/4 performances of Groove MIDI or E-GMD; return them and the reasons for what was left out.

    E-GMD holds each performance 43 times, once a drum kit: one is read. A test split stays out of both of ours.
    """
    with _index_of(folder).open(newline="", encoding="utf-8") as lines:
        rows, skipped = one_copy_each(list(csv.DictReader(lines)))
    done, broken = work_through(partial(_read_song, folder), rows, folder.name, workers)
    performances: list[Performance] = []
    seen: set[tuple[Hit, ...]] = set()
    for row, song in done:
        if song.hits in seen:
            skipped.append(f"{song.name}: an exact copy of another performance.")
            continue
        seen.add(song.hits)
        performances.append(Performance(_ident(row), song, row["split"] == "validation", lofi_weight(row)))
    return performances, skipped + broken


def _index_of(folder: Path) -> Path:
    indices = [folder / "info.csv", *sorted(folder.glob("*.csv"))]
    found = next((path for path in indices if path.is_file()), None)
    if found is None:
        raise CorpusError(
            f"{folder / 'info.csv'}: not found. Unpack the Groove MIDI Dataset (CC BY 4.0, "
            f"github.com/zharry29/drums-with-llm, folder groove) as {folder}; E-GMD with its e-gmd-v1.0.0.csv."
        )
    return found


def one_copy_each(rows: list[Row]) -> tuple[list[Row], list[str]]:
    """Return the first row of each performance that is not of a test split, and what was left out.

    Raises:
        CorpusError: a performance is in two splits.
    """
    first: dict[str, Row] = {}
    copies = tests = 0
    for row in rows:
        known = first.setdefault(_ident(row), row)
        if known["split"] != row["split"]:
            raise CorpusError(
                f"{row['midi_filename']}: in split {row['split']!r}, another copy of it in {known['split']!r}. "
                "Give all copies of a performance one split."
            )
        copies += known is not row and row["split"] != "test"
        tests += row["split"] == "test"
    reasons = [f"{copies} copies of performances on other drum kits."] if copies else []
    reasons += [f"{tests} files of the set's own test split: held out."] if tests else []
    return [row for row in first.values() if row["split"] != "test"], reasons


def _ident(row: Row) -> str:
    return row.get("id") or row["midi_filename"]


def lofi_weight(row: Row) -> int:
    """Return how well a performance fits: from the index where it says so, else from its style."""
    if row.get("lofi_weight"):
        return int(row["lofi_weight"])
    return 3 if row["style"].split("/")[0] in LOFI_STYLES else 1


def _read_song(folder: Path, row: Row) -> DrumSong:
    name = row["midi_filename"]
    if row["time_signature"] != "4-4":
        raise CorpusError(f"{name}: metre {row['time_signature']}, only 4-4 is used.")
    score = read_midi(folder / name)
    loudest: dict[tuple[int, int], int] = {}
    for note in score.notes:
        if note.pitch in KEY_CLASSES:
            tick = round(note.start * TICKS_PER_BEAT / score.ticks_per_beat) + tokens.DRUM_WINDOW_TICKS
            place = (tick, KEY_CLASSES[note.pitch])
            loudest[place] = max(loudest.get(place, 0), note.velocity)
    if len(loudest) < 4:
        raise CorpusError(f"{name}: {len(loudest)} hits, too few to learn from.")
    hits = sorted(Hit(tick, pitch, tokens.velocity_to_bin(v)) for (tick, pitch), v in loudest.items())
    return _trim(DrumSong(name, row["style"].split("/")[0], row["beat_type"] == "fill", tuple(hits), 0))


def _trim(song: DrumSong) -> DrumSong:
    """Drop empty bars at both ends, and a last bar that holds nothing but its down-beat."""
    first = song.hits[0].tick // TICKS_PER_BAR
    last = song.hits[-1].tick // TICKS_PER_BAR
    if last > first and song.hits[-1].tick % TICKS_PER_BAR <= SIXTEENTH_TICKS:
        last -= 1
    start, end = first * TICKS_PER_BAR, (last + 1) * TICKS_PER_BAR
    hits = tuple(hit._replace(tick=hit.tick - start) for hit in song.hits if hit.tick < end)
    return replace(song, hits=hits, bars=last + 1 - first)


def augment(song: DrumSong, rng: np.random.Generator) -> DrumSong:
    """Return a variant: velocity ±1 bin, tighter timing, and perhaps without hats, ride or toms."""
    shift = int(rng.integers(-1, 2))
    scale = float(rng.choice(TIMING_SCALES))
    dropped = (frozenset[int](), frozenset[int](), frozenset[int](), HATS, RIDE, TOMS)[int(rng.integers(6))]
    kept = [hit for hit in song.hits if hit.pitch not in dropped]
    if len(kept) < len(song.hits) / 2:
        kept = list(song.hits)
    loudest: dict[tuple[int, int], int] = {}
    for hit in kept:
        place = (tighten(hit.tick, scale), hit.pitch)
        loudest[place] = max(loudest.get(place, 0), min(max(hit.velocity_bin + shift, 1), tokens.VELOCITY_BINS - 1))
    return replace(song, hits=tuple(sorted(Hit(tick, pitch, v) for (tick, pitch), v in loudest.items())))


def tighten(tick: int, scale: float) -> int:
    """Return a window tick with its human deviation from the 16th grid scaled; swing and triplets stay."""
    sounding = tick - tokens.DRUM_WINDOW_TICKS
    nearest = round(sounding / SIXTEENTH_TICKS) * SIXTEENTH_TICKS
    deviation = sounding - nearest
    if abs(deviation) > FEEL_TICKS:
        return tick
    return nearest + round(deviation * scale) + tokens.DRUM_WINDOW_TICKS
