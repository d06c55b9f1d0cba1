"""The report of an evaluation: tables as Markdown and JSON, pictures, and the written songs as MIDI files.

Knows nothing about how its numbers were found.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from training.measures import Measures
from training.music import Part, Song
from training.pictures import draw_curves, draw_densities, draw_roll, draw_steps
from training.sample import save_midi
from training.songs import DrumSong


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found, by column."""

    likelihoods: dict[str, Measures] = field(default_factory=dict)
    measures: dict[str, Measures] = field(default_factory=dict)
    thesis: dict[str, Measures] = field(default_factory=dict)
    songs: dict[str, list[Song]] = field(default_factory=dict)
    """The music behind the measures."""
    compared: dict[str, str] = field(default_factory=dict)
    """Which column of the corpus each other one is compared with."""

    def markdown(self) -> str:
        """Return all tables."""
        named = (
            ("Likelihood, nats", self.likelihoods),
            ("Measures", self.measures),
            ("The thesis's measures", self.thesis),
        )
        return "\n\n".join(f"## {title}\n\n{table(columns)}" for title, columns in named if columns)


def table(columns: Mapping[str, Mapping[str, float]]) -> str:
    """Return a markdown table, one column per key, one row per measure."""
    rows = list(dict.fromkeys(name for column in columns.values() for name in column))
    lines = ["| |" + "|".join(f" {name} " for name in columns) + "|", "|---|" + "---|" * len(columns)]
    for row in rows:
        cells = (column.get(row, math.nan) for column in columns.values())
        text = "|".join(" - " if math.isnan(v) else f" {v:.3f} " if isinstance(v, float) else f" {v} " for v in cells)
        lines.append(f"| {row.replace('_', ' ')} |{text}|")
    return "\n".join(lines)


def save_report(report: Report, part: Part, folder: Path, histories: Mapping[str, Path]) -> dict[str, list[Path]]:
    """Write report.md, report.json, the pictures and the written songs; return the songs' files by reference."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(report.markdown() + "\n", encoding="utf-8")
    content = {"likelihoods": report.likelihoods, "measures": report.measures, "thesis": report.thesis}
    (folder / "report.json").write_text(json.dumps(_without_nan(content), indent=1), encoding="utf-8")
    if histories:
        draw_curves(histories, folder / "curves.png")
    saved: dict[str, list[Path]] = {}
    by_reference: dict[str, dict[str, list[Song]]] = {}
    for name, reference in report.compared.items():
        by_reference.setdefault(reference, {})[name] = report.songs[name]
    for reference, written in by_reference.items():
        slug = re.sub(r"\W+", "-", reference.removeprefix("corpus: "))
        features = {name: part.features(songs) for name, songs in written.items()}
        draw_densities(part.features(report.songs[reference]), features, folder / f"densities-{slug}.png")
        if isinstance(report.songs[reference][0], DrumSong):
            draw_steps({reference: report.songs[reference]} | written, folder / f"steps-{slug}.png")
        for songs in written.values():
            saved[reference] = [folder / "songs" / f"{slug}-{number}.mid" for number in range(len(songs))]
            for song, path in zip(songs, saved[reference], strict=True):
                save_midi(song, path)
            draw_roll(songs[0], folder / f"roll-{slug}.png")
    return saved


def _without_nan(tree: object) -> object:
    if isinstance(tree, dict):
        return {key: _without_nan(value) for key, value in tree.items()}
    return None if isinstance(tree, float) and math.isnan(tree) else tree
