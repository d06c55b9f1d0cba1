"""Token sequences as `.bin` and `.idx`: Megatron's memory-mapped format, version 1, which RWKV-LM's trainer reads.

`.bin` holds the tokens one after the other (uint16, little endian). `.idx` holds: 9 bytes of magic, version (u64),
type code (u8; 8 is uint16), number of sequences and of document marks (u64 each), then sizes (i32, tokens), pointers
(i64, bytes) and document marks (i64: 0, 1, 2 … as every sequence is a document). Knows nothing about music.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from training.corpus import Ids
from training.errors import CorpusError

MAGIC, VERSION, UINT16 = b"MMIDIDX\x00\x00", 1, 8
_HEADER = struct.Struct("<9sQBQQ")


def paths_of(prefix: Path) -> tuple[Path, Path]:
    """Return (.bin, .idx) of a prefix."""
    return prefix.with_name(prefix.name + ".bin"), prefix.with_name(prefix.name + ".idx")


def write_binidx(sequences: Iterable[Ids], prefix: Path) -> tuple[int, int]:
    """Write both files, atomically; return (number of sequences, number of tokens)."""
    data, index = paths_of(prefix)
    drafts = [path.with_name(path.name + ".tmp") for path in (data, index)]
    sizes = []
    with drafts[0].open("wb") as file:
        for sequence in sequences:
            file.write(np.asarray(sequence, dtype="<u2").tobytes())
            sizes.append(len(sequence))
    lengths = np.array(sizes, dtype="<i4")
    pointers = np.concatenate([[0], np.cumsum(lengths[:-1], dtype="<i8") * 2]) if sizes else np.zeros(0)
    with drafts[1].open("wb") as file:
        file.write(_HEADER.pack(MAGIC, VERSION, UINT16, len(sizes), len(sizes) + 1))
        file.write(lengths.tobytes() + pointers.astype("<i8").tobytes())
        file.write(np.arange(len(sizes) + 1, dtype="<i8").tobytes())
    for draft, path in zip(drafts, (data, index), strict=True):
        os.replace(draft, path)
    return len(sizes), int(lengths.sum())


def read_binidx(prefix: Path) -> Sequence[Ids]:
    """Return the sequences, mapped into memory.

    Raises:
        CorpusError: a file is missing or not of this format.
    """
    data, index = paths_of(prefix)
    if not data.is_file() or not index.is_file():
        raise CorpusError(f"{data}: not found with its .idx. Run `python -m training.prepare PART --binidx`.")
    content = index.read_bytes()
    head = _HEADER.unpack_from(content) if len(content) >= _HEADER.size else (b"", 0, 0, 0, 0)
    magic, version, code, count, marks = head
    if (magic, version, code) != (MAGIC, VERSION, UINT16) or len(content) != _HEADER.size + 12 * count + 8 * marks:
        raise CorpusError(f"{index}: not a version 1 index of uint16 tokens, or cut off. Prepare it again.")
    sizes = np.frombuffer(content, "<i4", count, _HEADER.size)
    pointers = np.frombuffer(content, "<i8", count, _HEADER.size + 4 * count)
    if data.stat().st_size != 2 * int(sizes.sum()):
        raise CorpusError(
            f"{data}: {data.stat().st_size} bytes, its index tells of {2 * int(sizes.sum())}. Prepare again."
        )
    stored = np.memmap(data, dtype="<u2", mode="r") if sizes.sum() else np.zeros(0, "<u2")
    return [stored[start // 2 : start // 2 + size] for start, size in zip(pointers, sizes, strict=True)]
