"""Python's collector of cycles, as the radio sets it: in this process, and as it was afterwards."""

import gc
import weakref
from contextlib import nullcontext

import pytest

from radio.garbage import small_collections

KEPT = 30_000
"""New objects after which a whole collection is due; Python's own would come after 77,000 at the soonest."""


class Knot:
    """Refers to itself: nothing but a collection can free it."""

    def __init__(self):
        self.itself = self


def freed_by_itself(setting):
    """Make garbage as old as can be, then new objects; whether a collection has found it."""
    gc.collect()
    with setting:
        knot = Knot()
        seen = weakref.ref(knot)
        gc.collect(1)  # among the oldest now
        del knot
        kept = [[] for _ in range(KEPT)]
        freed = seen() is None
        del kept
    return freed


@pytest.mark.parametrize(
    ("setting", "freed"), [(small_collections, True), (nullcontext, False)], ids=["ours", "Python's own"]
)
def test_garbage_is_found_before_much_of_it_has_gathered(setting, freed):
    assert freed_by_itself(setting()) is freed


def test_what_start_up_made_is_looked_at_no_more_and_all_is_as_before_in_the_end():
    before = gc.get_threshold(), gc.get_freeze_count()
    old = Knot()
    with small_collections():
        assert not any(one is old for one in gc.get_objects())
    assert any(one is old for one in gc.get_objects())
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
