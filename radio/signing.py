"""The station's key: made at the first start, signs digests, can be followed by another. Knows nothing about journals.

The private key is a PEM file that only its owner may read. The public keys, old ones too, stand in a file beside it;
each new one carries the signature of the one before, so that who trusts an old key can trust the new one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from radio.appearing import appearing
from radio.canonical import canonical
from radio.errors import ProvenanceError

KEY_NAME, KEYS_NAME = "provenance.key", "provenance-keys.json"
_HANDOVER = "lofi-radio key 1"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StationKey:
    """A key in hand."""

    private: Ed25519PrivateKey
    keys: tuple[Json, ...]
    """Public keys of the station, oldest first: public_key, since, and who signed it over."""

    @property
    def public(self) -> str:
        """The public key, base64 of its 32 bytes."""
        return _public_text(self.private.public_key())

    def sign(self, data: bytes) -> str:
        """Sign bytes; base64."""
        return base64.b64encode(self.private.sign(data)).decode()


def station_key(folder: Path) -> StationKey:
    """Read the station's key, or make it; raises ProvenanceError when it cannot be read or written."""
    path = folder / KEY_NAME
    try:
        if not path.exists():
            return _begin(folder, None)
        private = serialization.load_pem_private_key(path.read_bytes(), None)
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError("not an ed25519 key")
        return StationKey(private, public_keys(folder) or _published(folder, private, None))
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise ProvenanceError(
            f"{path}: the station's key cannot be used ({problem}). Put it right, or move it away for a new one."
        ) from problem


def next_key(folder: Path) -> StationKey:
    """Make a new key, signed over by the one in use, which is put aside; raises ProvenanceError."""
    old = station_key(folder)
    path = folder / KEY_NAME
    try:
        path.rename(path.with_name(f"{KEY_NAME}.{fingerprint(old.public)}"))
        return _begin(folder, old)
    except OSError as problem:
        raise ProvenanceError(f"{path}: cannot be replaced ({problem}).") from problem


def public_keys(folder: Path) -> tuple[Json, ...]:
    """The station's public keys, oldest first; none where none was made."""
    try:
        found = json.loads((folder / KEYS_NAME).read_bytes())["keys"]
        return tuple(dict(one) for one in found)
    except FileNotFoundError:
        return ()
    except (ValueError, KeyError, TypeError) as problem:
        raise ProvenanceError(
            f"{folder / KEYS_NAME}: damaged ({problem}). Move it away; it is made again."
        ) from problem


def signed_by(public: str, data: bytes, signature: str) -> bool:
    """Whether a key made a signature."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        key.verify(base64.b64decode(signature, validate=True), data)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def trusted_from(public: str, keys: tuple[Json, ...]) -> frozenset[str]:
    """Every key that can be trusted by who trusts one: those to which it was handed on, one by one."""
    trusted = {public}
    for key in keys:
        if key.get("signed_by") in trusted and signed_by(
            str(key["signed_by"]), _handover(str(key["public_key"]), str(key["since"])), str(key.get("signature"))
        ):
            trusted.add(str(key["public_key"]))
    return frozenset(trusted)


def fingerprint(public: str) -> str:
    """Short name of a key: 16 hexadecimal digits."""
    return hashlib.sha256(public.encode()).hexdigest()[:16]


def _begin(folder: Path, before: StationKey | None) -> StationKey:
    folder.mkdir(parents=True, exist_ok=True)
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.open(folder / KEY_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return StationKey(private, _published(folder, private, before))


def _published(folder: Path, private: Ed25519PrivateKey, before: StationKey | None) -> tuple[Json, ...]:
    """Write a new public key down behind those that were there."""
    public, since = _public_text(private.public_key()), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    entry: Json = {"public_key": public, "fingerprint": fingerprint(public), "since": since}
    if before is not None:
        entry |= {"signed_by": before.public, "signature": before.sign(_handover(public, since))}
    keys = (*(before.keys if before is not None else ()), entry)
    with appearing(folder / KEYS_NAME) as path:
        path.write_text(json.dumps({"algorithm": "ed25519", "keys": keys}, indent=1) + "\n", encoding="utf-8")
    return keys


def _handover(public: str, since: str) -> bytes:
    return canonical({"format": _HANDOVER, "public_key": public, "since": since})


def _public_text(key: Ed25519PublicKey) -> str:
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.b64encode(raw).decode()
