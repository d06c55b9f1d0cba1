"""What the commands print: the effective tree, the moods, the doctor's findings. Knows nothing about arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine import MOODS, Likeness, Mood
from radio.config import Config
from radio.doctor import Finding

_ENTRY_COLUMNS = 114
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def effective_tree(config: Config) -> str:
    """The whole tree as YAML; of secrets only the names of their places."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)


def mood_table(moods: Iterable[Mood]) -> Table:
    """One row for each mood with the numbers that tell them apart; what is not as it was shipped is `own`."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("mood", "bpm", "minor", "swing", "keys", "drums", "keys up to", "rain etc.", "base loops"):
        table.add_column(heading, justify="left" if heading in ("mood", "base loops", "drums") else "right")
    for mood in moods:
        heard = [f"{name} {db:g} dB" for name, db in mood.ambience if db > -60]
        table.add_row(
            mood.name if mood == MOODS.get(mood.name) else f"{mood.name} (own)",
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


def portrait_table(likeness: Likeness) -> Table:
    """What each mood measures, and how far two hours of it are apart."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("mood", "bpm", "onsets a bar", "brightness", "minor", "two hours apart"):
        table.add_column(heading, justify="left" if heading == "mood" else "right")
    for index, (name, (hour, _)) in enumerate(zip(likeness.names, likeness.hours, strict=True)):
        numbers = (f"{hour.bpm:.1f}", f"{hour.density:.1f}", f"{hour.brightness:+.2f}", f"{hour.minor:.0%}")
        table.add_row(name, *numbers, f"{likeness.inside(index):.2f}")
    return table


def distance_table(likeness: Likeness) -> Table:
    """How many times further apart each two moods are than two hours of either."""
    table = Table(title="times further apart than two hours of either", box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for name in likeness.names:
        table.add_column(name, justify="right")
    for one, name in enumerate(likeness.names):
        row = ["" if other == one else f"{likeness.ratio(one, other):.0f}" for other in range(len(likeness.names))]
        table.add_row(name, *row)
    return table


def mood_file(mood: Mood) -> str:
    """Every number of a mood as YAML, ready for a file in the folder moods/."""
    tree = {field: _plain(value) for field, value in dataclasses.asdict(mood).items() if field != "name"}
    tree["ambience"] = dict(mood.ambience)
    body = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    return f"# {mood.name}: docs/moods.md says units and ranges\n{body}"


def mood_entry(mood: Mood) -> str:
    """What differs from an untouched mood, as an entry under `moods:` in config.yaml."""
    untouched = Mood(mood.name)
    numbers = {field.name: getattr(mood, field.name) for field in dataclasses.fields(Mood)}
    lines = [""]
    for name, value in numbers.items():
        if value != getattr(untouched, name):
            word = f" {name}: {_flow(dict(mood.ambience) if name == 'ambience' else value)},"
            if len(lines[-1] + word) > _ENTRY_COLUMNS:
                lines.append("")
            lines[-1] += word
    return "".join([f"  {mood.name}: {{\n", *(f"   {line}\n" for line in lines), "  }\n"])


def _flow(value: object) -> str:
    """Return a value as YAML on one line, numbers without needless digits."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "null" if value is None else str(value)


def _plain(value: object) -> object:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def show_finding(console: Console, finding: Finding) -> None:
    """Print one line: ok, warn or fail, what, and what was found."""
    colour = _COLOURS[finding.state]
    console.print(
        f"[{colour}]{finding.state:<4}[/] {finding.what:<14} {escape(finding.said)}", soft_wrap=True, highlight=False
    )
