"""Snapshots: packed and unpacked without loss; damage is noticed."""

import ast
import io
import json

import numpy as np
import pytest

from engine.errors import SnapshotError
from engine.snapshot import VERSION, generator_from_tree, generator_to_tree, pack, unpack

TREE = {
    "number": 3,
    "big": 2**100 + 1,
    "share": 0.1,
    "nothing": None,
    "words": ["a", {"deep": [True, False]}],
    "array": np.arange(12, dtype=np.float32).reshape(3, 4),
    "inside": {"counts": np.array([2**40, -1]), "list": [np.zeros((2, 0)), "x"]},
}


def test_a_tree_survives_packing_exactly():
    tree = unpack(pack(TREE))
    assert {k: v for k, v in tree.items() if k not in ("array", "inside")} == {
        k: v for k, v in TREE.items() if k not in ("array", "inside")
    }
    assert tree["array"].dtype == np.float32
    np.testing.assert_array_equal(tree["array"], TREE["array"])
    np.testing.assert_array_equal(tree["inside"]["counts"], TREE["inside"]["counts"])
    assert tree["inside"]["list"][0].shape == (2, 0)


@pytest.mark.parametrize("kind", ["?", "u1", "<i2", ">i4", "<i8", "<f4", "<f8", "<c16"])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 0, 3), (2, 3, 4)])
def test_an_array_of_any_kind_and_shape_comes_back(kind, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(kind)
    for laid_out in (array, np.array(array, order="F")):
        back = unpack(pack({"array": laid_out}))["array"]
        assert (back.dtype, back.shape, back.tolist()) == (array.dtype, shape, array.tolist())
        assert back.flags.writeable


def test_nothing_is_parsed_as_python(monkeypatch):
    packed = pack(TREE)

    def refuses(*_, **__):
        raise SystemError("AST constructor recursion depth mismatch")

    monkeypatch.setattr(ast, "parse", refuses)
    assert unpack(packed)["number"] == 3


def test_an_array_of_something_else_is_refused():
    buffer = io.BytesIO()
    np.savez(buffer, tree=np.array(["__import__('os')"]))
    with pytest.raises(SnapshotError, match="not an array of numbers"):
        unpack(buffer.getvalue())


@pytest.mark.parametrize("cut", [0, 1, 100, -1, -30])
def test_a_truncated_snapshot_is_refused(cut):
    with pytest.raises(SnapshotError, match="damaged"):
        unpack(pack(TREE)[:cut])


def test_a_flipped_byte_anywhere_is_refused_or_harmless():
    data = bytearray(pack(TREE))
    refused = 0
    for place in range(0, len(data), 7):
        broken = bytearray(data)
        broken[place] ^= 0xFF
        try:
            tree = unpack(bytes(broken))
        except SnapshotError:
            refused += 1
        else:
            np.testing.assert_array_equal(tree["array"], TREE["array"])
            assert tree["big"] == TREE["big"]
    assert refused > len(data) / 7 / 3


def test_another_version_is_refused_with_both_versions_named():
    buffer = io.BytesIO()
    text = json.dumps({"version": VERSION + 1, "tree": {}})
    np.savez(buffer, tree=np.frombuffer(text.encode(), np.uint8))
    with pytest.raises(SnapshotError, match=rf"{VERSION + 1}.*{VERSION}"):
        unpack(buffer.getvalue())


def test_what_cannot_be_saved_is_an_error_at_once():
    with pytest.raises(TypeError, match="set"):
        pack({"x": {1, 2}})
    with pytest.raises(TypeError, match="keys"):
        pack({"x": {1: 2}})


def test_a_random_generator_goes_on_where_it_was():
    rng = np.random.default_rng(4)
    rng.random(10)
    tree = unpack(pack({"rng": generator_to_tree(rng)}))["rng"]
    other = np.random.default_rng(0)
    generator_from_tree(other, tree)
    assert other.random(5).tolist() == rng.random(5).tolist()
