"""A provenance record in words, for a terminal or a mail. Knows nothing about journals or files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
Line = tuple[str, str]
"""What, and what is said of it; an empty `what` goes on with the line before."""


def as_text(record: Json) -> str:
    """Print a record, one fact a line."""
    blocks = [f"{record['station']} at {record['asked']}"]
    if record["note"]:
        blocks.append(record["note"])
    for aired in record["aired"]:
        width = max(len(what) for what, _ in facts(aired))
        blocks.append("\n".join(f"{what:<{width}}  {said}".rstrip() for what, said in facts(aired)))
    return "\n\n".join(blocks) + "\n"


def facts(aired: Json) -> list[Line]:
    """Every fact of what was on air, in the order in which people ask for them."""
    lines = [("on air", f"{aired['what']}. {aired['said']}")]
    lines += _music(aired) if "bar" in aired else _nothing(aired)
    if "proof" in aired:
        lines.append(("proof", aired["proof"]["said"]))
    return lines


def _music(aired: Json) -> Iterator[Line]:
    piece, bar, mood = aired["piece"], aired["bar"], aired["mood"]
    yield "piece", f"{piece['title']}, {piece['key']}, {piece['bpm']:.1f} bpm (number {piece['number']}, {piece['id']})"
    of = f" of {piece['bars']}" if piece["bars"] else ""
    yield "bar", f"{piece['bar'] + 1}{of}, {piece['section']}, {bar['began']} to {bar['ended']}"
    yield "mood", mood["name"] + (f", numbers sha256 {mood['sha256']}" if mood["sha256"] else "")
    yield "notes", f"{len(aired['notes'])}: {_counted(aired['notes'])}"
    yield "seeds", f"piece {piece['seed']}, station {aired['software']['station_seed']}"
    yield "composer", f"{aired['composer']['by']}. {aired['composer']['said']}"
    for model in aired["composer"].get("models", ()):
        yield "  model", f"{model['name']}, {model['licence']}, sha256 {model['sha256']}"
        for data in model.get("data", ()):
            yield "    data", f"{data['name']}, {data['licence']}, {data.get('source', '')}".rstrip(", ")
    for bank in aired["sounds"]["banks"]:
        yield "sound bank", f"{bank['name']}, {bank['licence']}, sha256 {bank['sha256']}"
    for loop in aired["sounds"]["loops"]:
        if loop["in_this_mood"] is not False:
            yield "loop", f"{loop['name']}, {loop['licence']}, sha256 {loop['sha256']}"
    for other in aired["sounds"].get("others", ()):
        yield "file", f"{other['name']}, {other['licence']}, sha256 {other['sha256']}"
    yield "software", f"lofi-radio {aired['software']['version']}, {aired['software']['licence']}"
    yield "playback", f"frame {bar['frame']} of the broadcast, {bar['frames']} frames at {bar['sample_rate_hz']} Hz"


def _nothing(aired: Json) -> Iterator[Line]:
    if aired.get("since"):
        yield "since", aired["since"]
    if aired.get("cause"):
        cause = aired["cause"]
        yield "because", f"{cause['kind']} at {cause['at']}" + (f", {cause['detail']}" if cause["detail"] else "")
    for name in ("before", "after"):
        if aired[name]:
            yield name, f"{aired[name]['title']} ({aired[name]['piece']}), bar began {aired[name]['began']}"


def _counted(notes: list[Json]) -> str:
    parts = list(dict.fromkeys(note["part"] for note in notes))
    return ", ".join(f"{sum(note['part'] == part for note in notes)} {part}" for part in sorted(parts)) or "a rest"
