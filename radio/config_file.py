"""Turns config.yaml into the tree, and every mistake in it into a sentence with its place, value and remedy.

Knows nothing about when files change or what the values do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine import MOODS, MoodError
from radio.config import Config
from radio.config_help import allowed_at, keys_at
from radio.config_moods import MoodPatch, own_mood
from radio.config_yaml import Document, KeyPath, parse_yaml, read_text
from radio.errors import ConfigError
from radio.mood_files import FOLDER, with_mood_files

_RESERVED = ("api", "static", "healthz", "readyz", "metrics", "obs-control")
_BARE_WORDS = "YAML reads bare numbers as numbers, and on, off, yes, no as true and false. Put names in quotes."
_OUTPUTS = {"icecast": "mount", "device": None, "push": None, "record": None, "webhooks": None}
"""Lists of outputs, each with what no two of them may share beside their name."""
_SECRET_WORDS = ("password", "passwd", "secret", "token", "passphrase")


def load_config(path: Path) -> Config:
    """Read, check and anchor a configuration file; raises ConfigError with every problem found."""
    return parse_config(read_text(path), path.absolute())


def parse_config(text: str, path: Path) -> Config:
    """Check the text of a configuration file that lies at `path`."""
    document = with_mood_files(parse_yaml(text, path.name), path.parent / FOLDER)
    problems = list(document.duplicates)
    data = {} if document.data is None else document.data
    config: Config | None = None
    try:
        config = Config.model_validate(data)
    except ValidationError as refused:
        problems += [_explain(error, document) for error in refused.errors(include_url=False)]
    problems += [f"{document.at(where)}: {said}" for where, said in _reference_problems(data)]
    if problems or config is None:
        raise ConfigError(tuple(dict.fromkeys(problems)))
    return config.anchored(path.parent)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return `Did you mean x? ` when a known word is near, else nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}? " if near else ""


def _explain(error: ErrorDetails, document: Document) -> str:
    path = tuple(step for step in error["loc"] if step != "[key]")
    if error["type"] == "invalid_key":
        return f"{document.at(path[:-1])}: {error['input']!r} is no key: {_BARE_WORDS}"
    where = document.at(path)
    if error["type"] == "extra_forbidden":
        return f"{where}: {_unknown_key(path)}"
    if error["loc"][-1:] == ("[key]",):
        return f"{where}: the name must be 1-32 lower-case letters, digits and dashes."
    if error["type"] == "value_error":
        return f"{where}: {error['msg'].removeprefix('Value error, ')}."
    allowed = allowed_at(path)
    if error["type"] == "missing":
        return f"{where}: is missing; it must be {allowed}."
    return f"{where}: must be {allowed}; got {_got(error['input'], path, document)}"


def _unknown_key(path: KeyPath) -> str:
    key = str(path[-1])
    known = keys_at(path[:-1])
    if any(word in key.lower() for word in _SECRET_WORDS):
        remedy = "use password_env (the name of an environment variable) or password_file (a file that holds it)"
        if "secret_env" in known:
            remedy = remedy.replace("password", "secret")
        elif "password_env" not in known:
            remedy = "remove it"
        return f"secrets do not belong in this file, which is read and shared by many: {remedy}."
    return f"unknown key. {suggestion(key, known)}Keys here: {', '.join(known) or 'none'}."


def _got(value: object, path: KeyPath, document: Document) -> str:
    if any(word in str(path[-1:]).lower() for word in _SECRET_WORDS):
        return "something else (not shown). A password itself does not belong here."
    place = document.places.get(path)
    spelled = place.spelled if place is not None and not place.quoted else None
    if value is None:
        return "nothing. Give it a value, or remove the line for the default."
    if isinstance(value, bool):
        said = str(value).lower()
        trap = spelled is not None and spelled.lower() != said
        return f"{spelled}, which YAML reads as {said}. Put it in quotes: '{spelled}'." if trap else f"{said}."
    if spelled is not None and not isinstance(value, str) and str(value) != spelled:
        return f"{spelled}, which YAML reads as {_short(value)}. Put it in quotes: '{spelled}'."
    if isinstance(value, int | float) and "text" in allowed_at(path):
        return f"the number {_short(value)}. Put it in quotes: '{_short(value)}'."
    if isinstance(value, str) and spelled is not None and "number" in allowed_at(path) and _is_number(value):
        return f"{spelled}, which YAML reads as a text. Write the number out: {float(value):f}."
    kind = "a map of keys" if isinstance(value, dict) else "a list" if isinstance(value, list) else None
    if kind:
        return f"{kind}."
    return f"{_short(value)}."


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) < 1e15
    except ValueError:
        return False


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _at(data: object, path: KeyPath) -> object:
    for step in path:
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def _reference_problems(data: object) -> list[tuple[KeyPath, str]]:
    """Check names that point at each other, on the raw data so that it works beside other mistakes."""
    own = _map(_at(data, ("moods",)))
    moods = tuple(dict.fromkeys((*MOODS, *(str(name) for name in own))))
    stations = _map(_at(data, ("stations",))) or {"lofi": {}}
    problems: list[tuple[KeyPath, str]] = []
    for name, station in stations.items():
        if name in _RESERVED:
            problems.append((("stations", name), "this name belongs to the web server; take another."))
        problems += _unknown_moods(("stations", name, "mood"), _map(station).get("mood"), moods)
        lines = _map(station).get("schedule")
        for index, line in enumerate(lines if isinstance(lines, list) else ()):
            problems += _unknown_moods(("stations", name, "schedule", index, "mood"), _map(line).get("mood"), moods)
    for name, patch in own.items():
        problems += _mood_problems(str(name), patch)
    for kind, key in _OUTPUTS.items():
        outputs = _at(data, (kind,))
        problems += _output_problems(kind, key, outputs if isinstance(outputs, list) else [], stations)
    return problems


def _output_problems(
    kind: str, unique: str | None, outputs: list[Any], stations: Mapping[str, Any]
) -> list[tuple[KeyPath, str]]:
    problems: list[tuple[KeyPath, str]] = []
    seen: dict[tuple[str, str], int] = {}
    for index, output in enumerate(map(_map, outputs)):
        place: KeyPath = (kind, index, "station")
        problems += _unknown_name(place, output.get("station", "lofi"), tuple(map(str, stations)), "station")
        mount = (output.get("host"), output.get("port", 8000), output.get("mount", "/lofi.mp3"))
        values = {"name": output.get("name"), "mount": mount}
        for key in ("name", unique) if unique else ("name",):
            first = seen.setdefault((key, repr(values[key])), index)
            if first != index and output.get("name") is not None:
                problems.append(((kind, index, key), f"the same {key} as {kind}[{first}]; each needs its own."))
    return problems


def _mood_problems(name: str, patch: object) -> list[tuple[KeyPath, str]]:
    wrong = _unknown_name(("moods", name, "base"), _map(patch).get("base"), tuple(MOODS), "built-in mood")
    if wrong:
        return wrong
    try:
        own_mood(name, MoodPatch.model_validate(patch).model_dump(exclude_unset=True))
    except ValidationError:
        return []  # the tree's own check tells about it
    except MoodError as problem:
        return [(("moods", name), str(problem).removeprefix(f"mood {name!r}: "))]
    return []


def _unknown_moods(path: KeyPath, choice: object, moods: tuple[str, ...]) -> list[tuple[KeyPath, str]]:
    if not isinstance(choice, Mapping):
        return _unknown_name(path, choice, moods, "mood")
    return [problem for name in choice for problem in _unknown_name((*path, str(name)), name, moods, "mood")]


def _unknown_name(path: KeyPath, value: object, known: tuple[str, ...], what: str) -> list[tuple[KeyPath, str]]:
    if not isinstance(value, str) or value in known:
        return []
    return [(path, f"no {what} is called {value!r}. {suggestion(value, known)}Known: {', '.join(known)}.")]


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
