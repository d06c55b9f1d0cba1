"""The composer: an endless iterator of bars by players who share one form. Knows nothing about sound, files or time.

A note held across the bar line gets its length when its bar is written (the players decide its release ahead), so a
bar is complete by itself and a mood is heard from the very next bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol, Self, cast

from engine.bass import bass_line
from engine.drift import wandered
from engine.drums import ModelDrums
from engine.errors import EngineError, SnapshotError
from engine.form import Form
from engine.keys import ModelKeys
from engine.layout import Layout
from engine.melody import second_voice
from engine.moods import Mood, mood_from_tree, mood_to_tree
from engine.plan import BarPlan, DrumRole
from engine.prompt import Prompt, prompt_from_tree, prompt_to_tree
from engine.recurrence import Recurrence
from engine.remembered import PieceMark
from engine.substitution import Loop
from engine.tuned_state import StateShelf
from engine.turn import End
from engine.types import Bar, FloatArray, NoteEvent, Part, Tree

_PART_ORDER = {part: place for place, part in enumerate(Part)}


class Composer(Protocol):
    """An endless iterator of bars that follows a mood and can be saved."""

    @property
    def piece_begins(self) -> bool:
        """Whether the next bar begins a piece."""
        ...

    def __iter__(self) -> Iterator[Bar]: ...

    def __next__(self) -> Bar:
        """Return the next bar."""
        ...

    def apply(self, mood: Mood) -> None:
        """Follow another mood from the next bar on."""
        ...

    def follow(self, mood: Mood) -> None:
        """Follow a mood a small step away: the piece and its loops go on, tempo and key wait for the next piece."""
        ...

    def end_piece(self, how: End) -> None:
        """Bring the piece to its end at the next bar line."""
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

    def prime(self, prompt: Prompt | None) -> None:
        """Know what the piece that begins goes on from; None: nothing."""
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


class KeysPlayer(Player, Protocol):
    """A player of keys, who has a say in the harmony."""

    def taste(self, minor: bool, loops: Sequence[Loop]) -> FloatArray:
        """Return how likely each chord loop is to the player, as logarithms."""
        ...


class Band:
    """A composer made of a form, a player of keys, a drummer, and bass and second voice that follow them."""

    def __init__(self, mood: Mood, form: Form, keys: KeysPlayer, drums: Player) -> None:
        self._mood = mood
        self._form = form
        self._keys = keys
        self._drums = drums
        self._index = 0
        self._due: Prompt | None = None

    name = "band"
    """What a bar says about who wrote it."""

    @property
    def piece_begins(self) -> bool:
        """Whether the next bar begins a piece."""
        return self._form.at_piece_end

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Bar:
        """Compose one bar."""
        if self._form.at_piece_end:
            self._form.prompt, self._due = self._due, None
        prompt = self._form.prompt
        wanted = self._mood if prompt is None else prompt.coloured(self._mood)
        plan = _without(self._mood.silent, self._form.next(wanted, self._keys.taste))
        mood = wandered(wanted, plan.piece.seed)
        if plan.piece_bar == 0:
            self._keys.forget()
            self._drums.forget()
            self._keys.prime(prompt)
            self._drums.prime(prompt)
        keys = self._keys.write(plan, mood)
        drums = self._drums.write(plan, mood)
        second = [] if "second" in mood.silent else second_voice(plan, keys, mood.melody_share)
        events = [*keys, *drums, *bass_line(plan, drums), *second]
        bar = Bar(
            index=self._index,
            piece=plan.piece,
            piece_bar=plan.piece_bar,
            section=plan.section,
            chords=plan.sounding_chords,
            events=tuple(sorted(events, key=lambda e: (e.tick, _PART_ORDER[e.part], e.pitch))),
            mood=self._mood.name,
            composer=self.name,
            next_section=plan.next_section,
        )
        self._index += 1
        return bar

    def lay_out(self, layout: Layout) -> None:
        """Give every piece from the next one on this form."""
        self._form.layout = layout

    def apply(self, mood: Mood) -> None:
        """Follow another mood from the next bar on; a piece that cannot be of this mood ends at that bar line."""
        if self._form.prompt is not None and not self._form.at_piece_end and mood == self._mood:
            return  # a piece from a prompt fits no mood: only another one ends it
        self._mood = mood
        if not self._form.fits(mood):
            self._form.cut()
        self._keys.forget()
        self._drums.forget()

    def prime(self, prompt: Prompt) -> None:
        """Begin a piece that goes on from a prompt with the next bar."""
        self._due = prompt
        self._form.cut()

    def follow(self, mood: Mood) -> None:
        """Follow a mood a small step away: the piece and its loops go on, tempo and key wait for the next piece."""
        self._mood = mood

    def end_piece(self, how: End) -> None:
        """Bring the piece to its end at the next bar line: the next bar begins another one, or the ending."""
        if how is End.NOW:
            self._form.cut()
        else:
            self._form.finish()

    def snapshot(self) -> Tree:
        """Return everything that the coming bars depend on."""
        return {
            "composer": self.name,
            "mood": mood_to_tree(self._mood),
            "index": self._index,
            "form": self._form.snapshot(),
            "keys": self._keys.snapshot(),
            "drums": self._drums.snapshot(),
            "prompt": None if self._form.prompt is None else prompt_to_tree(self._form.prompt),
            "due": None if self._due is None else prompt_to_tree(self._due),
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
            self._form.prompt, self._due = (_prompt_of(tree.get(name)) for name in ("prompt", "due"))
        except (KeyError, TypeError, ValueError, AttributeError, EngineError) as error:
            raise SnapshotError(f"composer snapshot: damaged ({error!r}). Delete it and start afresh.") from error
        self._keys.prime(self._form.prompt)
        self._drums.prime(self._form.prompt)


def _prompt_of(tree: object) -> Prompt | None:
    return None if tree is None else prompt_from_tree(cast(Tree, tree))


def _without(silent: Sequence[str], plan: BarPlan) -> BarPlan:
    """Return the plan without the parts that the mood leaves out: the others then play as in a bar that has none."""
    if "drums" in silent:
        plan = replace(plan, drums=DrumRole.NONE, drums_sources=())
    return replace(plan, bass=False) if "bass" in silent else plan


class ModelComposer(Band):
    """Composes with a recurrence for the keys and one for the drums."""

    name = "models"

    def __init__(self, mood: Mood, form: Form, keys: ModelKeys, drums: ModelDrums) -> None:
        super().__init__(mood, form, keys, drums)
        self._model_keys = keys
        self.states: StateShelf | None = None

    def use_states(self, states: StateShelf) -> None:
        """Take tuned states of the piano from a shelf."""
        self.states = self._model_keys.states = states


def compose_models(
    mood: Mood, seed: int, piano: Recurrence, drums: Recurrence, heard: Iterable[PieceMark] = ()
) -> ModelComposer:
    """Return a composer that plays with the given models and repeats no piece of the last day."""
    return ModelComposer(mood, Form(seed, heard), ModelKeys(piano, seed), ModelDrums(drums, seed))
