"""The station's key: for its owner alone, followed by others it vouches for."""

import stat

import pytest

from radio.errors import ProvenanceError
from radio.signing import KEY_NAME, KEYS_NAME, next_key, public_keys, signed_by, station_key, trusted_from


def test_the_key_is_for_its_owner_alone_and_stays_the_same(tmp_path):
    first = station_key(tmp_path)
    assert station_key(tmp_path).public == first.public
    assert stat.S_IMODE((tmp_path / KEY_NAME).stat().st_mode) == 0o600
    assert first.public not in (tmp_path / KEY_NAME).read_text()
    assert signed_by(first.public, b"x", first.sign(b"x"))
    assert not signed_by(first.public, b"y", first.sign(b"x"))
    assert not signed_by("no key", b"x", "no signature")


def test_a_new_key_is_vouched_for_by_the_one_before(tmp_path):
    keys = [station_key(tmp_path).public, next_key(tmp_path).public, next_key(tmp_path).public]
    assert [key["public_key"] for key in public_keys(tmp_path)] == keys
    assert trusted_from(keys[0], public_keys(tmp_path)) == frozenset(keys)
    assert trusted_from(keys[1], public_keys(tmp_path)) == frozenset(keys[1:])
    forged = [dict(key) for key in public_keys(tmp_path)]
    forged[1]["public_key"] = station_key(tmp_path / "thief").public
    assert trusted_from(keys[0], tuple(forged)) == frozenset(keys[:1])


def test_a_key_that_cannot_be_used_is_a_sentence(tmp_path):
    station_key(tmp_path)
    (tmp_path / KEY_NAME).write_text("rubbish")
    with pytest.raises(ProvenanceError, match="cannot be used"):
        station_key(tmp_path)
    (tmp_path / KEYS_NAME).write_text("rubbish")
    with pytest.raises(ProvenanceError, match="damaged"):
        public_keys(tmp_path)
