"""The composer: an endless iterator of bars by players who share one form. Knows nothing about sound, files or time.

A note held across the bar line gets its length when its bar is written (the players decide its release ahead), so a
bar is complete by itself and a mood is heard from the very next bar.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, Self, cast

from engine.bass import bass_line
from engine.drums import ModelDrums
from engine.errors import EngineError, SnapshotError
from engine.form import Form
from engine.keys import ModelKeys
from engine.melody import second_voice
from engine.moods import Mood, mood_from_tree, mood_to_tree
from engine.plan import BarPlan
from engine.recurrence import Recurrence
from engine.types import Bar, NoteEvent, Part, Tree

_PART_ORDER = {part: place for place, part in enumerate(Part)}


class Composer(Protocol):
    """An endless iterator of bars that follows a mood and can be saved."""

    def __iter__(self) -> Iterator[Bar]: ...

    def __next__(self) -> Bar:
        """Return the next bar."""
        ...

    def apply(self, mood: Mood) -> None:
        """Follow another mood from the next bar on."""
        ...

    def snapshot(self) -> Tree:
        """Return everything that the coming bars depend on."""
        ...

    def restore(self, tree: Tree) -> None:
        """Go on from a snapshot, note for note."""
        ...


class Player(Protocol):
    """Writes one part, bar after bar."""

    def write(self, plan: BarPlan, mood: Mood) -> list[NoteEvent]:
        """Return the part's notes of a bar as they sound."""
        ...

    def forget(self) -> None:
        """Drop the phrase memory: what comes shall be new."""
        ...

    def snapshot(self) -> Tree:
        """Return everything that the coming bars depend on."""
        ...

    def restore(self, tree: Tree) -> None:
        """Go on from a snapshot."""
        ...


class Band:
    """A composer made of a form, a player of keys, a drummer, and bass and second voice that follow them."""

    def __init__(self, mood: Mood, seed: int, keys: Player, drums: Player) -> None:
        self._mood = mood
        self._form = Form(seed)
        self._keys = keys
        self._drums = drums
        self._index = 0

    name = "band"
    """What a bar says about who wrote it."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Bar:
        """Compose one bar."""
        plan = self._form.next(self._mood)
        if plan.piece_bar == 0:
            self._keys.forget()
            self._drums.forget()
        keys = self._keys.write(plan, self._mood)
        drums = self._drums.write(plan, self._mood)
        events = [*keys, *drums, *bass_line(plan, drums), *second_voice(plan, keys, self._mood.melody_share)]
        bar = Bar(
            index=self._index,
            piece=plan.piece,
            piece_bar=plan.piece_bar,
            section=plan.section,
            chords=plan.sounding_chords,
            events=tuple(sorted(events, key=lambda e: (e.tick, _PART_ORDER[e.part], e.pitch))),
            mood=self._mood.name,
            composer=self.name,
        )
        self._index += 1
        return bar

    def apply(self, mood: Mood) -> None:
        """Follow another mood from the next bar on; a piece that cannot be of this mood ends at that bar line."""
        self._mood = mood
        if not self._form.fits(mood):
            self._form.cut()
        self._keys.forget()
        self._drums.forget()

    def snapshot(self) -> Tree:
        """Return everything that the coming bars depend on."""
        return {
            "composer": self.name,
            "mood": mood_to_tree(self._mood),
            "index": self._index,
            "form": self._form.snapshot(),
            "keys": self._keys.snapshot(),
            "drums": self._drums.snapshot(),
        }

    def restore(self, tree: Tree) -> None:
        """Go on from a snapshot of a composer of the same kind, note for note.

        Raises:
            SnapshotError: the tree is not one of ours or is damaged.
        """
        if tree.get("composer") != self.name:
            raise SnapshotError(
                f"snapshot by composer {tree.get('composer')!r}: this one is {self.name!r}. Start afresh."
            )
        try:
            self._mood = mood_from_tree(cast(Tree, tree["mood"]))
            self._index = cast(int, tree["index"])
            self._form.restore(cast(Tree, tree["form"]))
            self._keys.restore(cast(Tree, tree["keys"]))
            self._drums.restore(cast(Tree, tree["drums"]))
        except (KeyError, TypeError, ValueError, AttributeError, EngineError) as error:
            raise SnapshotError(f"composer snapshot: damaged ({error!r}). Delete it and start afresh.") from error


class ModelComposer(Band):
    """Composes with a recurrence for the keys and one for the drums."""

    name = "models"

    def __init__(self, mood: Mood, seed: int, piano: Recurrence, drums: Recurrence) -> None:
        super().__init__(mood, seed, ModelKeys(piano, seed), ModelDrums(drums, seed))


def compose_models(mood: Mood, seed: int, piano: Recurrence, drums: Recurrence) -> ModelComposer:
    """Return a composer that plays with the given models."""
    return ModelComposer(mood, seed, piano, drums)
