"""Files that shape the sound, named so that any minute on air can be traced to them. Knows nothing about music."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LOOP_LICENCE = "CC0-1.0"
_TOLD_OF_CARD = ("part", "format", "parameters", "date", "origin", "data", "command")
_CHUNK_BYTES = 1 << 20
_INFO_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: what it is, which one it is, and under what terms."""

    name: str
    sha256: str
    licence: str
    about: str = ""
    """What a model's card says of its origin and data, as JSON; empty for files that have no card."""


def file_sha256(path: Path) -> str:
    """Hash a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def bank_asset(path: Path) -> Asset:
    """Describe a sound bank; its licence is what it says about itself."""
    return Asset(f"bank {path.name}", file_sha256(path), _bank_licence(path))


def loop_assets(paths: Iterable[Path]) -> list[Asset]:
    """Describe loops."""
    return [Asset(f"loop {path.parent.name}/{path.stem}", file_sha256(path), LOOP_LICENCE) for path in paths]


def model_asset(folder: Path) -> Asset:
    """Describe a model by its card's file; a bare `.pth` has no card."""
    card_path = folder / "card.json"
    if not card_path.is_file():
        return Asset(f"model {folder.name}", file_sha256(folder), "not stated")
    card = json.loads(card_path.read_text(encoding="utf-8"))
    about = {key: card[key] for key in _TOLD_OF_CARD if key in card}
    return Asset(
        f"model {folder.name}",
        file_sha256(folder / card["file"]),
        str(card.get("licence", "not stated")),
        json.dumps(about, ensure_ascii=False, sort_keys=True),
    )


def _bank_licence(path: Path) -> str:
    """Read the copyright line (`ICOP`) of a sound bank's INFO list, which stands at its beginning."""
    with path.open("rb") as file:
        head = file.read(_INFO_BYTES)
    at = head.find(b"ICOP")
    if at < 0:
        return "not stated"
    size = int.from_bytes(head[at + 4 : at + 8], "little")
    text = head[at + 8 : at + 8 + size].split(b"\0")[0].decode("utf-8", "replace")
    return " ".join(text.split())[:120] or "not stated"
