"""Stretches of songs to write anew: so many bars each, taken evenly from a whole group. Knows nothing about models.

The longest songs of a group are not the group: the eight longest of Groove's validation split are half of them sambas,
with .54 ghost notes among the snares of their first 32 bars where the split has .41.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from engine import tokens
from training.corpus import EVERY_EPOCH, Entry, as_ids


def cut(ids: Sequence[int], bars: int) -> list[list[int]]:
    """Return a song in stretches of `bars` bars, each with the song's prefix and an end; the last may be shorter."""
    ids = list(ids)
    if tokens.BAR not in ids:
        return []
    end = len(ids) - (ids[-1] == tokens.END)
    places = [place for place, token in enumerate(ids) if token == tokens.BAR]
    prefix = ids[: places[0]]
    return [[*prefix, *ids[start:stop], tokens.END] for start, stop in pairwise([*places[::bars], end])]


def chosen(entries: Sequence[Entry], count: int, bars: int) -> list[Entry]:
    """Return up to `count` stretches that stand evenly in the group's bars, so that a long song has more of them."""
    found = [
        Entry(f"{entry.name} {number * bars + 1}-", True, EVERY_EPOCH, as_ids(stretch))
        for entry in entries
        for number, stretch in enumerate(cut(entry.ids.tolist(), bars))
    ]
    ends = list(accumulate(int((entry.ids == tokens.BAR).sum()) for entry in found))
    wanted = [(place + 0.5) * ends[-1] / count for place in range(count)] if found else []
    return [entry for entry, (start, end) in zip(found, pairwise([0, *ends]), strict=True)
            if any(start <= at < end for at in wanted)]  # fmt: skip
