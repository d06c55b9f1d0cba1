"""What an epoch of each part consists of: splits, augmented variants, and how often each set comes.

Knows nothing about files or the network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine import tokens
from training.charts import Chart
from training.comping import render
from training.corpus import EVERY_EPOCH, Corpus, Entry, Ids, as_ids
from training.drums import Performance, augment
from training.parallel import work_through
from training.songs import PianoSong, encode_drums, encode_piano
from training.tokenizer import encode_texts
from training.tunes import Tune

DRUM_VARIANTS = 16
PIANO_VARIANTS = 6
LOFI_COPIES = 2
"""Hip-hop and soul performances (lofi_weight 3) come twice in every epoch: they are 5 % of the bars and our style."""
CHART_COPIES = {"openewld": 4, "billboard": 6, "progressions": 4}
"""Renderings of a chart in an epoch: 1.6 M tokens of style `lead` beside POP909's 2.3 M."""
POP909_VALIDATION_SONGS = 45
CHART_VALIDATION_SHARE = 0.06
HELD_OUT_REMAINDER = 10
"""POP909 songs whose id is a multiple of this are kept out altogether, for tests of what was copied."""
HASHED_VALIDATION_ONE_IN = 20
"""Tunes and Mutopia's pieces whose title's hash is a multiple of this validate."""

Sets = Mapping[str, Sequence[Any]]
"""What the loaders of corpora.py return, by the sets' keys."""
Made = tuple[Corpus, list[str]]
"""(corpus, the reasons for what was left out)."""


@dataclass(frozen=True, slots=True)
class Making:
    """What decides a corpus beside its data."""

    seed: int = 0
    workers: int | None = None
    """Processes; they change the time that it takes only."""


def hashed_into_validation(name: str) -> bool:
    """Tell whether a song that no list splits is for validation: by its name alone, so that it always is."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % HASHED_VALIDATION_ONE_IN == 0


# --- drums -----------------------------------------------------------------------------------------------------------


def drum_corpus(sets: Sets, making: Making) -> Made:
    """Return all performances; those of hip-hop and soul twice."""
    performances: list[Performance] = []
    skipped: list[str] = []
    seen: set[str] = set()
    for performance in (p for found in sets.values() for p in found):
        if performance.ident in seen:  # Groove MIDI's performances are in E-GMD too, some ticks off
            skipped.append(f"{performance.song.name}: this performance is in another set too.")
            continue
        seen.add(performance.ident)
        performances.append(performance)
    jobs = [(performance, (making.seed, number)) for number, performance in enumerate(performances)]
    done, _ = work_through(play_drums, jobs, "drum variants", making.workers)
    return Corpus(tuple(entry for _, entries in done for entry in entries)), skipped


def play_drums(job: tuple[Performance, tuple[int, int]]) -> list[Entry]:
    """Return the entries of one performance."""
    performance, seed = job
    song = performance.song
    if performance.validation:
        return [Entry(song.name, True, EVERY_EPOCH, as_ids(encode_drums(song)))]
    rng = np.random.default_rng(seed)
    entries = []
    for variant in range(DRUM_VARIANTS):
        for copy in range(LOFI_COPIES if performance.lofi_weight == 3 else 1):
            played = song if variant == copy == 0 else augment(song, rng)
            entries.append(Entry(song.name, False, variant, as_ids(encode_drums(played))))
    return entries


# --- piano -----------------------------------------------------------------------------------------------------------


def piano_corpus(sets: Sets, making: Making) -> Made:
    """Return POP909 and rendered charts; with Mutopia's pieces where they were asked for."""
    songs = sets.get("pop909", ())
    kept = [song for song in songs if int(song.name.rpartition("/")[2]) % HELD_OUT_REMAINDER]
    skipped = [f"{len(songs) - len(kept)} POP909 songs: held out (id is a multiple of {HELD_OUT_REMAINDER})."]
    charts = [chart for key in CHART_COPIES for chart in sets.get(key, ())]
    # One generator in this order decides the split: other numbers drawn here would move songs between the splits.
    rng = np.random.default_rng(making.seed)
    entries = [*_pop909_entries(kept, rng, making), *_chart_entries(charts, rng, making)]
    extra_rng = np.random.default_rng((making.seed, 1))
    entries += _played([(s, hashed_into_validation(s.name)) for s in sets.get("mutopia", ())], extra_rng, making)
    return Corpus(tuple(entries)), skipped


