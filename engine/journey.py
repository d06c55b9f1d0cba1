"""The way from one mood to another over minutes: what mood is in force at a frame. Knows nothing about notes or sound.

Numbers move in small steps, at bar lines. Instruments, styles and keys change with the first piece that begins in the
second half of the way, and tempo and key only ever with a piece.
"""

from __future__ import annotations

from typing import cast

from engine.drift import on_the_way
from engine.mood import Mood, mood_from_tree, mood_to_tree
from engine.types import SAMPLE_RATE_HZ, Tree

STEPS = 32
"""Of a way of ten minutes one takes 19 s: 1/32 of what two moods differ by is not heard as a step."""


class Journey:
    """Where the station is between two moods."""

    def __init__(self, mood: Mood) -> None:
        self._start = self._end = mood
        self._begun_frame = 0
        self._arrived = True
        self._like_end = True
        self._now = mood

    @property
    def arrived(self) -> bool:
        """Whether the mood asked for last is fully in force."""
        return self._arrived

    def turn(self, mood: Mood, frame: int) -> None:
        """Set out for a mood; one without `drift_minutes` is reached at once."""
        self._arrived = self._like_end = mood.drift_minutes == 0
        self._start, self._end, self._begun_frame = self._now, mood, frame
        if self._arrived:
            self._start = self._now = mood

    def mood_at(self, frame: int, piece_begins: bool) -> Mood:
        """Return the mood in force from a frame on; ask once a bar, in order."""
        if self._arrived:
            return self._now
        length_frames = self._end.drift_minutes * 60 * SAMPLE_RATE_HZ
        share = min(int(STEPS * (frame - self._begun_frame) / length_frames), STEPS) / STEPS
        self._like_end = self._like_end or (piece_begins and share >= 0.5)
        like = self._end if self._like_end else self._start
        between = on_the_way(self._start, self._end, share, like)
        if between != self._now:
            self._now = between
        self._arrived = share >= 1 and self._like_end
        return self._now

    def snapshot(self) -> Tree:
        """Take the state."""
        moods = {"start": self._start, "end": self._end, "now": self._now}
        return {name: mood_to_tree(mood) for name, mood in moods.items()} | {
            "begun_frame": self._begun_frame,
            "arrived": self._arrived,
            "like_end": self._like_end,
        }

    def restore(self, tree: Tree) -> None:
        """Go back to a state taken before."""
        self._start, self._end, self._now = (mood_from_tree(cast(Tree, tree[name])) for name in ("start", "end", "now"))
        self._begun_frame = cast(int, tree["begun_frame"])
        self._arrived, self._like_end = cast(bool, tree["arrived"]), cast(bool, tree["like_end"])
