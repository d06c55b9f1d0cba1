"""The proof of a record: its row, and the path from it to the signed digest of its day. Knows nothing about keys."""

from __future__ import annotations

from typing import Any

from radio import merkle
from radio.canonical import canonical_sha256
from radio.digest import BLOCK_MS, DAY_MS, block_name, block_rows, leaf_of, leaves_of, row_json
from radio.digest_folder import DigestFolder
from radio.journal_reader import JournalReader
from radio.journal_rows import BarRow

Json = dict[str, Any]


def proof_of(reader: JournalReader, row: BarRow, folder: DigestFolder) -> Json:
    """Prove that a bar is among the rows that were signed for its day; says so when it cannot be."""
    latest = folder.latest(row.wall_ms // DAY_MS)
    if latest is None:
        return {"said": "The day's digest is not made yet: ask again a quarter of an hour after midnight UTC."}
    name, digest = latest
    hashed = leaves_of(block_rows(reader, row.station, row.wall_ms // BLOCK_MS * BLOCK_MS))
    leaves = [one for one, _ in hashed]
    wanted = leaf_of(row_json(row))
    signed = {block: (rows, root) for block, rows, root in digest["digest"]["stations"].get(row.station, ())}.get(
        block_name(row.wall_ms)
    )
    if wanted not in leaves or signed != (len(leaves), merkle.root(leaves).hex()):
        return {
            "said": f"These five minutes of the journal are not what {name} was signed for. Check it: verify {name}."
        }
    index = leaves.index(wanted)
    return {
        "said": f"Signed in {name} (sha256 {canonical_sha256(digest)}), row {index + 1} of {len(leaves)} of its block.",
        "digest": name,
        "digest_sha256": canonical_sha256(digest),
        "row": row_json(row),
        "index": index,
        "rows": len(leaves),
        "path": [one.hex() for one in merkle.path(leaves, index)],
    }
