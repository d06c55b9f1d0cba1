"""Reads YAML and remembers where each value stood and how it was spelled. Knows nothing about what the keys mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import yaml

from radio.errors import ConfigError

MAX_BYTES = 1 << 20
MAX_VALUES = 20_000
"""Anchors can multiply a small file without end; ours has about 60 values."""
KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in the file and how it was spelled."""

    line: int
    """From 1."""
    spelled: str | None
    """The scalar as written; None for maps and lists."""
    quoted: bool = False
    file: str | None = None
    """The file, where it is not the document's own."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: plain values, the place of each, and keys that were given twice."""

    name: str
    """The file's name, as it stands in messages."""
    data: object
    places: dict[KeyPath, Place] = field(default_factory=dict)
    duplicates: tuple[str, ...] = ()

    def at(self, path: KeyPath) -> str:
        """Where to look: `config.yaml:12: stations.lofi.mood`; the nearest line above when the value has none."""
        near = path
        while near and near not in self.places:
            near = near[:-1]
        found = self.places.get(near)
        where = self.name if found is None else f"{found.file or self.name}:{found.line}"
        return f"{where}: {dotted(path)}" if path else where


def dotted(path: KeyPath) -> str:
    """Write a key path as people do: `icecast[0].mount`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read_text(path: Path) -> str:
    """Read a configuration file; every way of failing is a ConfigError."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError as problem:
        raise ConfigError(
            [f"{path}: not found. Name another file with --config, or copy the config.yaml that came with the radio."]
        ) from problem
    except IsADirectoryError as problem:
        raise ConfigError([f"{path}: this is a folder. Name the config.yaml inside it."]) from problem
    except OSError as problem:
        raise ConfigError(
            [f"{path}: cannot be read ({problem.strerror}). Check its owner and permissions."]
        ) from problem
    if len(raw) > MAX_BYTES:
        raise ConfigError(
            [f"{path}: {len(raw)} bytes; a configuration has at most {MAX_BYTES}. Is this the right file?"]
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise ConfigError([f"{path}: byte {problem.start} is not UTF-8. Save the file as UTF-8 text."]) from problem


def parse_yaml(text: str, name: str) -> Document:
    """Parse YAML text; a syntax error is a ConfigError that names line and column."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        places = dict(islice(_places(node, (), 1, ()), MAX_VALUES)) if node is not None else {}
        if len(places) >= MAX_VALUES:
            raise ValueError(f"more than {MAX_VALUES} values")
        duplicates = tuple(_duplicates(node, (), name)) if node is not None else ()
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as problem:
        raise ConfigError([_syntax_problem(problem, name)]) from problem
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise ConfigError(
            [f"{name}: is not YAML we can read ({problem}). Compare it with the shipped config.yaml."]
        ) from problem
    return Document(name, data, places, duplicates)


def _syntax_problem(problem: yaml.MarkedYAMLError, name: str) -> str:
    mark = problem.problem_mark or problem.context_mark
    where = f"{name}:{mark.line + 1}, column {mark.column + 1}" if mark else name
    said = problem.problem or problem.context or "it ends too early"
    hint = "Check the indentation, colons, quotes and brackets just before it."
    if "'\\t'" in said:
        hint = "Indent with spaces: YAML does not allow tabs."
    return f"{where}: this is not YAML: {said}. {hint}"


def _places(node: yaml.Node, path: KeyPath, line: int, above: tuple[int, ...]) -> Iterator[tuple[KeyPath, Place]]:
    """Walk all values; `above` holds the ids of the open nodes, so that an anchor that contains itself ends."""
    spelled = node.value if isinstance(node, yaml.ScalarNode) else None
    yield path, Place(line, spelled, bool(getattr(node, "style", None)))
    if id(node) in above:
        raise ValueError("an anchor contains itself")
    above = (*above, id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _places(value, (*path, str(key.value)), key.start_mark.line + 1, above)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _places(value, (*path, index), value.start_mark.line + 1, above)


def _duplicates(node: yaml.Node, path: KeyPath, name: str) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            word, line = str(key.value), key.start_mark.line + 1  # a list or a mapping may stand where a key should
            here = (*path, word)
            if word in lines and word != "<<":
                yield f"{name}:{line}: {dotted(here)} is given twice (first on line {lines[word]}). Keep one."
            lines.setdefault(word, line)
            yield from _duplicates(value, here, name)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _duplicates(value, (*path, index), name)
