"""The folder of one's own moods: each file in it is one mood, called as the file.

Knows nothing about what a mood may hold; `config_file` checks the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from radio.config_yaml import Document, Place, parse_yaml, read_text

FOLDER = "moods"
"""Beside config.yaml."""


def mood_files(folder: Path) -> tuple[Path, ...]:
    """Return the files of the folder, by name; none where there is no folder."""
    return tuple(sorted(path for path in folder.glob("*.yaml") if not path.name.startswith(".")))


def with_mood_files(document: Document, folder: Path) -> Document:
    """Return the configuration with each file's mood under `moods:`; what is wrong in a file is said with its name."""
    data = {} if document.data is None else document.data
    if not isinstance(data, Mapping):
        return document
    moods = data.get(FOLDER)
    if moods is not None and not isinstance(moods, Mapping):
        return document
    merged: dict[Any, Any] = dict(moods or {})
    places, duplicates = dict(document.places), list(document.duplicates)
    for path in mood_files(folder):
        name = f"{FOLDER}/{path.name}"
        one = parse_yaml(read_text(path), name)
        duplicates += one.duplicates
        if path.stem in merged:
            duplicates.append(f"{name}:1: {document.at((FOLDER, path.stem))} has a mood of this name too. Keep one.")
            continue
        merged[path.stem] = {} if one.data is None else one.data
        places[FOLDER, path.stem] = Place(1, None, file=name)
        places |= {(FOLDER, path.stem, *place): replace(found, file=name) for place, found in one.places.items()}
    if not merged:
        return document
    return Document(document.name, {**data, FOLDER: merged}, places, tuple(duplicates))
