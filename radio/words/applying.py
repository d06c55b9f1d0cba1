"""Wishes become a mood: scenes first, then whatever was said exactly. Knows nothing about language or files."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial

from engine import MAY_BE_SILENT, MOODS, Mood, mixed
from radio.words import turns
from radio.words.scenes import scenes
from radio.words.understanding import Wish

COMPOSITES: dict[str, dict[str, float]] = {
    "energy": {"tempo": 0.5, "density": 0.45, "beat": 0.8, "touch": 0.6},
    "density": {"density": 1.0},
}
"""Turns that are made of others."""
_LEAST_START = 0.25
"""Share of the mood one starts from that scenes leave."""
_LAYER_DB, _LAYER_STEP_DB, _QUIETEST_LAYER_DB = -24.0, 5.0, -36.0
_FAINTEST_LAYER_DB = -43.0
"""What a mixture leaves of a mood's ambience below this is no place any more."""
_CLEAN_VINYL, _VINYL_DB = "clean", -24.0
_SECOND_SHARE, _SECOND_DB, _KEYS_UNDER_IT = 1.0, -4.0, 72
"""An instrument that was named shall be heard soon: it waits while the keys sing above G4, so they stay lower."""
_ORDER = ("style", "kit", "chords", "tune", "low", "mode", "key", "turn", "vinyl", "layer", "bpm", "playing", "silent")


class Workshop:
    """Makes one mood out of another and remembers which wish moved which number."""

    def __init__(self, start: Mood, name: str) -> None:
        self.start = start
        self.mood = replace(start, name=name)
        self.reasons: dict[str, list[Wish]] = defaultdict(list)

    def apply(self, wishes: Sequence[Wish], only: str) -> None:
        """Fulfil all wishes."""
        self._paint([wish for wish in wishes if wish.kind == "scene"])
        painted = self.mood
        for kind in _ORDER:
            some = [wish for wish in wishes if wish.kind == kind]
            if kind == "turn":
                self._turn([wish for wish in some if not wish.relative], self.start)
                for wish in (wish for wish in some if wish.relative):
                    self._turn([wish], None)
            elif kind == "chords":
                self._chords(some)
            else:
                for wish in some:
                    self._do([wish], partial(_simple, wish))
        if only:
            self._leave_alone(wishes, only)
        if self.mood.silent != painted.silent and set(self.mood.silent) == set(MAY_BE_SILENT):
            self._do([], lambda mood: replace(mood, melody_share=0.0))

    def _do(self, wishes: Sequence[Wish], change: Callable[[Mood], Mood]) -> None:
        after = change(self.mood)
        for field in fields(Mood):
            if getattr(after, field.name) != getattr(self.mood, field.name):
                self.reasons[field.name] += wishes
        self.mood = after

    def _paint(self, wishes: Sequence[Wish]) -> None:
        """Mix the moods of the scenes in, then make their turns and add their layers."""
        if not wishes:
            return
        shares: dict[str, float] = defaultdict(float)
        amounts: dict[str, float] = defaultdict(float)
        layers: dict[str, float] = {}
        for wish in wishes:
            scene = scenes()[wish.name]
            for near, share in scene.near.items():
                shares[near] += share * wish.amount
            for turn, amount in _flat(scene.turns).items():
                amounts[turn] += amount * wish.amount
            for layer, db in scene.layers.items():
                layers[layer] = max(layers.get(layer, -90.0), db - 6.0 * (1 - wish.amount))
        total = sum(shares.values())
        start_share = max(1 - total, _LEAST_START)
        parts = [(self.mood, start_share), *((MOODS[name], share) for name, share in shares.items())]
        name = self.mood.name
        self._do(wishes, lambda mood: replace(mixed(parts, name), silent=mood.silent))
        together = math.sqrt(len(wishes))  # two scenes that are slow are not twice as slow
        for turn, amount in amounts.items():
            self._do(wishes, partial(turns.turned, turn=turn, amount=amount / together))
        self._do(wishes, _without_faint_layers)
        for layer, db in layers.items():
            self._do(wishes, partial(turns.with_layer, name=layer, db=db))

    def _turn(self, wishes: Sequence[Wish], neutral: Mood | None) -> None:
        """Make turns that add up; what is said directly of a number outweighs what follows from a feeling."""
        direct = {wish.name: wish.amount for wish in wishes if wish.name not in COMPOSITES}
        amounts: dict[str, float] = defaultdict(float)
        sources: dict[str, list[Wish]] = defaultdict(list)
        for wish in wishes:
            for turn, amount in _flat({wish.name: wish.amount}).items():
                told = direct.get(turn)
                if told is not None and turn != wish.name and told * amount < 0:
                    continue
                amounts[turn] += amount
                sources[turn].append(wish)
        for turn, amount in amounts.items():
            if amount:
                self._do(sources[turn], partial(turns.turned, turn=turn, amount=amount, neutral=neutral))

    def _chords(self, wishes: Sequence[Wish]) -> None:
        """Give the keys the first instrument of chords that was named, the second voice the next one."""
        wanted = [wish for wish in wishes if wish.amount > 0]
        for wish in (wish for wish in wishes if wish.amount < 0):
            self._do([wish], partial(_without_program, program=wish.value))
        for place, wish in enumerate(wanted[:2]):
            if place:
                self._do([wish], partial(_tune, wish=wish))
            else:
                self._do([wish], partial(replace, keys_program=wish.value))

    def _leave_alone(self, wishes: Sequence[Wish], only: str) -> None:
        """Silence what was not named, where `only` named something that plays."""
        kinds = {"tune": "second", "low": "bass", "kit": "drums", "vinyl": ""}
        named = {kinds.get(wish.kind, wish.name) for wish in wishes if wish.kind in ("playing", *kinds)}
        named |= {"second"} if len([wish for wish in wishes if wish.kind == "chords"]) > 1 else set()
        if not any(wish.kind in ("playing", "chords", "tune", "low", "kit") for wish in wishes):
            return
        because = Wish("silent", "others", 1.0, only, 0.9)
        for part in (part for part in MAY_BE_SILENT if part not in named):
            self._do([because], partial(turns.silenced, part=part))


