"""JSON with one spelling for one content, to be hashed and signed (RFC 8785 for what we write). Knows nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence


def canonical(value: object) -> bytes:
    """Spell a JSON value: keys sorted, no blanks, UTF-8, whole numbers without a fraction."""
    return json.dumps(
        _plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def canonical_sha256(value: object) -> str:
    """Hash a JSON value, whatever way it was spelled; hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
