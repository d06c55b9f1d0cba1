"""Checks a signed digest, or the record of a moment with its proof, and says what holds and what does not.

Knows nothing about how either is made. A finding is a sentence with `ok`, `warn` or `fail`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from radio import merkle
from radio.canonical import canonical, canonical_sha256
from radio.digest import DAY_MS, FORMAT, block_name, day_number, digest_body, leaf_of
from radio.digest_folder import read_digest
from radio.errors import ProvenanceError
from radio.journal_bars import unsigned
from radio.journal_reader import JournalReader
from radio.provenance import FORMAT as RECORD_FORMAT
from radio.signing import fingerprint, signed_by

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    state: Literal["ok", "warn", "fail"]
    said: str


@dataclass(frozen=True, slots=True)
class Against:
    """What to check against; nothing: only what the file says about itself."""

    journal: Path | None = None
    trusted: frozenset[str] = frozenset()
    """Public keys; none: any key that fits is told with its fingerprint."""
    digest: Path | None = None
    """For a record: the digest of its day; None looks beside the record."""


def check_file(path: Path, against: Against) -> list[Finding]:
    """Check a digest or a record; raises ProvenanceError for a file that is neither."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as problem:
        raise ProvenanceError(f"{path}: cannot be read as JSON ({problem}).") from problem
    if isinstance(found, dict) and found.get("format") == RECORD_FORMAT:
        return list(_check_record(found, path, against))
    digest = read_digest(path)
    return [*_check_signature(digest, against), *_check_chain(digest, path), *_check_rows(digest, against)]


def _check_signature(digest: Json, against: Against) -> Iterator[Finding]:
    body = digest["digest"]
    if body.get("format") != FORMAT:
        yield Finding("fail", f"The format is {str(body.get('format'))[:40]!r}; this software knows {FORMAT!r}.")
        return
    key = str(body.get("public_key"))
    if not signed_by(key, canonical(body), digest["signature"]):
        yield Finding("fail", "The signature does not fit: the file was changed after it was signed.")
        return
    yield Finding("ok", f"Signed, and unchanged since, by the key {fingerprint(key)}.")
    if not against.trusted:
        yield Finding(
            "warn", "No key to compare with: get the station's from /api/provenance/key and name it by --key."
        )
    elif key in against.trusted:
        yield Finding("ok", "That key is the station's.")
    else:
        yield Finding("fail", "That key is not the station's, nor one that its key was handed on to.")


def _check_chain(digest: Json, path: Path) -> Iterator[Finding]:
    """Whether the digest before is the one that this one names."""
    previous = digest["digest"].get("previous")
    if previous is None:
        yield Finding("ok", "It is the first of its station.")
        return
    name = Path(str(previous["file"])).name
    before = path.parent / name
    if not before.is_file():
        yield Finding("warn", f"The digest before it, {name}, does not lie beside it: the chain is not checked.")
    elif canonical_sha256(read_digest(before)) == previous["sha256"]:
        yield Finding("ok", f"It follows {name}, which is as it was.")
    else:
        yield Finding("fail", f"{name} is not what it was when this one was signed.")


def _check_rows(digest: Json, against: Against) -> Iterator[Finding]:
    if against.journal is None:
        return
    body = digest["digest"]
    day = day_number(str(body["day"]))
    with JournalReader(against.journal) as reader:
        now = digest_body(reader, day)
    said = _blocks(body)
    found = _blocks(now)
    if found == said:
        yield Finding("ok", f"The journal holds the same {body['rows']} rows.")
        return
    gone = sorted(one for one in said if one not in found)
    late = sorted(one for one in found if found[one][0] > said.get(one, (0, ""))[0])
    other = sorted(one for one in said if one in found and found[one] != said[one] and one not in late)
    if gone:
        state: Literal["warn", "fail"] = "warn" if not found or _only_oldest(gone, list(said)) else "fail"
        yield Finding(state, f"The journal no longer holds {_some(gone)}: rows are deleted after journal.keep_days.")
    if late:
        yield Finding("fail", f"The journal holds more rows in {_some(late)}: a later revision of the digest has them.")
    if other:
        yield Finding("fail", f"Rows differ in {_some(other)}: they were changed after they were signed.")
    if not (gone or late or other):
        yield Finding("fail", "The journal holds rows of stations that the digest does not name.")