def _pop909_entries(songs: list[PianoSong], rng: np.random.Generator, making: Making) -> Iterable[Entry]:
    order = rng.permutation(len(songs))
    return _played([(songs[i], place < POP909_VALIDATION_SONGS) for place, i in enumerate(order)], rng, making)


def _played(songs: list[tuple[PianoSong, bool]], rng: np.random.Generator, making: Making) -> Iterable[Entry]:
    """Return the entries of (song, validation); training songs come softer or louder in each variant."""
    jobs = [
        (song, (0,) if validation else tuple(int(rng.integers(-1, 2)) for _ in range(PIANO_VARIANTS)))
        for song, validation in songs
    ]
    done, _ = work_through(play_song, jobs, "piano variants", making.workers)
    for ((song, _), played), (_, validation) in zip(done, songs, strict=True):
        for variant, ids in enumerate(played):
            yield Entry(song.name, validation, EVERY_EPOCH if validation else variant, ids)


def play_song(job: tuple[PianoSong, tuple[int, ...]]) -> list[Ids]:
    """Return a song's tokens at each shift of its velocity bins."""
    song, shifts = job
    return [as_ids(encode_piano(shift_velocity(song, shift))) for shift in shifts]


def shift_velocity(song: PianoSong, bins: int) -> PianoSong:
    """Return a song played softer or louder by some velocity bins."""
    top = tokens.VELOCITY_BINS - 1
    notes = tuple(n._replace(velocity_bin=min(max(n.velocity_bin + bins, 1), top)) for n in song.notes)
    return replace(song, notes=notes)


def _chart_entries(charts: list[Chart], rng: np.random.Generator, making: Making) -> Iterable[Entry]:
    names = sorted({chart.name for chart in charts})
    chosen = set(rng.permutation(names)[: round(CHART_VALIDATION_SHARE * len(names))])
    jobs = [
        (chart, (making.seed, number), 1 if chart.name in chosen else PIANO_VARIANTS * _copies(chart))
        for number, chart in enumerate(charts)
    ]
    done, _ = work_through(render_chart, jobs, "renderings", making.workers)
    for (chart, _, _), renderings in done:
        for number, ids in enumerate(renderings):
            validation = chart.name in chosen
            yield Entry(chart.name, validation, EVERY_EPOCH if validation else number // _copies(chart), ids)


def _copies(chart: Chart) -> int:
    return CHART_COPIES[chart.name.partition("/")[0]]


def render_chart(job: tuple[Chart, tuple[int, int], int]) -> list[Ids]:
    """Return so many renderings of a chart."""
    chart, seed, count = job
    rng = np.random.default_rng(seed)
    return [as_ids(encode_piano(render(chart, rng))) for _ in range(count)]


# --- the thesis's corpus ---------------------------------------------------------------------------------------------


def thesis_corpus(sets: Sets, making: Making) -> Made:
    """Return tunes in strict MIDICompact. Unlike the thesis, some validate, and exact copies are left out."""
    tunes: dict[str, Tune] = {}
    copies = 0
    for tune in (tune for found in sets.values() for tune in found):
        copies += tune.text in tunes
        tunes.setdefault(tune.text, tune)
    ids = encode_texts(tunes, tokens.MIDICOMPACT_SIZE)
    entries = [
        Entry(f"irish/{tune.name}", hashed_into_validation(tune.name), EVERY_EPOCH, each)
        for tune, each in zip(tunes.values(), ids, strict=True)
    ]
    skipped = [f"{copies} exact copies of other tunes."] if copies else []
    return Corpus(tuple(entries), tokens.MIDICOMPACT_SIZE), skipped


@dataclass(frozen=True, slots=True)
class Part:
    """One corpus that can be made."""

    make: Callable[[Sets, Making], Made]
    sets: tuple[str, ...]
    """Made of these unless other ones are asked for."""
    more: tuple[str, ...] = ()
    """May be asked for."""


PARTS = {
    "piano": Part(piano_corpus, ("pop909", "openewld", "billboard", "progressions"), ("mutopia",)),
    "drums": Part(drum_corpus, ("gmd",), ("e_gmd",)),
    "thesis": Part(thesis_corpus, ("irish_cre",), ("irish_abc", "irishman")),
}
