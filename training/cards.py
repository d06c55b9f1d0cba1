"""Model cards: what a shipped model is, where it comes from and under which terms. Knows nothing about networks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from training.corpora import DATA_SETS

DATA = {
    "piano": tuple(DATA_SETS[key].card() for key in ("pop909", "openewld", "billboard", "progressions")),
    "drums": (DATA_SETS["gmd"].card(),),
}
"""Of the shipped models; the thesis's size trains on whatever tunes one has."""
LICENCES = {
    "piano": "MIT",
    "drums": "MIT; attribution of the Groove MIDI Dataset (CC BY 4.0) must stay with it",
    "thesis": "not shipped; the licences of its data stay with it",
}

_PURPOSE = {
    "piano": "Writes the keys of lo-fi radio, bar by bar, in C major or A minor; the station moves them to its key.",
    "drums": "Writes the drums of lo-fi radio, bar by bar, for a given style, beat or fill and density.",
    "thesis": "Shows that the size and vocabulary of the lo-fAi thesis can be trained and played here.",
}
_LIMITS = {
    "piano": (
        "POP909's songs are arrangements of commercial songs: only the accompaniment is used, transposed, and the "
        "station measures the longest passage it shares with them. Style `lead` follows our own voicing rules: it is a "
        "learned arranger of rules more than an inventor. It knows 4/4 only and has no human timing of its own."
    ),
    "drums": "Knows 4/4 only. The set is dense, live playing: sparse lo-fi bars lean on few examples.",
    "thesis": "Trained for a few hundred steps: it is no model to listen to.",
}


def data_of(part: str, sources: Iterable[str]) -> list[dict[str, str]]:
    """Return what a card says of a model's data; `sources` are the keys of the sets that a corpus was made from."""
    return list(DATA[part]) if part in DATA else [DATA_SETS[key].card() for key in sources]


_GENERATIONS = {"rwkv-x060": "RWKV-6 (x060)", "rwkv-x070": "RWKV-7 (x070)"}

PICTURE = "roll.png"
"""Drawn by `python -m training.pictures` from music of the station; shown where it is there."""


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write card.json and README.md of one model."""
    (folder / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_page(card, (folder / PICTURE).is_file()), encoding="utf-8")


def _page(card: Mapping[str, Any], pictured: bool) -> str:
    part = card["part"]
    validation, millions = card["validation"], card["parameters"] / 1e6
    numbers = "\n".join(f"| {name.replace('_', ' ')} | {value} |" for name, value in validation.items())
    data = "\n".join(
        f"- **{item['name']}**: {item['licence']}. {item['attribution']}. {item['source']}" for item in card["data"]
    )
    picture = f"\n![32 bars that the station wrote with it]({PICTURE})\n" if pictured else ""
    return f"""# Model `{part}`

{_PURPOSE[part]}

{_GENERATIONS[card["format"]]}, {card["layers"]} layers of width {card["width"]}, {millions:.2f} M parameters,
vocabulary `{card["vocabulary"]["name"]}` with {card["vocabulary"]["size"]} tokens.
`{card["file"]}` holds one step with {card["bits"]}-bit weights, `model.pth` the same network in 16 bits (the
embedding in 32) under its public names. {card["origin"]}

| | |
|---|---|
{numbers}

Made on {card["date"]} from {card["tokens_seen"] / 1e6:.1f} M training tokens with

    {card["command"]}
{picture}
## Data, licences, attribution

{data}

Licence of the weights: {card["licence"]}.

## Limits

{_LIMITS[part]}
"""
