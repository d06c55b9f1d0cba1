"""Model cards: what a shipped model is, where it comes from and under which terms. Knows nothing about networks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

POP909 = {
    "name": "POP909 (piano accompaniment only) with POP909-CL chords, keys and bars",
    "licence": "MIT",
    "attribution": "POP909, Wang et al., ISMIR 2020; POP909-CL (2025)",
    "source": "https://github.com/music-x-lab/POP909-Dataset, https://github.com/AndyWeasley2004/POP909-CL-Dataset",
}
OPENEWLD = {
    "name": "OpenEWLD, the strictly public-domain lead sheets",
    "licence": "public domain",
    "attribution": "OpenEWLD, Simonetta 2018",
    "source": "https://github.com/00sapo/OpenEWLD",
}
BILLBOARD = {
    "name": "McGill Billboard chord charts",
    "licence": "CC0",
    "attribution": "Burgoyne, Wild, Fujinaga, ISMIR 2011",
    "source": "https://github.com/boomerr1/The-McGill-Billboard-Project",
}
PROGRESSIONS = {
    "name": "free-midi-chords progressions",
    "licence": "MIT",
    "attribution": "Ludovic Drolez",
    "source": "https://github.com/ldrolez/free-midi-chords",
}
GROOVE = {
    "name": "Groove MIDI Dataset 1.0.0, 4/4",
    "licence": "CC BY 4.0",
    "attribution": "Groove MIDI Dataset, Gillick, Roberts, Engel, Eck, Bamman, ICML 2019, CC BY 4.0",
    "source": "https://github.com/zharry29/drums-with-llm (folder groove)",
}
DATA = {"piano": (POP909, OPENEWLD, BILLBOARD, PROGRESSIONS), "drums": (GROOVE,)}
LICENCES = {"piano": "MIT", "drums": "MIT; attribution of the Groove MIDI Dataset (CC BY 4.0) must stay with it"}

_PURPOSE = {
    "piano": "Writes the keys of lo-fi radio, bar by bar, in C major or A minor; the station moves them to its key.",
    "drums": "Writes the drums of lo-fi radio, bar by bar, for a given style, beat or fill and density.",
}
_LIMITS = {
    "piano": (
        "POP909's songs are arrangements of commercial songs: only the accompaniment is used, transposed, and the "
        "station measures the longest passage it shares with them. Style `lead` follows our own voicing rules: it is a "
        "learned arranger of rules more than an inventor. It knows 4/4 only and has no human timing of its own."
    ),
    "drums": "Knows 4/4 only. The set is dense, live playing: sparse lo-fi bars lean on few examples.",
}


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write card.json and README.md of one model."""
    (folder / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_page(card), encoding="utf-8")


def _page(card: Mapping[str, Any]) -> str:
    part = card["part"]
    validation = card["validation"]
    numbers = "\n".join(f"| {name.replace('_', ' ')} | {value} |" for name, value in validation.items())
    data = "\n".join(
        f"- **{item['name']}**: {item['licence']}. {item['attribution']}. {item['source']}" for item in card["data"]
    )
    return f"""# Model `{part}`

{_PURPOSE[part]}

RWKV-6 (x060), {card["layers"]} layers of width {card["width"]}, {card["parameters"] / 1e6:.2f} M parameters,
vocabulary `{card["vocabulary"]["name"]}` with {card["vocabulary"]["size"]} tokens.
`{card["file"]}` holds one step with {card["bits"]}-bit weights, `model.pth` the same network in 16 bits (the
embedding in 32) under its public names. {card["origin"]}

| | |
|---|---|
{numbers}

Made on {card["date"]} from {card["tokens_seen"] / 1e6:.1f} M training tokens with

    {card["command"]}

## Data, licences, attribution

{data}

Licence of the weights: {card["licence"]}.

## Limits

{_LIMITS[part]}
"""
