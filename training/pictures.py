"""Pictures of music and of runs: `python -m training.pictures piano|drums MUSIC --out roll.png`.

Piano rolls, densities of features and validation curves as PNG files. Knows nothing about networks.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from scipy.stats import gaussian_kde

from engine import tokens
from engine.types import TICKS_PER_BAR
from training.distributions import LEAST_NOTES, Features, overlapping_area
from training.errors import CorpusError, told_plainly
from training.groove import HATS, KICK, SNARES
from training.music import PARTS, read_music
from training.songs import DrumSong, PianoSong

mpl.use("Agg")
from matplotlib import pyplot as plt

ROLL_BARS = 32
BARS_A_ROW = 8
DRUM_NAMES = {
    36: "kick", 37: "rim", 38: "snare", 42: "hat", 43: "low tom", 44: "pedal", 46: "open hat", 47: "mid tom",
    49: "crash", 50: "high tom", 51: "ride",
}  # fmt: skip
Axes = Any
Figure = Any


def draw_roll(song: PianoSong | DrumSong, path: Path, bars: int = ROLL_BARS) -> None:
    """Draw the first bars of a song, eight a row; colour is velocity."""
    length = len(song.chords) if isinstance(song, PianoSong) else song.bars
    rows = max(1, math.ceil(min(bars, length) / BARS_A_ROW))
    figure, all_axes = plt.subplots(rows, 1, figsize=(16, 2.6 * rows), squeeze=False, layout="constrained")
    for row, axes in enumerate(all_axes[:, 0]):
        first = row * BARS_A_ROW
        _draw_piano(axes, song, first) if isinstance(song, PianoSong) else _draw_drums(axes, song, first)
        axes.set_xlim(first * TICKS_PER_BAR, (first + BARS_A_ROW) * TICKS_PER_BAR)
        bar_lines = [(first + bar) * TICKS_PER_BAR for bar in range(BARS_A_ROW + 1)]
        axes.set_xticks(bar_lines, [str(first + bar + 1) for bar in range(BARS_A_ROW + 1)])
        for tick in bar_lines:
            axes.axvline(tick, color="0.75", linewidth=0.8, zorder=0)
    all_axes[0, 0].set_title(song.name)
    _save(figure, path)


def _draw_piano(axes: Axes, song: PianoSong, first: int) -> None:
    pitches = [note.pitch for note in song.notes] or [60]
    for note in song.notes:
        colour = plt.cm.viridis(note.velocity_bin / (tokens.VELOCITY_BINS - 1))
        axes.barh(note.pitch, note.end - note.start, left=note.start, height=0.9, color=colour)
    axes.set_ylim(min(pitches) - 2, max(pitches) + 4)
    for bar, halves in list(enumerate(song.chords))[first : first + BARS_A_ROW]:
        for half, chord in enumerate(halves):
            if chord is not None and (half == 0 or chord != halves[0]):
                place = bar * TICKS_PER_BAR + half * TICKS_PER_BAR // 2 + 4
                axes.text(place, max(pitches) + 2, tokens.text(tokens.chord(chord)).strip("<>"), fontsize=8)
    axes.set_ylabel("key")


def _draw_drums(axes: Axes, song: DrumSong, first: int) -> None:
    rows = {pitch: row for row, pitch in enumerate(DRUM_NAMES)}
    start, end = first * TICKS_PER_BAR, (first + BARS_A_ROW) * TICKS_PER_BAR
    hits = [hit for hit in song.hits if start <= hit.tick < end]
    axes.scatter(
        [hit.tick - tokens.DRUM_WINDOW_TICKS for hit in hits],
        [rows[hit.pitch] for hit in hits],
        s=[4 + 5 * hit.velocity_bin for hit in hits],
        c=[hit.velocity_bin for hit in hits],
        cmap="viridis",
        vmin=0,
        vmax=tokens.VELOCITY_BINS - 1,
        marker="|",
        linewidths=2,
    )
    axes.set_yticks(list(rows.values()), list(DRUM_NAMES.values()), fontsize=7)
    axes.set_ylim(-0.7, len(rows) - 0.3)


def draw_densities(reference: Features, others: Mapping[str, Features], path: Path) -> None:
    """Draw the density of each feature, the reference filled; areas of overlap stand in the legends."""
    names = list(reference)
    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    figure, grid = plt.subplots(rows, columns, figsize=(5 * columns, 3 * rows), squeeze=False, layout="constrained")
    for axes, name in zip(grid.flat, names, strict=False):
        axes.set_title(name.replace("_", " "))
        _draw_density(axes, reference[name], "corpus", filled=True)
        for label, features in others.items():
            if name in features:
                area = overlapping_area(reference[name], features[name])
                _draw_density(axes, features[name], f"{label} {area:.2f}", filled=False)
        if axes.get_lines():
            axes.legend(fontsize=7)
    _save(figure, path)


def _draw_density(axes: Axes, values: np.ndarray, label: str, filled: bool) -> None:
    if len(values) < LEAST_NOTES or math.isclose(values.std(), 0):
        return
    margin = 0.25 * (values.max() - values.min())
    grid = np.linspace(values.min() - margin, values.max() + margin, 200)
    density = gaussian_kde(values)(grid)
    axes.plot(grid, density, label=label)
    if filled:
        axes.fill_between(grid, density, alpha=0.25)


def draw_steps(songs: Mapping[str, Sequence[DrumSong]], path: Path) -> None:
    """Draw how often kick, snare and hat are struck on each of the sixteen steps, a bar of music."""
    figure, grid = plt.subplots(3, 1, figsize=(10, 7), layout="constrained")
    width = 0.8 / len(songs)
    for axes, (name, pitches) in zip(grid, (("kick", KICK), ("snare", SNARES), ("hat", HATS)), strict=True):
        for place, (label, performances) in enumerate(songs.items()):
            share = _step_shares(performances, pitches)
            axes.bar(np.arange(16) + place * width, share, width, label=label)
        axes.set_ylabel(f"{name} a bar")
    grid[0].legend(fontsize=8)
    _save(figure, path)


def _step_shares(performances: Sequence[DrumSong], pitches: frozenset[int]) -> np.ndarray:
    counts = np.zeros(16)
    for song in performances:
        for hit in song.hits:
            if hit.pitch in pitches:
                counts[round((hit.tick - tokens.DRUM_WINDOW_TICKS) % TICKS_PER_BAR / 12) % 16] += 1
    return counts / max(sum(song.bars for song in performances), 1)


def draw_curves(histories: Mapping[str, Path], path: Path) -> None:
    """Draw validation nats a bar over training tokens, one line a run (its history.json).

    Raises:
        CorpusError: a history is missing or no history.
    """
    figure, axes = plt.subplots(figsize=(9, 5), layout="constrained")
    for name, source in histories.items():
        try:
            points = json.loads(source.read_text(encoding="utf-8"))
            axes.plot([p["tokens_seen"] / 1e6 for p in points], [p["nll_per_bar"] for p in points], "o-", label=name)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CorpusError(
                f"{source}: not the history.json of a run ({error!r}). Name the file it wrote."
            ) from error
    axes.set_xlabel("million training tokens")
    axes.set_ylabel("validation, nats a bar")
    axes.legend()
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    plt.close(figure)


@told_plainly()
def main(arguments: list[str] | None = None) -> None:
    """Draw the roll of the longest piece of a file."""
    parser = argparse.ArgumentParser(prog="python -m training.pictures", description=__doc__)
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("music", type=Path, help="JSONL of token lists or a MIDI file")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bars", type=int, default=ROLL_BARS)
    options = parser.parse_args(arguments)
    songs = read_music(options.music, PARTS[options.part])
    if not songs:
        parser.error(f"{options.music}: holds no piece of four bars or more.")
    draw_roll(
        max(songs, key=lambda song: len(song.notes if isinstance(song, PianoSong) else song.hits)),
        options.out,
        options.bars,
    )


if __name__ == "__main__":
    main()
