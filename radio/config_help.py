"""Says in words what a key of the configuration may hold. Knows nothing about files or mistakes."""

from __future__ import annotations

from functools import cache
from typing import Any

from radio.config import Config

KeyPath = tuple[str | int, ...]
Schema = dict[str, Any]


def keys_at(path: KeyPath) -> tuple[str, ...]:
    """Names of the keys that may stand at a place."""
    return tuple(sorted(_schema_at(path).get("properties", ())))


def allowed_at(path: KeyPath) -> str:
    """Describe what may stand at a place: `a whole number from 1 to 65535`."""
    return _describe(_schema_at(path))


@cache
def _root() -> Schema:
    return Config.model_json_schema()


def _schema_at(path: KeyPath) -> Schema:
    schema = _root()
    for step in path:
        schema = _child(_plain(schema), step)
    return schema if "anyOf" in schema else _resolve(schema)


def _child(schema: Schema, step: str | int) -> Schema:
    if isinstance(step, int):
        places = schema.get("prefixItems", ())
        found = places[step] if step < len(places) else schema.get("items", {})
    elif step in schema.get("properties", {}):
        found = schema["properties"][step]
    else:
        patterns = schema.get("patternProperties", {})
        found = next(iter(patterns.values()), schema.get("additionalProperties") or {})
    return found if isinstance(found, dict) else {}


def _resolve(schema: Schema) -> Schema:
    """Follow a $ref; what stands beside it (a description) goes first."""
    if "$ref" not in schema:
        return schema
    return {**_root()["$defs"][schema["$ref"].rpartition("/")[2]], **schema}


def _plain(schema: Schema) -> Schema:
    """The same without `or null`."""
    branches = [branch for branch in schema.get("anyOf", ()) if branch.get("type") != "null"]
    return _resolve(branches[0] if branches else schema)


def _describe(schema: Schema) -> str:
    if any(branch.get("type") == "null" for branch in schema.get("anyOf", ())):
        return f"{_describe(_plain(schema))}, or null"
    kind = schema.get("type")
    if kind == "object":
        keys = ", ".join(schema.get("properties", ()))
        return f"a map with keys such as {keys}" if keys else "a map of names to settings"
    if "description" in schema:
        return str(schema["description"])
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if kind == "array":
        return _describe_list(schema)
    words = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "a text"}
    return words.get(str(kind), "something else") + _range(schema)


def _describe_list(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"a list of {len(schema['prefixItems'])}: {', then '.join(_describe(s) for s in schema['prefixItems'])}"
    least = f", at least {schema['minItems']} of them" if "minItems" in schema else ""
    return f"a list, each {_describe(_plain(schema.get('items', {})))}{least}"


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None or high is None:
        return ""
    return f" from {low:g} to {high:g}" if high < 1e15 else f" from {low:g} up"
