"""Hash trees after RFC 6962: one hash for many leaves, and a short path that proves one of them. Knows nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def leaf(data: bytes) -> bytes:
    """Hash of a leaf."""
    return hashlib.sha256(b"\0" + data).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Hash of all leaves, in order."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = _half(len(leaves))
    return _node(root(leaves[:half]), root(leaves[half:]))


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Hashes that lead from a leaf to the root, the nearest first."""
    if len(leaves) == 1:
        return []
    half = _half(len(leaves))
    if index < half:
        return [*path(leaves[:half], index), root(leaves[half:])]
    return [*path(leaves[half:], index - half), root(leaves[:half])]


def root_by(found: bytes, index: int, count: int, hashes: Sequence[bytes]) -> bytes | None:
    """Root that a leaf and its path lead to; None for a path that cannot be."""
    if not 0 <= index < count:
        return None
    if count == 1:
        return found if not hashes else None
    if not hashes:
        return None
    half = _half(count)
    if index < half:
        inner = root_by(found, index, half, hashes[:-1])
        return None if inner is None else _node(inner, hashes[-1])
    inner = root_by(found, index - half, count - half, hashes[:-1])
    return None if inner is None else _node(hashes[-1], inner)


def _half(count: int) -> int:
    """Largest power of two below the count."""
    return 1 << (count - 1).bit_length() - 1


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
