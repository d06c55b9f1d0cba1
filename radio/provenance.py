"""What can be shown for any moment on air: piece, notes, models and their data, sounds, licences, software.

Everything is read from the journal. Knows nothing about how it is printed, sent or signed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine import SAMPLE_RATE_HZ, Part
from radio.airtime import Aired, What, aired_at, length_ms
from radio.digest_folder import DigestFolder
from radio.errors import ProvenanceError
from radio.journal_bars import piece_id, unsigned
from radio.journal_reader import JournalReader
from radio.journal_rows import AssetRow, BarRow
from radio.moments import iso
from radio.provenance_proof import proof_of

FORMAT = "lofi-radio provenance 1"
_PARTS = {part.value[0]: part.value for part in Part}
_KINDS = ("model", "bank", "loop", "state")

Json = dict[str, Any]

_SAID = {
    What.MUSIC: "A bar composed and played by the station.",
    What.REPEAT: "No new bar was ready: a bar heard shortly before was played again.",
    What.BED: "No music was ready: a quiet bed of noise, made by the station's own arithmetic, filled the gap.",
    What.HELD_UP: "The machine was held up: nothing went out, and the broadcast went on where it had stopped.",
    What.OFF: "The station was off the air.",
    What.CLOCK_SET: "The wall clock was set forward across this moment: no sound bears this time, and none is missing.",
    What.UNKNOWN: "The journal holds no bar of this moment.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which moment of which station."""

    station: str
    wall_ms: int


def describe(reader: JournalReader, asked: Asked, digests: DigestFolder | None = None) -> Json:
    """Tell all there is to tell about a moment, with the proof of each bar where there are digests.

    Raises:
        ProvenanceError: the journal knows no such station.
    """
    known = reader.stations()
    if asked.station not in known:
        raise ProvenanceError(
            f"The journal has no station {asked.station[:40]!r}. It has: {', '.join(known) or 'none yet'}."
        )
    found = aired_at(reader, asked.station, asked.wall_ms)
    return {
        "format": FORMAT,
        "station": asked.station,
        "asked": iso(asked.wall_ms),
        "note": "" if len(found) == 1 else "The wall clock was set back: it showed this moment more than once.",
        "aired": [_told(reader, aired, asked.wall_ms) | _proof(reader, aired, digests) for aired in found],
    }


def _proof(reader: JournalReader, aired: Aired, digests: DigestFolder | None) -> Json:
    if digests is None or aired.bar is None:
        return {}
    return {"proof": proof_of(reader, aired.bar, digests)}


def _told(reader: JournalReader, aired: Aired, wall_ms: int) -> Json:
    told: Json = {"what": aired.what.value, "said": _SAID[aired.what]}
    if aired.bar is not None:
        return told | _bar_told(reader, aired.bar, aired.into_ms)
    told["since"] = iso(wall_ms - aired.into_ms) if aired.before is not None else None
    if aired.cause is not None:
        told["cause"] = {"kind": aired.cause.kind, "at": iso(aired.cause.wall_ms), "detail": aired.cause.detail}
    for name, row in (("before", aired.before), ("after", aired.after)):
        told[name] = None if row is None else {"began": iso(row.wall_ms), "title": row.title, "piece": piece_id(row)}
    return told


def _bar_told(reader: JournalReader, row: BarRow, into_ms: int) -> Json:
    assets = reader.assets(row.assets)
    mood = reader.mood(row.mood_hash)
    numbers = None if mood is None else json.loads(mood.tree)
    return {
        "bar": {
            "began": iso(row.wall_ms),
            "ended": iso(row.wall_ms + length_ms(row)),
            "into_s": into_ms / 1000,
            "number": row.bar,
            "frame": row.frame,
            "frames": row.frames,
            "sample_rate_hz": SAMPLE_RATE_HZ,
            "run": iso(row.run) if row.run else None,
        },
        "piece": {
            "id": piece_id(row),
            "title": row.title,
            "number": row.piece,
            "seed": str(unsigned(row.piece_seed)),
            "key": row.key,
            "bpm": row.bpm,
            "bars": row.piece_bars or None,
            "bar": row.piece_bar,
            "section": row.section,
        },
        "mood": {"name": row.mood, "sha256": row.mood_hash or None, "numbers": numbers},
        "chords": json.loads(row.chords),
        "notes": [
            {"part": _PARTS.get(part, part), "tick": tick, "ticks": length, "pitch": pitch, "velocity": velocity}
            for tick, length, pitch, velocity, part in json.loads(row.notes)
        ],
        "composer": _composer(row, assets),
        "sounds": _sounds(assets, numbers),
        "software": {
            "name": "lofi-radio",
            "version": row.version,
            "licence": "MIT",
            "station_seed": str(unsigned(row.seed)),
        },
    }


def _composer(row: BarRow, assets: Iterable[AssetRow]) -> Json:
    if row.composer != "models":
        return {"by": row.composer, "said": "Rules of the software wrote these notes; no model and no data took part."}
    models = [_made(asset) for asset in assets if asset.name.startswith(("model ", "state "))]
    return {"by": row.composer, "said": "Note models of the station wrote these notes.", "models": models}


def _sounds(assets: Iterable[AssetRow], numbers: Mapping[str, Any] | None) -> Json:
    """Banks, and loops with a word on which of them the mood of the moment asks for."""
    made = list(assets)
    banks = [_made(asset) for asset in made if asset.name.startswith("bank ")]
    loops = [_made(asset) for asset in made if asset.name.startswith("loop ")]
    asked = None if numbers is None else _loops_of(numbers)
    for loop in loops:
        loop["in_this_mood"] = None if asked is None else loop["name"] in asked
    others = [_made(asset) for asset in made if not asset.name.startswith(tuple(f"{kind} " for kind in _KINDS))]
    return {"banks": banks, "loops": loops, **({"others": others} if others else {})}


def _loops_of(numbers: Mapping[str, Any]) -> set[str]:
    ambience = {f"ambience/{name}" for name, _ in numbers.get("ambience", ())}
    fills = {f"fills/{name}" for name in (*numbers.get("fills", ()), "needle")}
    return {f"vinyl/{numbers.get('vinyl')}", *ambience, *fills}


def _made(asset: AssetRow) -> Json:
    kind, _, name = asset.name.partition(" ")
    about = json.loads(asset.about) if asset.about else {}
    return {"name": name or kind, "sha256": asset.sha256, "licence": asset.licence, **about}
