"""Hashes: any leaf is proved by its path, and one content has one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio import merkle
from radio.canonical import canonical


@given(st.lists(st.binary(max_size=3), min_size=1, max_size=40), st.data())
def test_any_leaf_of_any_tree_is_proved_by_its_path_and_no_other_leaf_is(contents, data):
    leaves = [merkle.leaf(one) for one in contents]
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = merkle.path(leaves, index)
    assert merkle.root_by(leaves[index], index, len(leaves), path) == merkle.root(leaves)
    assert merkle.root_by(merkle.leaf(b"other"), index, len(leaves), path) != merkle.root(leaves)
    assert merkle.root_by(leaves[index], len(leaves), len(leaves), path) is None


def test_one_content_has_one_spelling():
    assert canonical({"b": 70.0, "a": [1, 2.5, "♭", None, True]}) == '{"a":[1,2.5,"♭",null,true],"b":70}'.encode()
    with pytest.raises(ValueError, match="JSON"):
        canonical(float("nan"))