def _flat(amounts: Mapping[str, float]) -> dict[str, float]:
    """Return turns with those that are made of others taken apart."""
    flat: dict[str, float] = defaultdict(float)
    for turn, amount in amounts.items():
        for piece, share in COMPOSITES.get(turn, {turn: 1.0}).items():
            flat[piece] += share * amount
    return flat


def _layer(mood: Mood, wish: Wish) -> Mood:
    now = dict(mood.ambience).get(wish.name)
    if wish.amount <= -1.4:
        return turns.with_layer(mood, wish.name, None)
    if wish.relative:
        before = _QUIETEST_LAYER_DB if now is None else now
        return turns.with_layer(mood, wish.name, before + _LAYER_STEP_DB * wish.amount)
    return turns.with_layer(mood, wish.name, max(now or -90.0, _LAYER_DB + _LAYER_STEP_DB * (wish.amount - 1)))


def _vinyl(mood: Mood, wish: Wish) -> Mood:
    if wish.amount <= -1.4:
        return replace(mood, vinyl=_CLEAN_VINYL, vinyl_db=-90.0)
    record = mood.vinyl if mood.vinyl != _CLEAN_VINYL else "vinyl"
    if wish.relative:
        return turns.turned(replace(mood, vinyl=record), "vinyl", wish.amount)
    return replace(mood, vinyl=record, vinyl_db=max(mood.vinyl_db, _VINYL_DB + 4 * (wish.amount - 1)))


def _tune(mood: Mood, wish: Wish) -> Mood:
    if wish.amount < 0:
        return _without_program(mood, wish.value)
    share, db = max(mood.melody_share, _SECOND_SHARE), max(mood.second_db, _SECOND_DB)
    high = max(min(mood.register_high, _KEYS_UNDER_IT), mood.register_low + turns.REGISTER_SPAN)
    return replace(mood, second_program=wish.value, melody_share=share, second_db=db, register_high=high)


def _without_program(mood: Mood, program: tuple[int, int]) -> Mood:
    """Give another instrument to whoever plays that one."""
    if mood.keys_program == program:
        mood = replace(mood, keys_program=(0, 4) if program != (0, 4) else (0, 0))
    if mood.second_program == program:
        mood = replace(mood, second_program=(0, 11) if program != (0, 11) else (0, 24))
    return mood


def _low(mood: Mood, wish: Wish) -> Mood:
    return replace(mood, bass_program=wish.value) if wish.amount > 0 else turns.silenced(mood, "bass")


def _without_faint_layers(mood: Mood) -> Mood:
    return replace(mood, ambience=tuple(layer for layer in mood.ambience if layer[1] > _FAINTEST_LAYER_DB))


def _key(mood: Mood, wish: Wish) -> Mood:
    tonic, minor = wish.value
    mood = replace(mood, keys=(tonic,))
    return mood if minor is None else turns.with_mode(mood, float(minor))


def _mode(mood: Mood, wish: Wish) -> Mood:
    return turns.with_mode(mood, float((wish.name == "minor") == (wish.amount > 0)))


def _playing(mood: Mood, wish: Wish) -> Mood:
    if wish.name == "second":
        mood = replace(mood, melody_share=max(mood.melody_share, 0.5))
    return replace(mood, silent=tuple(part for part in mood.silent if part != wish.name))


def _style(mood: Mood, wish: Wish) -> Mood:
    return replace(mood, drum_style=wish.name) if wish.amount > 0 else mood


def _simple(wish: Wish, mood: Mood) -> Mood:
    return _SIMPLE[wish.kind](mood, wish)


_SIMPLE: dict[str, Callable[[Mood, Wish], Mood]] = {
    "style": _style,
    "kit": lambda mood, wish: replace(mood, drum_kit=wish.value) if wish.amount > 0 else mood,
    "tune": _tune,
    "low": _low,
    "mode": _mode,
    "key": _key,
    "vinyl": _vinyl,
    "layer": _layer,
    "bpm": lambda mood, wish: turns.with_bpm(mood, *wish.value),
    "playing": _playing,
    "silent": lambda mood, wish: turns.silenced(mood, wish.name),
}