def _blocks(body: Json) -> dict[tuple[str, str], tuple[int, str]]:
    return {
        (str(station), str(block)): (int(rows), str(root))
        for station, blocks in body["stations"].items()
        for block, rows, root in blocks
    }


def _only_oldest(gone: list[tuple[str, str]], said: list[tuple[str, str]]) -> bool:
    """Whether what is gone is the beginning of the day, as when old rows are deleted."""
    kept = [block for one in said if (block := one[1]) and one not in gone]
    return not kept or max(block for _, block in gone) <= min(kept)


def _some(blocks: list[tuple[str, str]]) -> str:
    named = ", ".join(f"{station} {block}" for station, block in blocks[:4])
    return f"{named}{' …' if len(blocks) > 4 else ''} ({len(blocks)} blocks of 5 minutes)"


def _check_record(record: Json, path: Path, against: Against) -> Iterator[Finding]:
    """Whether every bar of a record is among the rows that were signed."""
    proofs = [(aired, aired["proof"]) for aired in record.get("aired", ()) if aired.get("proof", {}).get("row")]
    if not proofs:
        yield Finding("warn", "The record holds no proof: it was made before the day's digest. Make it again.")
        return
    for aired, proof in proofs:
        digest = read_digest(against.digest or path.parent / Path(str(proof["digest"])).name)
        yield from _check_signature(digest, against)
        yield _in_digest(proof, digest)
        yield _facts_fit(aired, proof["row"], digest)


def _in_digest(proof: Json, digest: Json) -> Finding:
    row = proof["row"]
    try:
        hashes = [bytes.fromhex(one) for one in proof["path"]]
        root = merkle.root_by(leaf_of(row), int(proof["index"]), int(proof["rows"]), hashes)
        block = (str(row["station"]), block_name(int(row["wall_ms"])))
        day = int(row["wall_ms"]) // DAY_MS
        fits = root is not None and _blocks(digest["digest"]).get(block) == (int(proof["rows"]), root.hex())
        if fits and day == day_number(str(digest["digest"]["day"])):
            return Finding(
                "ok", f"The bar's row is among the {proof['rows']} that were signed for {block[0]} {block[1]}."
            )
    except (ValueError, KeyError, TypeError):
        return Finding("fail", "The proof is damaged.")
    return Finding("fail", "The bar's row is not among those that were signed.")


def _facts_fit(aired: Json, row: Json, digest: Json) -> Finding:
    """Whether what people read says the same as the row that was signed."""
    try:
        notes = [[n["tick"], n["ticks"], n["pitch"], n["velocity"], n["part"][0]] for n in aired["notes"]]
        pairs = {
            "title": (aired["piece"]["title"], row["title"]),
            "seed": (aired["piece"]["seed"], str(unsigned(row["piece_seed"]))),
            "mood": (aired["mood"]["name"], row["mood"]),
            "composer": (aired["composer"]["by"], row["composer"]),
            "version": (aired["software"]["version"], row["version"]),
            "notes": (notes, json.loads(row["notes"])),
            "frame": (aired["bar"]["frame"], row["frame"]),
        }
        signed_files = {one[1] for one in digest["digest"]["assets"].get(row["assets"], ())}
        told = [*aired["composer"].get("models", ()), *aired["sounds"]["banks"], *aired["sounds"]["loops"]]
        wrong = [name for name, (one, other) in pairs.items() if one != other]
        wrong += ["files"] if any(one["sha256"] not in signed_files for one in told) else []
    except (ValueError, KeyError, TypeError):
        return Finding("fail", "The record is damaged.")
    if wrong:
        return Finding("fail", f"What the record says is not what was signed: {', '.join(wrong)}.")
    return Finding("ok", "Title, seed, notes, composer, files and version are those that were signed.")
