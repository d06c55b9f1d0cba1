"""Words become a mood, and an answer that says what was understood: `understand("rainy night, slow, no drums")`.

Knows nothing about the network, stations or files of sound.
"""

from __future__ import annotations

from functools import cache

from engine import Mood, MoodError
from radio.words.applying import Workshop
from radio.words.lexicon import lexicon
from radio.words.reader import Reader
from radio.words.scenes import REMEDY, Gallery, load_model, scenes
from radio.words.spelling import LONGEST_TEXT, split
from radio.words.understanding import Move, Understanding, Wish, moves_between

__all__ = ["LONGEST_TEXT", "Move", "Understanding", "Wish", "understand"]

NAME = "words"
"""How a mood is called that words made."""


def understand(text: str, start: Mood, now: Mood | None = None, *, gallery: Gallery | None = None) -> Understanding:
    """Return the mood that words ask for and what was understood of them.

    Args:
        text: at most `LONGEST_TEXT` characters, English or German.
        start: the mood that a description starts from.
        now: the mood that words such as "slower" or "more rain" start from, when nothing else is said.
        gallery: the scenes to compare with; None takes those of the installed sentence model.

    Raises:
        MoodError: the text is empty or too long.
    """
    text = " ".join(text.split())
    if not 0 < len(text) <= LONGEST_TEXT:
        raise MoodError(f"words: {len(text)} characters; write a few words, at most {LONGEST_TEXT} characters.")
    gallery = _gallery() if gallery is None else gallery
    reading = Reader(lexicon(), _pictures(), _phrase_words()).read(text)
    wishes, unknown = list(reading.wishes), []
    for rest in reading.rests:
        found, strange = gallery.look(rest, reading.refused)
        wishes += found
        unknown += strange
    wishes = _once(wishes)
    wishes += [Wish("layer", name, -1.5, f"no {name}", 0.9) for name in _refused_layers(reading.refused)]
    relative = bool(wishes) and all(wish.relative or wish.kind in ("silent", "playing", "note") for wish in wishes)
    relative = relative and now is not None
    begin = now if relative and now is not None else start
    workshop = Workshop(begin, NAME)
    workshop.apply(wishes, reading.only)
    notes = list(reading.notes)
    if gallery.model is None and unknown:
        notes.append(f"Pictures are only read by their own words here: the sentence model is missing ({REMEDY}).")
    moves = moves_between(begin, workshop.mood, dict(workshop.reasons))
    unknown = list(dict.fromkeys(unknown))
    return Understanding(text, begin.name, workshop.mood, moves, tuple(wishes), tuple(unknown), tuple(notes), relative)


def _once(wishes: list[Wish]) -> list[Wish]:
    """Keep each scene once, where it is surest."""
    best: dict[str, Wish] = {}
    for wish in (wish for wish in wishes if wish.kind == "scene"):
        if wish.name not in best or wish.amount > best[wish.name].amount:
            best[wish.name] = wish
    return [wish for wish in wishes if wish.kind != "scene" or best[wish.name] is wish]


def _refused_layers(refused: set[str]) -> list[str]:
    found = (layer for scene in scenes().values() if refused & set(scene.words) for layer in scene.layers)
    return list(dict.fromkeys(found))


@cache
def _gallery() -> Gallery:
    return Gallery(load_model())


@cache
def _pictures() -> frozenset[str]:
    return frozenset(part for scene in scenes().values() for word in scene.words for part in word.split())


@cache
def _phrase_words() -> frozenset[str]:
    """Return the words of the scenes' phrases: none of them is a misspelling."""
    return frozenset(word.plain for scene in scenes().values() for text in scene.phrases for word in split(text))
