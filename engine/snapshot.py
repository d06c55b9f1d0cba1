"""Snapshots: a Tree of state packed into bytes and back. Knows nothing about what the state means.

Layout: an npz archive (zip, every member with its CRC) of the arrays `a0`, `a1`, … and a member `tree`, which is JSON
with `{"__array__": n}` in the place of array n. Nothing is ever unpickled or parsed as Python: numpy's
own reader does that to every header, and the parser of CPython 3.11 may fail when two threads use it at once (its issue
106905), as a thread that keeps states and one that writes a traceback do.
"""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.errors import SnapshotError
from engine.types import Tree

VERSION = 2
_ARRAY = "__array__"
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([<>|][biufc]\d{1,2})', 'fortran_order': (False|True), 'shape': \((\d*(?:, ?\d+)*),?\), \} *\n"
)
"""NEP 1, version 1.0, as numpy writes it for plain numbers."""


def pack(tree: Tree) -> bytes:
    """Pack a tree of JSON values and numpy arrays."""
    arrays: list[np.ndarray[Any, Any]] = []
    text = json.dumps({"version": VERSION, "tree": _encode(tree, arrays)}, separators=(",", ":"))
    buffer = io.BytesIO()
    members = {f"a{i}": array for i, array in enumerate(arrays)}
    np.savez(buffer, allow_pickle=False, tree=np.frombuffer(text.encode(), np.uint8), **members)
    return buffer.getvalue()


def unpack(data: bytes) -> Tree:
    """Unpack what `pack` made; raise SnapshotError when it is damaged or of another version."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            document = json.loads(_member(archive, "tree").tobytes())
            version = document["version"]
            if version == VERSION:
                tree: Tree = _decode(document["tree"], archive)
                return tree
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise SnapshotError(
            f"The snapshot is damaged ({error or type(error).__name__}; {len(data)} bytes). "
            "Delete it: the station then starts afresh."
        ) from error
    raise SnapshotError(
        f"The snapshot has version {version}, this software reads version {VERSION}. "
        "Delete it: the station then starts afresh."
    )


def generator_to_tree(rng: np.random.Generator) -> Tree:
    """Take the state of a random generator."""
    return dict(rng.bit_generator.state)


def generator_from_tree(rng: np.random.Generator, tree: Tree) -> None:
    """Put a random generator into a state taken before."""
    rng.bit_generator.state = tree


def _encode(value: object, arrays: list[np.ndarray[Any, Any]]) -> object:
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}
    if isinstance(value, Mapping):
        return {_key(key): _encode(item, arrays) for key, item in value.items()}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Sequence):
        return [_encode(item, arrays) for item in value]
    raise TypeError(f"a snapshot holds JSON values and numpy arrays, got {type(value).__name__}")


def _key(key: object) -> str:
    if not isinstance(key, str) or key == _ARRAY:
        raise TypeError(f"a snapshot's keys are words, got {key!r}")
    return key


def _member(archive: zipfile.ZipFile, name: str) -> np.ndarray[Any, Any]:
    """Read one array; raise ValueError when it is not one that `pack` writes."""
    raw = archive.read(f"{name}.npy")
    data = 10 + int.from_bytes(raw[8:10], "little")
    found = _HEADER.fullmatch(raw[10:data])
    if not raw.startswith(_MAGIC) or found is None:
        raise ValueError(f"{name} is not an array of numbers: {raw[:80]!r}")
    shape = tuple(map(int, found[3].split(b","))) if found[3] else ()
    array = np.frombuffer(raw, np.dtype(found[1].decode()), math.prod(shape), data)
    return array.reshape(shape, order="F" if found[2] == b"True" else "C").copy()


def _decode(value: Any, archive: zipfile.ZipFile) -> Any:  # noqa: ANN401 - JSON values
    if isinstance(value, list):
        return [_decode(item, archive) for item in value]
    if isinstance(value, dict):
        if value.keys() == {_ARRAY}:
            return _member(archive, f"a{value[_ARRAY]}")
        return {key: _decode(item, archive) for key, item in value.items()}
    return value
