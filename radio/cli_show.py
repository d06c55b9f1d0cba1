"""What the commands print: the effective tree, the moods, the doctor's findings. Knows nothing about arguments."""

from __future__ import annotations

from collections.abc import Iterable

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine import Mood
from radio.config import Config
from radio.doctor import Finding
from radio.errors import SecretError

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def effective_tree(config: Config) -> str:
    """The whole tree as YAML; of secrets only the names of their places."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)


def missing_secrets(config: Config) -> list[str]:
    """Sentences about passwords that are named in the tree but not there."""
    problems = []
    for output in config.icecast:
        try:
            output.password()
        except SecretError as problem:
            problems.append(str(problem))
    return problems


def mood_table(moods: Iterable[Mood], own: Iterable[str]) -> Table:
    """One row for each mood with the numbers that tell them apart."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("mood", "bpm", "minor", "swing", "keys", "drums", "keys up to", "rain etc.", "base loops"):
        table.add_column(heading, justify="left" if heading in ("mood", "base loops", "drums") else "right")
    own = set(own)
    for mood in moods:
        heard = [f"{name} {db:g} dB" for name, db in mood.ambience if db > -60]
        table.add_row(
            f"{mood.name} (own)" if mood.name in own else mood.name,
            f"{mood.bpm_low:g}-{mood.bpm_high:g}",
            f"{mood.minor_share:.0%}",
            f"{mood.swing:.0%}",
            f"{mood.keys_density:g}",
            f"{mood.drums_density:g} {mood.drum_style}",
            f"{mood.keys_lowpass_hz / 1000:g} kHz",
            " + ".join(heard) or "none",
            ", ".join(mood.palette[:3]),
        )
    return table


def show_finding(console: Console, finding: Finding) -> None:
    """Print one line: ok, warn or fail, what, and what was found."""
    colour = _COLOURS[finding.state]
    console.print(
        f"[{colour}]{finding.state:<4}[/] {finding.what:<14} {escape(finding.said)}", soft_wrap=True, highlight=False
    )
