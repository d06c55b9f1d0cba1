"""Finds the longest passage that two sets of music share, in any key. Knows nothing about tokens or networks.

Windows of every length are compared by a polynomial hash modulo 2^64, so a corpus of a million notes takes seconds.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from engine.types import TICKS_PER_BEAT
from training.songs import DrumSong, PianoSong

Hashes = npt.NDArray[np.uint64]

LONGEST_GAP_TICKS = 95
LONGEST_WINDOW = 512
STEP_TICKS = TICKS_PER_BEAT // 4
_BASE = np.uint64(0x9E3779B97F4A7C15)
_BORDER = 1 << 20


def piano_steps(song: PianoSong) -> list[int]:
    """Return a song as (time since the last note, interval to it) codes: rhythm included, key not."""
    notes = sorted(song.notes)
    return [
        min(after.start - before.start, LONGEST_GAP_TICKS) * 256 + after.pitch - before.pitch + 128
        for before, after in itertools.pairwise(notes)
    ]


def drum_steps(song: DrumSong) -> list[int]:
    """Return a performance as (16th steps since the last hit, drum) codes."""
    hits = sorted((round(hit.tick / STEP_TICKS), hit.pitch) for hit in song.hits)
    return [min(a[0] - b[0], 15) * 128 + a[1] for b, a in itertools.pairwise(hits)]


class Passages:
    """All passages of a body of music."""

    def __init__(self, songs: Iterable[Sequence[int]]) -> None:
        # A border code of its own after each song: no passage crosses into the next song.
        parts = [code for number, song in enumerate(songs) for code in (*song, _BORDER + number)]
        self._hashes = _prefix_hashes(np.array(parts, np.uint64))
        self._known: dict[int, Hashes] = {}

    def longest_shared(self, song: Sequence[int]) -> int:
        """Return the length in codes of the longest passage of a song that is also here."""
        hashes = _prefix_hashes(np.array(song, np.uint64))
        low, high = 0, min(len(song), LONGEST_WINDOW)
        while low < high:
            length = (low + high + 1) // 2
            if self._has_any(_windows(hashes, length), length):
                low = length
            else:
                high = length - 1
        return low

    def _has_any(self, wanted: Hashes, length: int) -> bool:
        if length not in self._known:
            self._known[length] = np.sort(_windows(self._hashes, length))
        known = self._known[length]
        if not len(known):
            return False
        places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        return bool((known[places] == wanted).any())


def _scramble(codes: Hashes) -> Hashes:
    """Spread small codes over 64 bits (the finaliser of splitmix64)."""
    mixed = (codes + np.uint64(1)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _prefix_hashes(codes: Hashes) -> Hashes:
    powers = np.cumprod(np.full(len(codes) + 1, _BASE, np.uint64)) * np.uint64(pow(int(_BASE), -1, 1 << 64))
    return np.concatenate([np.zeros(1, np.uint64), np.cumsum(_scramble(codes) * powers[:-1], dtype=np.uint64)])


def _windows(hashes: Hashes, length: int) -> Hashes:
    """Return the hash of every window, free of where it stands."""
    count = len(hashes) - length
    if count <= 0:
        return np.zeros(0, np.uint64)
    inverse = np.uint64(pow(int(_BASE), -1, 1 << 64))
    back = np.cumprod(np.full(count, inverse, np.uint64)) * _BASE
    return (hashes[length:] - hashes[:-length]) * back
